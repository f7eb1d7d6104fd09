from odoo import models

from ...tools.reasons import mentioned
from ...tools.subscription import DefaultSubtypes


class MailThread(models.AbstractModel):
    """Door: who starts to follow a document, and whether somebody chose the subtypes."""

    _inherit = "mail.thread"

    def write(self, vals):
        field = self.env["notify.subscription"]._followed_team_field(self._name)
        if not field or self.env.context.get("tracking_disable"):
            return super().write(vals)
        # Compared instead of read from the values: a team that is computed (from the salesperson,
        # say) changes without being written, and the same team written again is no change.
        before = {document.id: document[field] for document in self.sudo()}
        result = super().write(vals)
        moved = self.sudo().filtered(lambda document: document[field] != before[document.id])
        self.env["notify.subscription"]._follow_team(moved, field)
        return result

    def _message_auto_subscribe(self, updated_values, *args, **kwargs):
        field = self.env["notify.subscription"]._followed_team_field(self._name)
        creating = "update" in args or kwargs.get("followers_existing_policy") == "update"
        if field and creating and len(self) == 1:
            team_id = self.sudo()[field].id
            self = self.with_context(notify_new_of_team=(self._name, self.id, team_id))
        return super()._message_auto_subscribe(updated_values, *args, **kwargs)

    def _message_auto_subscribe_followers(
        self, updated_values, default_subtype_ids, *args, **kwargs
    ):
        result = super()._message_auto_subscribe_followers(
            updated_values, default_subtype_ids, *args, **kwargs
        )
        Subscription = self.env["notify.subscription"]
        if not Subscription._book().about(self._name):
            return result
        by_default = DefaultSubtypes(default_subtype_ids)
        result = [
            (partner_id, by_default if not ids or ids == default_subtype_ids else ids, template)
            for partner_id, ids, template in result
        ]
        model, res_id, team_id = self.env.context.get("notify_new_of_team") or (None, None, None)
        if team_id and (model, [res_id]) == (self._name, self.ids):
            result += [
                (partner_id, by_default, False)
                for partner_id in Subscription._team_followers(self._name, team_id)
            ]
        return result

    def _message_subscribe(self, partner_ids=None, subtype_ids=None, *args, **kwargs):
        if subtype_ids:
            self = self.with_context(notify_origin="choice")
        return super()._message_subscribe(partner_ids, subtype_ids, *args, **kwargs)

    def message_subscribe(self, partner_ids=None, subtype_ids=None, *args, **kwargs):
        result = super().message_subscribe(partner_ids, subtype_ids, *args, **kwargs)
        # Public: an external who subscribes through it confirms nothing, whatever the context says.
        confirmed = (
            self.env.context.get("notify_internal_confirmed") and self.env.user._is_internal()
        )
        if result and confirmed:
            self.env["notify.bell"]._allow_internal(self, partner_ids, subtype_ids)
        return result

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        if msg_values.get("partner_ids") and msg_values.get("message_type") == "comment":
            self._notify_recipients_follow(msg_values)
        return result

    def _notify_recipients_follow(self, msg_values):
        """Make recipients of a message that a colleague wrote follow its document, as set up.

        :param dict msg_values: values of the message being posted
        """
        who = (
            self.env["ir.config_parameter"]
            .sudo()
            .get_param("notify_routing.recipients_follow", "mentioned")
        )
        if who == "nobody" or not self or not self.env.user._is_internal():
            return
        # Said so where somebody posts who may only read the document, and by addons that let people
        # choose for each message.
        if self.env.context.get("mail_post_autofollow") is False:
            return
        partner_ids = set(msg_values["partner_ids"])
        named = partner_ids & mentioned(str(msg_values.get("body") or ""))
        is_message = msg_values.get("subtype_id") == self.env["ir.model.data"]._xmlid_to_res_id(
            "mail.mt_comment"
        )
        chosen = partner_ids if who == "everybody" and is_message else named
        if not chosen:
            return
        partners = self.env["res.partner"].sudo().browse(chosen)
        # A mention is no consent to tell an outsider of all that follows.
        followers = partners.filtered(lambda partner: not partner.partner_share)
        if who == "everybody" and is_message:
            followers = partners
        self._message_subscribe(partner_ids=followers.filtered("active").ids)
