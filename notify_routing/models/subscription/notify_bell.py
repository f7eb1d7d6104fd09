from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command

from odoo.addons.mail.tools.discuss import Store

from ...tools.subscription import LEVELS, SCOPES, level_of, subtypes_of


class NotifyBell(models.AbstractModel):
    """What the bell on a document shows and does, for the person who clicks it."""

    _name = "notify.bell"
    _description = "Bell on a Document"

    # ------------------------------------------------------------
    # FOR THE WEB CLIENT: each returns the bell's state
    # ------------------------------------------------------------

    @api.model
    @api.readonly
    def read_bell(self, model, res_id):
        """Return what the current user is told of a document, why, and what could be chosen.

        :param str model: document type
        :param int res_id: document
        :return: e.g. ``{
            "following": True,
            "level": "discussions",  # or everything, mentions, mute, custom, none
            "level_name": "Discussions",
            "because": "from team Europe",
            "is_default": True,  # nothing to go back to
            "default": {"level": "discussions", "level_name": "Discussions",
                        "because": "from team Europe"},
            "levels": [{"id": "everything", "name": "Everything", "help": "…"}, …],
            "subtypes": [{"id": 1, "name": "Discussions", "help": "…", "internal": False,
                          "checked": True}, …],
            "channel": "By e-mail",
            "memento": {…},  # what restore_bell takes to come back to this state
        }``
        :raise AccessError: if the document may not be read
        """
        document = self._document(model, res_id)
        return self._state(document, self._follower(document), self._subtypes(document))

    @api.model
    def set_bell(self, model, res_id, level=None, subtype_ids=None):
        """Choose what the current user is told of a document.

        :param str level: one of everything, discussions, mentions, mute
        :param list subtype_ids: the subtypes to follow, instead of a level
        :return: see :meth:`read_bell`, and ``store_data`` for the web client's store
        """
        document = self._document(model, res_id)
        subtypes = self._subtypes(document)
        level = level or "custom"
        if level not in LEVELS:
            raise UserError(self.env._("There is no notification level “%(level)s”.", level=level))
        if level == "custom" and subtype_ids is None:
            raise UserError(self.env._("Choose a level or the events that you want to be told of."))
        if set(subtype_ids or ()) - set(subtypes.ids):
            raise UserError(
                self.env._(
                    "Some of the chosen events do not exist on this document any more. "
                    "Reload the page."
                )
            )
        return self._change(
            document,
            subtypes,
            {
                "subtype_ids": [
                    Command.set(
                        list(subtypes_of(level, subtype_ids or (), self._choices(subtypes)))
                    )
                ],
                "notify_origin": "choice",
                "notify_subscription_id": False,
                "notify_muted": level == "mute",
            },
        )

    @api.model
    def reset_bell(self, model, res_id):
        """Follow a document the way the current user's default says.

        :return: see :meth:`set_bell`
        """
        document = self._document(model, res_id)
        self._follower(document).unlink()
        document.sudo()._message_subscribe(partner_ids=self.env.user.partner_id.ids)
        return self._came_or_went(document, self._follower(document))

    @api.model
    def leave_bell(self, model, res_id):
        """Stop following a document.

        :return: see :meth:`set_bell`
        """
        document = self._document(model, res_id)
        document.message_unsubscribe(partner_ids=self.env.user.partner_id.ids)
        return self._came_or_went(document, self.env["mail.followers"].sudo())

    @api.model
    def restore_bell(self, model, res_id, memento):
        """Undo: go back to a state of the bell.

        :param dict memento: of :meth:`read_bell`
        :return: see :meth:`set_bell`
        """
        if not memento.get("follows"):
            return self.leave_bell(model, res_id)
        document = self._document(model, res_id)
        origin, line = memento.get("origin"), self.env["notify.subscription"]
        if origin in SCOPES:
            # The default may have gone meanwhile, and the memento comes from outside.
            line = line.sudo().browse(memento.get("subscription_id") or []).exists()
            origin = origin if line.scope == origin else "choice"
        elif origin not in (False, "odoo"):
            origin = "choice"
        subtypes = self._subtypes(document)
        subtype_ids = set(memento.get("subtype_ids") or ()) & set(subtypes.ids)
        return self._change(
            document,
            subtypes,
            {
                "subtype_ids": [Command.set(list(subtype_ids))],
                "notify_origin": origin,
                "notify_subscription_id": line.id if origin in SCOPES else False,
                "notify_muted": bool(memento.get("muted")),
            },
        )

    # ------------------------------------------------------------
    # FOR THE WEB CLIENT: externals
    # ------------------------------------------------------------

    @api.model
    @api.readonly
    def internal_for_externals(self, model, res_id, partner_ids, subtype_ids):
        """Return what must be asked before people are subscribed to subtypes.

        :return: ``{"people": ["Mister Client"], "events": ["Note"]}``, both empty when there is
            nothing to ask: nobody is external, or nothing internal would be new to them
        """
        document = self._document(model, res_id)
        externals, internal = self._external_and_internal(partner_ids, subtype_ids)
        followers = self.env["mail.followers"].sudo().search(
            [
                ("res_model", "=", document._name),
                ("res_id", "=", document.id),
                ("partner_id", "in", externals.ids),
                ("notify_internal", "=", True),
            ]
        )  # fmt: skip
        allowed = followers.filtered(
            lambda follower: not internal - follower.subtype_ids
        ).partner_id
        externals -= allowed
        if not externals or not internal:
            return {"people": [], "events": []}
        return {"people": externals.mapped("display_name"), "events": internal.mapped("name")}

    # ------------------------------------------------------------
    # INSIDE
    # ------------------------------------------------------------

    @api.model
    def _document(self, model, res_id):
        """Return the document if it has followers and the user may read it."""
        if not self.env.user._is_internal():
            raise UserError(
                self.env._("Only internal users choose what they are told of with the bell.")
            )
        if not self.env["notify.subscription.table"]._is_document(model):
            raise UserError(
                self.env._("This kind of document has no messages that one could follow.")
            )
        document = self.env[model].browse(res_id).exists()
        if not document:
            raise UserError(self.env._("This document does not exist any more."))
        document.check_access("read")
        return document

    @api.model
    def _state(self, document, follower, subtypes):
        """Return the state of the bell, see :meth:`read_bell`.

        :param follower: the current user's own row among the followers, if any
        :param subtypes: what could be followed
        """
        choices = self._choices(subtypes)
        muted = follower.notify_muted
        level = level_of(follower.subtype_ids.ids, choices, muted=muted) if follower else "none"
        default = self._default(document, choices)
        as_default = follower.notify_origin not in (False, "choice") and not muted
        followed = choices.available & set(follower.subtype_ids.ids)
        return {
            "following": bool(follower) and not muted,
            "level": level,
            "level_name": self._level_name(level),
            "because": self._because(follower),
            "is_default": as_default
            and followed == choices.available & set(default["subtype_ids"]),
            "default": {
                "level": default["level"],
                "level_name": self._level_name(default["level"]),
                "because": default["because"],
            },
            "levels": self._levels(),
            "subtypes": [
                {
                    "id": subtype.id,
                    "name": subtype.name,
                    "help": subtype.description if subtype.description != subtype.name else False,
                    "internal": subtype.internal,
                    "checked": subtype in follower.subtype_ids,
                }
                for subtype in subtypes
            ],
            "memento": {
                "follows": bool(follower),
                "muted": muted,
                "origin": follower.notify_origin,
                "subscription_id": follower.notify_subscription_id.id,
                "subtype_ids": follower.subtype_ids.ids,
            },
            **self._more(document),
        }

    @api.model
    def _change(self, document, subtypes, values):
        """Write values on the current user's row among the followers, making it if need be."""
        follower = self._follower(document)
        if not follower:
            follower = follower.create(
                {
                    "res_model": document._name,
                    "res_id": document.id,
                    "partner_id": self.env.user.partner_id.id,
                    **values,
                }
            )
            return self._came_or_went(document, follower, subtypes)
        follower.write(values)
        store = Store().add(follower, ["notify_muted"])
        state = self._state(document, follower, subtypes)
        return {**state, "store_data": store.get_result()}

    @api.model
    def _came_or_went(self, document, follower, subtypes=None):
        """Return the new state after the current user started or stopped following.

        Nothing is checked again: who stops following may lose access by that.

        :param follower: the current user's row among the followers, if there is one now
        """
        store = Store().add(document, [], as_thread=True, request_list=["followers"])
        subtypes = subtypes or self._subtypes(document.sudo())
        state = self._state(document.sudo(), follower, subtypes)
        return {**state, "store_data": store.get_result()}

    @api.model
    def _follower(self, document):
        """Return the current user's own row among a document's followers, if any."""
        # sudo: everybody decides on their own subscription, as in mail.thread.message_subscribe
        return self.env["mail.followers"].sudo().search(
            [
                ("res_model", "=", document._name),
                ("res_id", "=", document.id),
                ("partner_id", "=", self.env.user.partner_id.id),
            ]
        )  # fmt: skip

    @api.model
    def _subtypes(self, document):
        """Return a document's subtypes in the order of Odoo's own dialog."""
        return document._mail_get_message_subtypes().sorted(
            lambda subtype: (
                subtype.res_model or "",
                subtype.internal,
                subtype.sequence,
                subtype.id,
            )
        )

    @api.model
    def _choices(self, subtypes):
        return self.env["notify.subscription"]._subtypes_from(subtypes)

    @api.model
    def _default(self, document, choices):
        """Return the current user's default as ``{"level", "because", "subtype_ids"}``.

        :param choices: ``Subtypes`` of the document
        """
        Subscription = self.env["notify.subscription"]
        partner_id = self.env.user.partner_id.id
        found = Subscription._resolve(document._name, document.ids, [partner_id])
        line, ids = found.get((document.id, partner_id), (None, choices.default))
        origin, record = (line.scope, Subscription.browse(line.id)) if line else ("odoo", None)
        return {
            "level": level_of(ids, choices),
            "because": self._because_of(origin, record),
            "subtype_ids": ids,
        }

    @api.model
    def _because(self, follower):
        """Say to the current user why the document is followed the way it is."""
        if not follower:
            return self.env._("you do not follow this document")
        return self._because_of(follower.notify_origin, follower.notify_subscription_id)

    @api.model
    def _because_of(self, origin, line=None):
        if origin == "choice":
            return self.env._("your choice")
        if origin == "user":
            return self.env._("your default")
        return self.env["notify.subscription"]._because(origin, line)

    @api.model
    def _level_name(self, level):
        names = {
            "custom": self.env._("Chosen events"),
            "none": self.env._("Only what is addressed to you"),
            "mute": self.env._("Only mentions (muted)"),
        }
        return names.get(level) or next(
            entry["name"] for entry in self._levels() if entry["id"] == level
        )

    @api.model
    def _levels(self):
        return [
            {
                "id": "everything",
                "name": self.env._("Everything"),
                "help": self.env._("Messages, notes and every change that is announced"),
            },
            {
                "id": "discussions",
                "name": self.env._("Discussions"),
                "help": self.env._("Messages to the followers, no notes and no status changes"),
            },
            {
                "id": "mentions",
                "name": self.env._("Only mentions"),
                "help": self.env._("What is addressed to you by name"),
            },
            {
                "id": "mute",
                "name": self.env._("Mute"),
                "help": self.env._("As “only mentions”, and nobody else can change it"),
            },
        ]

    @api.model
    def _more(self, document):
        """Hook: what other houses add to the bell."""
        return {}

    @api.model
    def _internal_for(self, partner, subtype_ids):
        """Return those of some subtypes that ask for care with a person.

        :return: ``[subtype id, …]``, empty for an internal user
        """
        externals, internal = self._external_and_internal(partner.ids, subtype_ids)
        return internal.ids if externals else []

    @api.model
    def _external_and_internal(self, partner_ids, subtype_ids):
        partners = self.env["res.partner"].sudo().browse(partner_ids or [])
        subtypes = self.env["mail.message.subtype"].sudo().browse(subtype_ids or [])
        return partners.filtered("partner_share"), subtypes.filtered("internal")

    @api.model
    def _allow_internal(self, documents, partner_ids, subtype_ids):
        """Let externals be told of internal events, as somebody confirmed, and note it there."""
        externals, internal = self._external_and_internal(partner_ids, subtype_ids)
        if not externals or not internal:
            return
        self.env["mail.followers"].sudo().search(
            [
                ("res_model", "=", documents._name),
                ("res_id", "in", documents.ids),
                ("partner_id", "in", externals.ids),
            ]
        ).write({"notify_internal": True})  # fmt: skip
        for document in documents:
            document._message_log(
                body=self.env._(
                    "%(user)s decided that %(people)s, external, will be told of: %(events)s",
                    user=self.env.user.name,
                    people=", ".join(externals.mapped("display_name")),
                    events=", ".join(internal.mapped("name")),
                )
            )
