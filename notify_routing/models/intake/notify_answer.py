from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import email_normalize

from ...tools import trust
from .set_aside import SetAside

#: How many messages of an hour from one address about one document tell anybody.
LOOP_BUDGET = 10


class NotifyAnswer(models.AbstractModel):
    """Where an incoming answer belongs, and whether it may be taken for what it says.

    What its return address says comes first, then Odoo's own ways. A return address proves where an
    answer belongs, never who sent it: who may post is decided by Odoo's aliases and by the servers
    that we trust.
    """

    _name = "notify.answer"
    _description = "Incoming Answer"

    @api.model
    def _aim(self, incoming, message_dict):
        """Point Odoo's routing at the document that an answer belongs to.

        :param incoming: see :class:`~tools.incoming.Incoming`
        :param dict message_dict: what Odoo parsed; changed in place
        :raise SetAside: if a person must look at it first
        """
        if not self.env.context.get("notify_accept"):
            self._check_sender(incoming)
        reading = self._reading(incoming)
        if reading["state"] == "valid":
            self._aim_at(self._answered(incoming, reading), incoming, message_dict)
            self._name_author(incoming, reading, message_dict)
        elif message_dict.get("parent_id"):
            # Odoo found what it answers by In-Reply-To, and would look at References only.
            parent = self.env["mail.message"].sudo().browse(message_dict["parent_id"])
            if parent.message_id not in message_dict["references"]:
                message_dict["references"] = parent.message_id

    @api.model
    def _reading(self, incoming):
        """Return what the return address of a message says, see ``notify.return.address._read``."""
        if incoming.token is None:
            ReturnAddress = self.env["notify.return.address"]
            reading = ReturnAddress._read_all(incoming.recipients)
            if reading["state"] == "none" and incoming.enclosed:
                # Somebody sent the mail on instead of answering it.
                enclosed = ReturnAddress._read_all(incoming.enclosed)
                reading = enclosed if enclosed["state"] == "valid" else reading
            incoming.token = reading
        reading = incoming.token
        if reading["state"] == "tampered":
            raise SetAside(
                "tampered", self.env._("Somebody changed the address that this was sent to.")
            )
        if reading["state"] == "expired" and not incoming.answered:
            raise SetAside(
                "expired",
                self.env._("The address that this was sent to is too old, or of another database."),
            )
        return reading

    @api.model
    def _answered(self, incoming, reading):
        """Return the message that a return address speaks of.

        :raise SetAside: if its document was removed and no other is to take its answers
        """
        if reading["kind"] == "bounce":
            # Programs answer to where bounces go.
            message = self._delivery(reading).mail_message_id
        else:
            message = self.env["mail.message"].sudo().browse(reading["message_id"]).exists()
        if message.model in self.env and message.res_id:
            document = self.env[message.model].sudo().browse(message.res_id)
            if document.exists():
                return message
        if fallback := self._fallback(incoming):
            incoming.fallback = fallback
            return self.env["mail.message"].sudo()
        raise SetAside("gone", self.env._("This answers a document that was removed since."))

    @api.model
    def _delivery(self, reading):
        return self.env["notify.delivery"].sudo().browse(reading["delivery_id"]).exists()

    @api.model
    def _fallback(self, incoming):
        """Return the document that takes answers to removed ones, if one was chosen."""
        domains = {address.rpartition("@")[2].lower() for address in incoming.recipients}
        found = self.env["mail.alias.domain"].sudo().search([("notify_fallback_ref", "!=", False)])
        for domain in found:
            if any(name == domain.name or name.endswith(f".{domain.name}") for name in domains):
                document = domain.notify_fallback_ref
                if document and document.exists():
                    return document
        return None

    @api.model
    def _aim_at(self, parent, incoming, message_dict):
        if not parent:
            return
        message_dict.update(self.env["mail.thread"]._message_parse_extract_from_parent(parent))
        message_dict["references"] = message_dict["in_reply_to"] = parent.message_id

    @api.model
    def _name_author(self, incoming, reading, message_dict):
        """Take the token's recipient for the author of what comes from an unknown address, if that
        is allowed; never for one of us."""
        partner = self.env["res.partner"].sudo().browse(reading["partner_id"] or ()).exists()
        allowed = (
            self.env["ir.config_parameter"].sudo().get_param("notify_routing.answer_from_anywhere")
        )
        if not allowed or not partner or not partner.active or not partner.partner_share:
            return
        sender = email_normalize(message_dict["email_from"]) or ""
        if not sender or sender == partner.email_normalized:
            return
        known = self.env["res.partner"].sudo().search([("email_normalized", "=", sender)], limit=1)
        if not known:
            message_dict["author_id"] = partner.id
            incoming.received = incoming.received or "other_address"

    @api.model
    def _route_by_hand(self, message_dict, model, document_id):
        """Return the route to the document that a person chose, see Odoo's ``message_route``."""
        parent = self.env["mail.message"].sudo().browse(message_dict.get("parent_id") or ())
        if (parent.model, parent.res_id) != (model, document_id):
            message_dict.pop("parent_id", None)
            message_dict.pop("is_internal", None)
        message_dict["is_bounce"] = False
        user = self.env["mail.thread"]._mail_find_user_for_gateway(message_dict["email_from"])
        return [(model, document_id, None, user.id or self.env.uid, None)]

    # ------------------------------------------------------------
    # WHO SENT IT
    # ------------------------------------------------------------

    @api.model
    def _check_sender(self, incoming):
        """Look at what the server that we trust says about a sender who is one of us.

        :raise SetAside: if it says that the message is not from them
        """
        servers = self._trusted_servers(incoming)
        if not servers or not incoming.sender:
            return
        domain = incoming.sender.rpartition("@")[2]
        if trust.verdict(incoming.message, servers, domain) != "fail":
            return
        user = self.env["mail.thread"]._mail_find_user_for_gateway(incoming.sender)
        if user._is_internal():
            raise SetAside(
                "untrusted",
                self.env._(
                    "It says that it is from %(name)s, and the server that checks senders says "
                    "that it is not (DMARC).",
                    name=user.sudo().name,
                ),
            )

    @api.model
    def _trusted_servers(self, incoming):
        """Return the names of servers whose Authentication-Results count."""
        mailbox = incoming.intake.server_id.sudo() if incoming.intake else None
        names = mailbox.notify_trusted_servers if mailbox else ""
        return (names or "").replace(",", " ").split()

    # ------------------------------------------------------------
    # WHAT A PROGRAM WROTE
    # ------------------------------------------------------------

    @api.model
    def _sift(self, incoming, message_dict, routes):
        """Let automatic answers be filed, as notes that tell nobody; they create no document.

        :param routes: what Odoo found, see its ``message_route``
        :return: the routes that are left
        """
        if message_dict.get("is_bounce"):
            return routes
        if not incoming.is_automatic and not self._is_loop(message_dict, routes):
            return routes
        incoming.received, incoming.outcome = "automatic", "automatic"
        message_dict["is_internal"] = True
        return [route for route in routes if route[1]]

    @api.model
    def _is_loop(self, message_dict, routes):
        """Tell whether an address has written so often about a document that only a program can."""
        threads = [route for route in routes or () if route[1]]
        if len(threads) != 1 or not message_dict.get("email_from"):
            return False
        budget = self.env["ir.config_parameter"].sudo().get_param("notify_routing.loop_budget")
        sender = message_dict["email_from"]
        count = self.env["mail.message"].sudo().search_count(
            [
                ("model", "=", threads[0][0]),
                ("res_id", "=", threads[0][1]),
                ("message_type", "=", "email"),
                ("email_from", "in", [sender, email_normalize(sender)]),
                ("create_date", ">=", fields.Datetime.now() - timedelta(hours=1)),
            ],
            limit=int(budget or LOOP_BUDGET),
        )  # fmt: skip
        return count >= int(budget or LOOP_BUDGET)
