"""What an external sees of a document in the portal."""

import json

from odoo.tests import HttpCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestPortal(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = new_test_user(
            cls.env,
            "client",
            "base.group_portal",
            name="Mister Client",
            email="client@customer.example",
        )
        cls.order = cls.env["sale.order"].create({"partner_id": cls.client.partner_id.id})
        cls.order.action_quotation_sent()
        cls.post("For everybody", "mail.mt_comment")
        cls.post("Between us", "mail.mt_note")

    @classmethod
    def post(cls, body, subtype):
        """Write in the chatter."""
        return cls.order.message_post(body=body, message_type="comment", subtype_xmlid=subtype)

    def confirm(self):
        """Let somebody confirm that the client is told of notes as well."""
        note, comment = self.env.ref("mail.mt_note"), self.env.ref("mail.mt_comment")
        self.order.with_context(notify_internal_confirmed=True).message_subscribe(
            self.client.partner_id.ids, (note | comment).ids
        )
        told = self.post("Between the three of us", "mail.mt_note")
        self.assertEqual(told.notification_ids.res_partner_id, self.client.partner_id)

    def fetch(self, **params):
        """Ask as the chatter of the portal does; return the bodies."""
        response = self.url_open(
            "/mail/chatter_fetch",
            data=json.dumps(
                {"params": {"thread_model": "sale.order", "thread_id": self.order.id, **params}}
            ),
            headers={"Content-Type": "application/json"},
        )
        messages = response.json()["result"]["data"]["mail.message"]
        return " ".join(str(message["body"]) for message in messages)

    def assertShowsTheMessageOnly(self, text):
        self.assertIn("For everybody", text)
        self.assertNotIn("Between", text)

    def test_o17_message_is_public_to_the_portal_user_and_the_note_is_not(self):
        self.authenticate("client", "client")
        page = self.url_open(f"/my/orders/{self.order.id}")
        self.assertEqual(page.status_code, 200)
        self.assertNotIn("Between", page.text)
        self.assertShowsTheMessageOnly(self.fetch())

    def test_o17_note_stays_hidden_in_the_portal_from_an_external_who_is_told_of_notes(self):
        """They get it by mail, because somebody said so; what the page shows is Odoo's rule."""
        self.confirm()
        self.authenticate("client", "client")
        self.assertShowsTheMessageOnly(self.fetch())
        self.authenticate(None, None)
        self.assertShowsTheMessageOnly(self.fetch(token=self.order._portal_ensure_token()))

    def test_o17_note_cannot_be_read_by_asking_for_it(self):
        self.confirm()
        notes = self.order.message_ids.filtered(lambda message: "Between" in message.body)
        self.assertEqual(len(notes), 2)
        for note in notes:
            self.assertFalse(note.with_user(self.client).has_access("read"))

    def test_o17_in_the_browser(self):
        self.confirm()
        self.browser_js(
            f"/my/orders/{self.order.id}",
            """
            const text = () => document.querySelector("#chatterRoot").shadowRoot.textContent;
            const seen = setInterval(() => {
                if (!text().includes("For everybody")) {
                    return;
                }
                clearInterval(seen);
                if (text().includes("Between")) {
                    throw new Error("The portal shows a note");
                }
                console.log("test successful");
            }, 50);
            """,
            "Boolean(document.querySelector('#chatterRoot')?.shadowRoot)",
            login="client",
        )
