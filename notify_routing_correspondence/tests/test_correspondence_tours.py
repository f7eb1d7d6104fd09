from odoo.tests import tagged
from odoo.tests.common import HttpCase, new_test_user


@tagged("post_install", "-at_install")
class TestCorrespondenceTours(HttpCase):
    def test_item_is_issued_and_everybody_involved_is_told(self):
        groups = "base.group_user,notify_routing_correspondence.group_correspondence_user"
        new_test_user(self.env, "anna", groups, name="Anna", email="anna@company.example")
        ben = new_test_user(self.env, "ben", groups, name="Ben", email="ben@company.example")
        ben.notification_type = "inbox"
        dora = self.env["res.partner"].create({"name": "Dora", "email": "dora@build.example"})
        self.start_tour("/odoo/correspondence/new", "notify_correspondence", login="anna")
        item = self.env["notify.correspondence"].search([("subject", "=", "Fire doors")])
        self.assertEqual(item.state, "open")
        issued = item.message_ids.filtered(lambda message: "Issued" in (message.body or ""))
        told = {row["name"]: row for row in issued.read_why()["rows"]}
        self.assertTrue(told["Dora"]["external"])
        self.assertEqual(told["Ben"]["reason"], "has a role that the scheme tells of this")
        self.assertEqual(issued.notification_ids.res_partner_id & dora, dora)
