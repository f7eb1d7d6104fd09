from odoo import api, models
from odoo.exceptions import UserError

from ...tools.subscription import LEVELS, level_of, subtypes_of


class NotifyBell(models.AbstractModel):
    """What the bell on a document shows and does, for the person who clicks it."""

    _name = "notify.bell"
    _description = "Bell on a Document"

    # ------------------------------------------------------------
    # FOR THE WEB CLIENT: each returns the bell's new state
    # ------------------------------------------------------------

    @api.model
    def read_bell(self, model, res_id):
        """Return what the current user is told of a document, why, and what could be chosen.

        :param str model: document type
        :param int res_id: document
        :return: e.g. ``{
            "following": True,
            "level": "discussions",  # or everything, mentions, mute, custom, none
            "because": "from team Europe",
            "is_default": True,
            "default": {"level": "discussions", "because": "from team Europe"},
            "levels": [{"id": "everything", "name": "Everything", "help": "…"}, …],
            "subtypes": [{"id": 1, "name": "Discussions", "help": "…", "internal": False,
                          "checked": True}, …],
            "channel": "By e-mail",
        }``
        :raise AccessError: if the document may not be read
        """
        document = self._document(model, res_id)
        subtypes = self._subtypes(document)
        follower = self._follower(document)
        muted = follower.notify_muted
        level = level_of(follower.subtype_ids.ids, self._choices(subtypes), muted=muted) if follower else "none"
        default = self._default(document)
        return {
            "following": bool(follower) and not muted,
            "level": level,
            "because": self._because(follower),
            "is_default": bool(follower) and follower.notify_origin not in (False, "choice"),
            "default": {"level": default["level"], "because": default["because"]},
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
            **self._more(document),
        }

    @api.model
    def set_bell(self, model, res_id, level=None, subtype_ids=None):
        """Choose what the current user is told of a document.

        :param str level: one of everything, discussions, mentions, mute
        :param list subtype_ids: the subtypes to follow, instead of a level
        :return: see :meth:`read_bell`
        """
        document = self._document(model, res_id)
        subtypes = self._subtypes(document)
        if level and level not in LEVELS:
            raise UserError(self.env._("There is no notification level “%(level)s”.", level=level))
        ids = set(subtype_ids or ())
        unknown = ids - set(subtypes.ids)
        if unknown:
            raise UserError(
                self.env._("Some of the chosen events do not exist on this document any more. Reload the page.")
            )
        if level and level != "custom":
            ids = subtypes_of(level, (), self._choices(subtypes))
        values = {
            "subtype_ids": [(6, 0, list(ids))],
            "notify_origin": "choice",
            "notify_subscription_id": False,
            "notify_muted": level == "mute",
        }
        follower = self._follower(document)
        if follower:
            follower.write(values)
        else:
            self.env["mail.followers"].sudo().create(
                {
                    "res_model": model,
                    "res_id": document.id,
                    "partner_id": self.env.user.partner_id.id,
                    **values,
                }
            )
        return self.read_bell(model, res_id)

    @api.model
    def reset_bell(self, model, res_id):
        """Follow a document the way the current user's default says.

        :return: see :meth:`read_bell`
        """
        document = self._document(model, res_id)
        self._follower(document).unlink()
        document.sudo()._message_subscribe(partner_ids=self.env.user.partner_id.ids)
        return self.read_bell(model, res_id)

    @api.model
    def leave_bell(self, model, res_id):
        """Stop following a document.

        :return: see :meth:`read_bell`
        """
        document = self._document(model, res_id)
        document.message_unsubscribe(partner_ids=self.env.user.partner_id.ids)
        return self.read_bell(model, res_id)

    @api.model
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
        allowed = followers.filtered(lambda follower: not internal - follower.subtype_ids).partner_id
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
        if model not in self.env or not hasattr(self.env[model], "message_subscribe"):
            raise UserError(self.env._("This kind of document has no messages that one could follow."))
        if not self.env.user._is_internal():
            raise UserError(self.env._("Only internal users choose what they are told of with the bell."))
        document = self.env[model].browse(res_id).exists()
        if not document:
            raise UserError(self.env._("This document does not exist any more."))
        document.check_access("read")
        return document

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
            lambda subtype: (subtype.res_model or "", subtype.internal, subtype.sequence, subtype.id)
        )

    @api.model
    def _choices(self, subtypes):
        return self.env["notify.subscription"]._subtypes_from(subtypes)

    @api.model
    def _default(self, document):
        """Return ``{"level", "because", "subtype_ids"}`` of the current user's default."""
        Subscription = self.env["notify.subscription"]
        partner_id = self.env.user.partner_id.id
        found = Subscription._resolve(document._name, document.ids, [partner_id]).get((document.id, partner_id))
        choices = Subscription._subtypes(document._name)
        if not found:
            return {
                "level": level_of(choices.default, choices),
                "because": Subscription._because("odoo"),
                "subtype_ids": choices.default,
            }
        line, ids = found
        return {
            "level": level_of(ids, choices),
            "because": Subscription._because(line.scope, Subscription.browse(line.id)),
            "subtype_ids": ids,
        }

    @api.model
    def _because(self, follower):
        if not follower:
            return self.env._("you do not follow this document")
        if follower.notify_origin == "choice":
            return self.env._("your choice")
        if follower.notify_origin == "user":
            return self.env._("your default")
        return self.env["notify.subscription"]._because(follower.notify_origin, follower.notify_subscription_id)

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
                "help": self.env._("As “only mentions”, and nobody and nothing else can change it back"),
            },
        ]

    @api.model
    def _more(self, document):
        """Hook: what other houses add to the bell."""
        return {}

    @api.model
    def _external_and_internal(self, partner_ids, subtype_ids):
        partners = self.env["res.partner"].sudo().browse(partner_ids or [])
        subtypes = self.env["mail.message.subtype"].sudo().browse(subtype_ids or [])
        return partners.filtered("partner_share"), subtypes.filtered("internal")

    @api.model
    def _allow_internal(self, documents, partner_ids, subtype_ids):
        """Let externals be told of internal events, as somebody confirmed, and leave a note of it."""
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
