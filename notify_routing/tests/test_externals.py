from odoo.tests import tagged
from odoo.tests.common import new_test_user

from .test_bell_tours import BellBrowserCase


@tagged("post_install", "-at_install")
class TestExternals(BellBrowserCase):
    """An external is told of internal events only if somebody confirmed it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document.message_subscribe((cls.client | cls.ben.partner_id).ids)

    def ask(self, people, subtypes):
        return self.bell("internal_for_externals", people.ids, subtypes.ids)

    def confirm(self, subtypes):
        self.document.with_user(self.anna).with_context(
            notify_internal_confirmed=True
        ).message_subscribe(self.client.ids, subtype_ids=subtypes.ids)

    def notes(self):
        """Return the notes that say who decided."""
        return self.document.message_ids.filtered(
            lambda message: message.subtype_id == self.note and "decided that" in message.body
        )

    def test_o12_what_must_be_asked(self):
        nothing = {"people": [], "events": []}
        everybody = self.client | self.ben.partner_id
        self.assertEqual(
            self.ask(everybody, self.everything),
            {
                "people": ["Mister Client"],
                "events": self.everything.filtered("internal").mapped("name"),
            },
        )
        self.assertEqual(self.ask(everybody, self.comment), nothing)
        self.assertEqual(self.ask(self.ben.partner_id, self.everything), nothing)
        portal = new_test_user(self.env, "portal", "base.group_portal", email="p@customer.example")
        self.assertTrue(self.ask(portal.partner_id, self.note)["people"])

    def test_o12_what_was_confirmed_is_not_asked_again(self):
        self.confirm(self.note | self.comment)
        self.assertEqual(self.ask(self.client, self.note | self.comment)["people"], [])
        self.assertTrue(self.ask(self.client, self.everything)["people"], "more than confirmed")

    def test_o12_confirmed_is_logged_and_told(self):
        self.confirm(self.note | self.comment)
        self.assertTrue(self.follower(self.document, self.client).notify_internal)
        self.assertIn("Anna decided that Mister Client", str(self.notes().body))
        self.assertNotIn(self.client, self.told(self.notes()), "the note itself tells nobody")
        self.assertIn(self.client, self.told(self.post(subtype_id=self.note.id)))

    def test_o12_unconfirmed_is_not_told(self):
        self.document.message_subscribe(self.client.ids, subtype_ids=self.everything.ids)
        self.assertFalse(self.follower(self.document, self.client).notify_internal)
        self.assertNotIn(self.client, self.told(self.post(subtype_id=self.note.id)))

    def test_o12_cancel_in_the_browser_changes_nothing(self):
        before = self.follower(self.document, self.client).subtype_ids
        self.tour("notify_externals_cancel")
        follower = self.follower(self.document, self.client)
        self.assertEqual((follower.subtype_ids, follower.notify_internal), (before, False))
        self.assertFalse(self.notes())

    def test_o12_confirm_in_the_browser_is_logged(self):
        self.tour("notify_externals_confirm")
        follower = self.follower(self.document, self.client)
        self.assertTrue(follower.notify_internal)
        self.assertIn(self.note, follower.subtype_ids)
        self.assertEqual(len(self.notes()), 1, "asked once, logged once")

    def test_o12_a_colleague_is_not_asked_about(self):
        self.tour("notify_externals_colleague")
        follower = self.follower(self.document, self.ben.partner_id)
        self.assertIn(self.note, follower.subtype_ids)
        self.assertFalse(follower.notify_internal)
        self.assertFalse(self.notes())
