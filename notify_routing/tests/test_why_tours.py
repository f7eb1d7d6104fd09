from odoo.tests import tagged

from .test_bell_tours import BellBrowserCase


@tagged("post_install", "-at_install")
class TestWhyTours(BellBrowserCase):
    def test_why_in_the_browser(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="discussions")
        self.document.message_subscribe(self.anna.partner_id.ids)
        self.post(body="To nobody", subtype_id=self.note.id)
        message = self.post(body="Hello everybody", partner_ids=self.client.ids)
        of_client = message.sudo().notification_ids.filtered(
            lambda row: row.res_partner_id == self.client
        )
        of_client.write({"notification_status": "exception", "failure_reason": "550 unknown"})
        self.tour("notify_why", user=self.chloe)

    def test_why_by_keyboard(self):
        self.post(body="Hello everybody", partner_ids=self.client.ids)
        self.tour("notify_why_keyboard", user=self.chloe)
