from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import str2bool

from ...tools.reply_class import Reply

#: Addons whose ways of sending the courier knows.
KNOWN = {"base", "mail", "mass_mailing", "notify_routing"}
DIRECT, NORMAL, DIGEST = range(3)


def is_changed(records, name):
    """Tell whether an addon that the courier does not know overrides a method of a model."""
    return any(
        name in vars(model_class)
        and model_class.__module__.startswith("odoo.addons.")
        and model_class.__module__.split(".")[2] not in KNOWN
        for model_class in type(records).__mro__
    )


class FileElsewhere(UserError):
    """An attachment cannot be read here: the mail must not leave without it."""


class MailMail(models.Model):
    """Door: the queue is worked on by the courier, and what Odoo sends itself leaves rows too."""

    _inherit = "mail.mail"

    notify_priority = fields.Integer(
        "Class", default=NORMAL, help="0: direct, leaves first. 1: normal. 2: digest, leaves last."
    )

    _notify_queue_idx = models.Index("(notify_priority, id) WHERE state = 'outgoing'")

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals.setdefault("notify_priority", self._notify_priority_of(vals))
        return super().create(vals_list)

    @api.model
    def _notify_priority_of(self, vals):
        """Hook for extensions: return how urgent a mail is.

        Direct are mails of their own (passwords, invitations) and what a person wrote; a caller
        may say otherwise with the context key ``notify_mail_class``.
        """
        if vals.get("mailing_id") or self.env.context.get("notify_mail_class") == "digest":
            return DIGEST
        # sudo: who writes a mail of a message may not be allowed to read the message
        message = self.env["mail.message"].sudo().browse(vals.get("mail_message_id"))
        kinds = ("comment", "user_notification", "email", "email_outgoing")
        return DIRECT if not message or message.message_type in kinds else NORMAL

    @api.model
    def process_email_queue(self, email_ids=(), *args, **kwargs):
        """A scheduled action may commit, and has the courier do it; who calls this in a
        transaction of their own gets Odoo's own way."""
        job = self.env.context.get("ir_cron_progress_id")
        if job and not email_ids and "filters" not in self.env.context:
            return self.env["notify.delivery"]._work_queue()
        return super().process_email_queue(email_ids, *args, **kwargs)

    def send_after_commit(self, *args, **kwargs):
        parameter = self.env["ir.config_parameter"].sudo().get_param
        if str2bool(parameter("notify_routing.background_sending") or "", False):
            self.env["notify.delivery"]._trigger()
            return None
        return super().send_after_commit(*args, **kwargs)

    def send(self, *args, **kwargs):  # pylint: disable=useless-parent-delegation
        return super(MailMail, self.with_context(notify_odoo_sends=True)).send(*args, **kwargs)

    def _send(self, *args, **kwargs):
        server = kwargs.get("mail_server")
        noted = self.with_context(notify_server_id=server.id) if server else self
        return super(MailMail, noted)._send(*args, **kwargs)

    def _prepare_outgoing_list(self, *args, **kwargs):
        # Before, so that Odoo finds in the cache what is asked for here.
        self._notify_check_files()
        return super()._prepare_outgoing_list(*args, **kwargs)

    def _notify_check_files(self):
        """Odoo takes a file that it cannot read for an empty one, and sends that.

        :raise FileElsewhere: if an attachment lies on another computer, or is lost
        """
        # sudo: as Odoo, which sends files that the sender may not read any more
        files = self.attachment_ids.sudo()
        if not files or is_changed(files, "_file_read"):
            # An addon may keep them where every computer can read them.
            return
        missing = files.filtered(
            lambda file: (
                file.store_fname and file.file_size and not file._file_read(file.store_fname, 1)
            )
        )
        if missing:
            text = self.env._(
                "These files cannot be read on the computer %(computer)s: %(files)s. The mail "
                "waits for one that has them; all computers of a database need the same files.",
                computer=self.env["notify.delivery"]._worker().partition(":")[0],
                files=", ".join(missing.mapped("name")),
            )
            if self.env.context.get("notify_odoo_sends"):
                self.env["notify.delivery"].sudo()._note_trouble(Reply("later", text=text))
            raise FileElsewhere(text)

    def _postprocess_sent_message(self, success_pids, success_emails, *args, **kwargs):
        if self.env.context.get("notify_odoo_sends"):
            self.env["notify.delivery"].sudo()._note(self, success_pids, success_emails)
        return super()._postprocess_sent_message(success_pids, success_emails, *args, **kwargs)
