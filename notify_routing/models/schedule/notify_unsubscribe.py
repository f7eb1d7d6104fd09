from urllib.parse import urlencode

from odoo import api, models
from odoo.tools import consteq
from odoo.tools.misc import hmac

#: Route that stops what a signed link speaks of, see ``controllers/unsubscribe.py``.
ROUTE = "/notify/unsubscribe"
SCOPE = "notify_routing.unsubscribe"
DIGEST = "digest"
ALERT = "notify.deadline.alert"


class NotifyReview(models.AbstractModel):
    """One click in the mail program stops mail that somebody may opt out of (RFC 8058)."""

    _inherit = "notify.review"

    @api.model
    def _unsubscribe_headers(self, mail, partner):
        """Return the headers of a mail that left the review, for one recipient.

        A plain mail can be stopped by muting its document, a digest by being told in Odoo instead
        of by e-mail. What is mandatory, and what reaches people who have no user, cannot.
        """
        user = partner and self._users_of(partner.sudo()).get(partner.id)
        if not user:
            return {}
        rows = self.env["mail.notification"].sudo().search(
            [("mail_mail_id", "=", mail.id), ("res_partner_id", "=", partner.id)]
        )  # fmt: skip
        if all(row.notify_reason == "mandatory" for row in rows):
            return {}
        what = DIGEST if mail.notify_review == "digest" else f"{mail.model},{mail.res_id}"
        return self._unsubscribe_headers_of(self._unsubscribe_url(user, what))

    @api.model
    def _unsubscribe_headers_of(self, url):
        return {
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    @api.model
    def _unsubscribe_url(self, user, what):
        """Return a link that works without logging in, for one user and one thing.

        :param user: empty for a deadline alert, which names its person
        :param str what: :data:`DIGEST`, or a document as ``"sale.order,7"``
        """
        number = user.id or 0
        values = {"user": number, "what": what, "token": self._unsubscribe_token(number, what)}
        return f"{user.get_base_url()}{ROUTE}?{urlencode(values)}"

    @api.model
    def _unsubscribe_token(self, user_id, what):
        return hmac(self.env(su=True), SCOPE, f"{user_id}|{what}")

    @api.model
    def _unsubscribe_target(self, user_id, what, token):
        """Return what a link speaks of, if it was signed here.

        :return: ``(user, document)``, the document being None for digests, and the user a contact
            for deadline alerts; None for a link that was changed, or of which the person or the
            document does not exist for them any more
        """
        if not (user_id or "").isdigit() or not token:
            return None
        if not consteq(self._unsubscribe_token(int(user_id), what), token):
            return None
        model, _comma, res_id = what.partition(",")
        if model == ALERT:
            # Its person may be an external contact, who has no user.
            alert = self.env[ALERT].sudo().browse(int(res_id)).exists()
            return (alert.partner_id, alert) if alert._deadline_names() else None
        user = self.env["res.users"].sudo().browse(int(user_id)).exists()
        if not user.active:
            return None
        if what == DIGEST:
            return user, None
        if model not in self.env:
            return None
        document = self.env[model].sudo().browse(int(res_id)).exists()
        # Nobody is told of what they may not read, and nobody needs its name.
        if not document or not document.with_user(user).has_access("read"):
            return None
        return user, document

    @api.model
    def _unsubscribe(self, user, document):
        """Mute a document for a user, stop alerts, or tell them in Odoo instead of by e-mail."""
        if document and document._name == ALERT:
            document._stop()
            return
        if document:
            # The bell is somebody's own: they set it, though they did not log in for it.
            bell = self.env["notify.bell"].with_user(user)
            bell.set_bell(document._name, document.id, "mute")
            return
        rows = self.env["notify.preference"].sudo().search(
            [("user_id", "=", user.id), ("model_id", "!=", False), ("channel", "!=", False)]
        )  # fmt: skip
        rows.channel = "inbox"
        user.sudo().notify_channel = "inbox"
