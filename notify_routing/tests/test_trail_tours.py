from odoo.tests import HttpCase, new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestTrailTours(HttpCase, NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.customer = cls.env["res.partner"].create(
            {"name": "Mister Client", "email": "client@customer.example"}
        )

    def post(self, partners, subtype):
        return self.document.with_context(mail_notify_force_send=False).message_post(
            body="Hello",
            partner_ids=partners.ids,
            message_type="comment",
            subtype_xmlid=subtype,
        )

    def test_n13_searches_in_the_browser(self):
        new_test_user(self.env, "boss", "notify_routing.group_notify_manager", name="Boss")
        self.post(self.customer, "mail.mt_comment")
        self.post(self.ben.partner_id, "mail.mt_note")
        self.env.flush_all()
        self.start_tour(
            "/odoo/action-notify_routing.notify_trail_action", "notify_trail_search", login="boss"
        )

    def test_n2_why_not_in_two_clicks(self):
        self.post(self.customer, "mail.mt_comment")
        self.start_tour(f"/odoo/res.partner/{self.document.id}", "notify_why_not", login="anna")
