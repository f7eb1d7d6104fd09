import base64

from odoo import http
from odoo.tests import tagged
from odoo.tests.common import HttpCase, new_test_user

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@tagged("post_install", "-at_install")
class TestDepositRoutes(HttpCase):
    """What the web client's own routes do with a file, told apart."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "base.group_user,sales_team.group_sale_salesman_all_leads"
        new_test_user(cls.env, "anna", groups, password="anna-anna", email="anna@company.example")
        ben = new_test_user(cls.env, "ben", groups, email="ben@company.example")
        model = cls.env["ir.model"]._get_id("crm.lead")
        role = cls.env["notify.role"].create(
            {"name": "Seller", "code": "seller", "path": "user_id", "model_id": model}
        )
        event = cls.env.ref("notify_routing.event_file_added")
        line = {"event_id": event.id, "role_id": role.id, "prefer": True}
        cls.env["notify.scheme"].create(
            {"name": "Leads", "model_id": model, "line_ids": [(0, 0, line)]}
        )
        cls.lead = cls.env["crm.lead"].create({"name": "Boats", "user_id": ben.id})
        cls.env.cr.flush()

    def told(self):
        rows = self.lead.message_ids.notification_ids
        return rows.filtered(lambda row: row.notify_event_id.code == "file_added").res_partner_id

    def test_n8_the_upload_route_of_the_chatter_tells(self):
        self.authenticate("anna", "anna-anna")
        place = {"thread_model": "crm.lead", "thread_id": self.lead.id}
        token = http.Request.csrf_token(self)
        files = {"ufile": ("A-204.txt", b"drawing", "text/plain")}
        answer = self.url_open(
            "/mail/attachment/upload", data={"csrf_token": token, **place}, files=files
        )
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self.told(), self.lead.user_id.partner_id)

    def test_an_image_that_is_put_into_a_text_tells_nobody(self):
        self.authenticate("anna", "anna-anna")
        image = {"name": "a.png", "data": PIXEL, "is_image": True}
        place = {"res_model": "crm.lead", "res_id": self.lead.id}
        self.make_jsonrpc_request("/html_editor/attachment/add_data", {**image, **place})
        file = self.env["ir.attachment"].search(
            [("res_model", "=", "crm.lead"), ("name", "=", "a.png")]
        )
        self.assertEqual((file.res_id, file.raw), (self.lead.id, base64.b64decode(PIXEL)))
        self.assertFalse(self.told())
