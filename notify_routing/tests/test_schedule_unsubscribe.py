from datetime import timedelta
from urllib.parse import urlsplit

from odoo.tests import HttpCase, tagged

from .deadline_common import TODAY, DeadlineCase
from .test_schedule import ScheduleCase


@tagged("post_install", "-at_install")
class TestUnsubscribe(HttpCase, ScheduleCase):
    """One click in the mail program (RFC 8058): POST stops it, GET only asks."""

    def link(self, what):
        url = urlsplit(self.Review._unsubscribe_url(self.anna, what))
        return f"{url.path}?{url.query}"

    def muted(self):
        return self.follower(self.document, self.anna.partner_id).notify_muted

    def test_get_asks_and_changes_nothing(self):
        for what, words in (
            (f"res.partner,{self.document.id}", "Mute “Document”?"),
            ("digest", "No e-mail any more?"),
        ):
            with self.subTest(what):
                page = self.url_open(self.link(what))
                self.assertEqual(page.status_code, 200)
                self.assertIn(words, page.text)
        self.assertFalse(self.muted())
        self.assertEqual(self.anna.notify_channel, "email")

    def test_post_mutes_the_document(self):
        link = self.link(f"res.partner,{self.document.id}")
        page = self.url_open(link, data={"List-Unsubscribe": "One-Click"})
        self.assertIn("“Document” is muted", page.text)
        self.env.invalidate_all()
        self.assertTrue(self.muted())
        self.assertFalse(self.row(self.post(), self.anna))

    def test_post_on_a_digest_tells_in_odoo_only(self):
        self.wants(self.anna, model="crm.lead", channel="email")
        self.url_open(self.link("digest"), data={"List-Unsubscribe": "One-Click"})
        self.env.invalidate_all()
        self.assertEqual(self.anna.notify_channel, "inbox")
        self.assertEqual(self.Preference._channel_of(self.anna, "crm.lead"), "inbox")
        self.assertEqual(self.row(self.post(), self.anna).notification_type, "inbox")

    def test_a_link_that_was_changed_does_nothing(self):
        link = self.link(f"res.partner,{self.document.id}")
        for wrong in (
            link.replace(f"user={self.anna.id}", f"user={self.ben.id}"),
            link.replace(f"%2C{self.document.id}", "%2C1"),
            link[:-3],
            "/notify/unsubscribe",
            "/notify/unsubscribe?user=x&what=y&token=z",
        ):
            with self.subTest(wrong):
                page = self.url_open(wrong, data={"List-Unsubscribe": "One-Click"})
                self.assertEqual(page.status_code, 404)
                self.assertIn("This link does not work any more", page.text)
        self.env.invalidate_all()
        self.assertFalse(self.muted())

    def test_a_link_to_a_deleted_document_says_so(self):
        link = self.link(f"res.partner,{self.document.id}")
        self.document.unlink()
        self.assertEqual(self.url_open(link).status_code, 404)


@tagged("post_install", "-at_install")
class TestUnsubscribeFromAlerts(HttpCase, DeadlineCase):
    """Whoever is alerted of a deadline opts out with one click, external contacts too."""

    def setUp(self):
        super().setUp()
        self.deadline.role_ids = self.env["notify.role"].create(
            {"name": "Customer", "code": "customer", "kind": "path", "path": "partner_id"}
        )
        self.lead(partner_id=self.client.id)
        self.run_at(TODAY)

    def headers(self):
        mail = self.env["mail.mail"].search([("mail_message_id", "=", self.messages().id)])
        (email,) = mail._prepare_outgoing_list()
        return email["headers"]

    def link(self):
        url = urlsplit(self.headers()["List-Unsubscribe"].strip("<>"))
        return f"{url.path}?{url.query}"

    def test_the_mail_says_where_and_one_click_is_enough(self):
        self.assertEqual(self.headers()["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        link = self.link()
        self.assertIn(link.replace("&", "&amp;"), self.messages().body)
        page = self.url_open(link)
        self.assertIn("No more alerts of “Expected closing”?", page.text)
        self.env.invalidate_all()
        self.assertFalse(self.deadline.opted_out_ids, "programs look at links")
        for _click in range(2):
            page = self.url_open(link, data={"List-Unsubscribe": "One-Click"})
            self.assertEqual(page.status_code, 200)
        self.env.invalidate_all()
        self.assertEqual(self.deadline.opted_out_ids, self.client)
        self.lead("More", partner_id=self.client.id)
        self.run_at(TODAY + timedelta(days=1))
        self.assertEqual(len(self.alerts), 1)

    def test_a_link_that_was_changed_does_nothing(self):
        other = f"{self.alerts.id + 1}"
        for wrong in (self.link()[:-3], self.link().replace(f"%2C{self.alerts.id}", f"%2C{other}")):
            page = self.url_open(wrong, data={"List-Unsubscribe": "One-Click"})
            self.assertEqual(page.status_code, 404)
        self.env.invalidate_all()
        self.assertFalse(self.deadline.opted_out_ids)

    def test_what_is_mandatory_offers_no_way_out(self):
        link = self.link()
        self.deadline.mandatory = True
        self.assertNotIn("List-Unsubscribe", self.headers())
        page = self.url_open(link, data={"List-Unsubscribe": "One-Click"})
        self.assertEqual(page.status_code, 404)
        self.env.invalidate_all()
        self.assertFalse(self.deadline.opted_out_ids)
