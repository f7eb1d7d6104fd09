from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize, formataddr
from odoo.tools.mail import email_split_tuples

from ...tools import sender as policies
from ...tools.sender import Policy

#: Messages of these types are written by a person; of these others by the system.
WRITTEN = {"comment", "email"}
ALERTING = {"notification", "user_notification", "auto_comment"}


class NotifySender(models.Model):
    """A policy: From, its name, Reply-To, envelope and server of some mails, fixed together."""

    _name = "notify.sender"
    _description = "Sender Policy"
    _inherit = ["mail.thread"]
    _order = "sequence, id"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)

    company_id = fields.Many2one(
        "res.company", index="btree_not_null", tracking=True, help="Empty: all companies."
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
        tracking=True,
        help="Empty: all document types, and mails of no document.",
    )
    kind = fields.Selection(
        [
            ("person", "What people write"),
            ("alert", "Alerts of the system"),
            ("template", "Templates, invitations, passwords"),
        ],
        tracking=True,
        help="Empty: everything.",
    )
    via_server_id = fields.Many2one(
        "ir.mail_server",
        string="Only Through",
        ondelete="cascade",
        tracking=True,
        help="Only mail that leaves through this server, however it came to it.",
    )

    mode = fields.Selection(
        [
            ("person", "The person's own address"),
            ("responsible", "The responsible of the document"),
            ("fixed", "One address"),
            ("on_address", "The person's name on one address"),
        ],
        string="From",
        required=True,
        default="on_address",
        tracking=True,
        help="The last one passes the checks of every relay and mailbox: the address is yours, "
        "the name says who wrote. The message in Odoo keeps its true author in any case.",
    )
    address = fields.Char(
        tracking=True,
        help="An address that the outgoing server accepts. For people's own addresses it is what "
        "From becomes where the server does not accept theirs.",
    )
    name_pattern = fields.Char(
        "Name in From",
        default="%(author)s via %(company)s",
        tracking=True,
        help="%(author)s, %(company)s, %(responsible)s and %(document)s stand for names.",
    )
    reply_mode = fields.Selection(
        [
            ("odoo", "The document"),
            ("author", "The author's own mailbox"),
            ("fixed", "One address"),
        ],
        string="Answers Go To",
        required=True,
        default="odoo",
        tracking=True,
    )
    reply_to = fields.Char("Reply-To", tracking=True)
    envelope = fields.Selection(
        [
            ("bounce", "The bounce address"),
            ("from", "The From address"),
        ],
        string="Bounces Go To",
        required=True,
        default="bounce",
        tracking=True,
        help="Some hosts take mail only if the envelope names the account that sends it.",
    )
    server_id = fields.Many2one(
        "ir.mail_server",
        string="Outgoing Server",
        ondelete="restrict",
        tracking=True,
        help="Empty: as Odoo chooses.",
    )
    effective_from = fields.Char("Looks Like", compute="_compute_effective_from")

    # ------------------------------------------------------------
    # CHECKS
    # ------------------------------------------------------------

    @api.constrains("mode", "address", "reply_mode", "reply_to", "name_pattern")
    def _check_addresses(self):
        for policy in self:
            if policy.mode in ("fixed", "on_address") and not policy.address:
                raise ValidationError(self.env._("Say which address “%s” uses.", policy.name))
            if policy.reply_mode == "fixed" and not policy.reply_to:
                raise ValidationError(self.env._("Say where answers go to.") + f" ({policy.name})")
            for address in filter(None, (policy.address, policy.reply_to)):
                if email_normalize(address) != address.strip().lower() or not address.isascii():
                    raise ValidationError(
                        self.env._("“%s” is no address: write it as name@domain.", address)
                    )
            if unknown := policies.unknown(policy.name_pattern or ""):
                raise ValidationError(
                    self.env._(
                        "A name knows %(known)s, and not %(unknown)s.",
                        known=", ".join(f"%({name})s" for name in policies.PLACEHOLDERS),
                        unknown=", ".join(unknown),
                    )
                )

    @api.depends_context("uid")
    @api.depends("mode", "address", "name_pattern", "company_id")
    def _compute_effective_from(self):
        user = self.env.user
        for policy in self:
            company = policy.company_id or self.env.company
            values = {
                "author": user.name,
                "company": company.name,
                "responsible": user.name,
                "document": policy.model_id.name or "",
            }
            policy.effective_from = policy._frozen_from(
                policy._frozen(), values, user.email_formatted, user.email_formatted
            )

    # ------------------------------------------------------------
    # CRUD: read through a cache
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        senders = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return senders

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache("stable")
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result

    @tools.ormcache(cache="stable")
    def _book(self):
        """Return all active policies, empty where nobody uses them."""
        return tuple(sender._frozen() for sender in self.sudo().search(Domain("active", "=", True)))

    def _frozen(self):
        self.ensure_one()
        return Policy(
            id=self.id or 0,
            sequence=self.sequence,
            company_id=self.company_id.id or None,
            model=self.model_id.model or None,
            kind=self.kind or None,
            via_server_id=self.via_server_id.id or None,
            mode=self.mode or "person",
            pattern=self.name_pattern or "",
            address=(self.address or "").strip().lower(),
            reply_mode=self.reply_mode or "odoo",
            reply_to=self.reply_to or "",
            envelope=self.envelope or "bounce",
            server_id=self.server_id.id or None,
        )

    # ------------------------------------------------------------
    # DECIDING
    # ------------------------------------------------------------

    @api.model
    def _of(self, mail, server=None):
        """Return the policy of a mail.

        :param mail: ``mail.mail``
        :param server: ``ir.mail_server`` of the session; None while it is to be chosen
        :rtype: notify_routing.tools.sender.Policy or None
        """
        book = self._book()
        if not book or (server and server.owner_user_id):
            # One's own server sends as oneself, as Odoo has it.
            return None
        forced = self.env.context.get("notify_sender_id")
        if forced:
            return next((policy for policy in book if policy.id == forced), None)
        message = mail.sudo().mail_message_id
        company = message.record_company_id or self.env.company
        return policies.choose(
            book,
            company.id,
            message.model or None,
            self._kind_of(mail, message),
            server.id if server else None,
        )

    @api.model
    def _kind_of(self, mail, message):
        """Hook for extensions: return ``person``, ``alert`` or ``template``."""
        if message.message_type in WRITTEN:
            return "person"
        # Invitations and passwords bear the type of an alert, but are mails of no message.
        alerting = message.message_type in ALERTING and mail.is_notification
        return "alert" if alerting else "template"

    @api.model
    def _wish(self, policy, mail):
        """Return what a policy makes of a mail, for the session to decide.

        :return: e.g. ``{"from": '"Anna" <anna@company.example>', "envelope": "bounce",
            "instead": '"Anna via Company" <mail@company.example>'}``; ``instead`` is for a server
            that does not accept the first
        """
        message = mail.sudo().mail_message_id
        company = message.record_company_id or self.env.company
        author = mail.email_from or ""
        names = email_split_tuples(author)
        responsible = self._responsible(policy, message)
        values = {
            "author": message.author_id.name or (names[0][0] if names else ""),
            "company": company.name,
            "responsible": responsible.name or "",
            "document": message.record_name or "",
        }
        mail_of_responsible = responsible.email_formatted if responsible.email else ""
        return self._wish_for(policy, values, author, mail_of_responsible)

    @api.model
    def _wish_for(self, policy, values, author, responsible):
        """Return what :meth:`_wish` does, for names and addresses as :meth:`_frozen_from` has."""
        wish = {
            "from": self._frozen_from(policy, values, author, responsible),
            "envelope": policy.envelope,
            "instead": "",
        }
        if policy.address:
            pattern = policy.pattern or "%(author)s"
            wish["instead"] = formataddr((policies.fill(pattern, values), policy.address))
        return wish

    @api.model
    def _responsible(self, policy, message):
        """Return the user in charge of a message's document, empty if nobody is or is needed."""
        nobody = self.env["res.users"]
        if policy.mode != "responsible" and "%(responsible)s" not in policy.pattern:
            return nobody
        if not message.res_id or message.model not in self.env:
            return nobody
        document = self.env[message.model].sudo().browse(message.res_id).exists()
        field = document._fields.get("user_id")
        return (
            document.user_id
            if document and field and field.comodel_name == nobody._name
            else nobody
        )

    @api.model
    def _frozen_from(self, policy, values, author, responsible):
        """Return the From that a policy asks for.

        :param dict values: names by placeholder
        :param str author: formatted address
        :param str responsible: formatted address, may be empty
        """
        if policy.mode in ("fixed", "on_address") and policy.address:
            pattern = policy.pattern or ("%(company)s" if policy.mode == "fixed" else "%(author)s")
            return formataddr((policies.fill(pattern, values), policy.address))
        chosen = responsible if policy.mode == "responsible" and responsible else author
        found = email_split_tuples(chosen or "")
        return formataddr((policies.clean_name(found[0][0]), found[0][1])) if found else ""

    @api.model
    def _effective(self, company, model=None, kind="person", server=None):
        """Return what would leave, for the views.

        :return: e.g. ``{"policy": notify.sender(3), "from": "Anna via …", "server": …}``
        """
        policy = policies.choose(
            self._book(), company.id, model, kind, server.id if server else None
        )
        user = self.env.user
        if not policy:
            default = company.default_from_email or company.email or ""
            accepted = not server or self.env["ir.mail_server"]._match_from_filter(
                user.email, server.from_filter
            )
            shown = user.email_formatted if accepted else formataddr((user.name, default))
            return {"policy": self.browse(), "from": shown, "server": server}
        sender = self.browse(policy.id).sudo()
        values = {"author": user.name, "company": company.name, "responsible": user.name}
        shown = self._frozen_from(policy, values, user.email_formatted, user.email_formatted)
        return {"policy": sender, "from": shown, "server": server or sender.server_id}

    # ------------------------------------------------------------
    # TEST
    # ------------------------------------------------------------

    def action_send_test(self):
        """Send the current user a mail by this policy, and record what became of it."""
        self.ensure_one()
        mail = self.env["ir.mail_server"]._notify_test_mail(self.env.user, self.name)
        error = mail.with_context(notify_sender_id=self.id)._notify_send_now()
        to = self.env.user.email
        said = (
            self.env._("The test to %(to)s failed: %(error)s", to=to, error=error)
            if error
            else self.env._("The server took the test to %(to)s.", to=to)
        )
        self.message_post(body=said, message_type="notification")
        return self.env["ir.mail_server"]._notify_say(said, not error)
