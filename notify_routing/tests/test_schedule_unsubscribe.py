from urllib.parse import urlsplit

from odoo.tests import HttpCase, tagged

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
