from odoo.tests import tagged
from odoo.tests.common import HttpCase, new_test_user

from .test_bell import BellCase


class BellBrowserCase(HttpCase, BellCase):
    """The same people and document, in a browser."""

    def tour(self, name, user=None, document=None):
        document = document or self.document
        url = f"/odoo/{document._name}/{document.id or 'new'}"
        self.start_tour(url, name, login=(user or self.anna).login)


@tagged("post_install", "-at_install")
class TestBellTours(BellBrowserCase):
    def test_o2_bell_precedence_in_the_browser(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe(self.anna.partner_id.ids)
        self.tour("notify_bell_precedence")
        follower = self.follower(self.document, self.anna.partner_id)
        self.assertEqual((follower.notify_origin, len(follower.subtype_ids)), ("choice", 0))

    def test_o2_bell_with_the_keyboard_alone(self):
        self.document.message_subscribe(self.anna.partner_id.ids, subtype_ids=self.comment.ids)
        self.tour("notify_bell_keyboard")
        self.assertEqual(self.bell()["level"], "discussions")

    def test_o2_bell_loses_no_click(self):
        self.bell("set_bell", level="mentions")
        self.tour("notify_bell_many_clicks")
        self.assertEqual(self.bell()["level"], "everything")

    def test_o2_bell_of_a_user_who_may_only_read(self):
        reader = new_test_user(self.env, "reader", "base.group_user", email="r@company.example")
        self.bell("set_bell", level="mentions", user=reader)
        self.tour("notify_bell_many_clicks", user=reader)
        self.assertEqual(self.bell(user=reader)["level"], "everything")

    def test_o2_bell_says_what_went_wrong(self):
        self.tour("notify_bell_refused")

    def test_o2_bell_waits_for_the_document_to_be_saved(self):
        self.tour("notify_bell_unsaved", document=self.env["res.partner"])
