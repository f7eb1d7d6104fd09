from odoo.tests import HttpCase, tagged

from .test_table import TableCase


@tagged("post_install", "-at_install")
class TestTableTours(HttpCase, TableCase):
    def tour(self, name, user=None, team=None):
        url = f"/odoo/crm.team/{(team or self.europe).id}"
        self.start_tour(url, name, login=(user or self.chloe).login)

    def line(self, user=None, model="crm.lead"):
        return self.env["notify.subscription"].search(
            [("model", "=", model), ("user_id", "=", user.id if user else False)]
        )

    def test_o2_team_tab_in_the_browser(self):
        """A manager chooses in the tab; a member's next lead shows it."""
        self.subscribe("company", company_id=self.env.company.id, level="discussions")
        self.tour("notify_table_team")
        self.assertEqual((self.line().level, self.line().auto_follow), ("everything", True))
        self.assertEqual(self.line(self.ben).level, "custom")
        self.assertNotIn(self.note, self.line(self.ben).subtype_ids)
        self.assertFalse(self.line(self.chloe))
        lead = self.env["crm.lead"].create({"name": "Deal", "team_id": self.europe.id})
        anna = self.follower(lead, self.anna.partner_id)
        self.assertEqual(anna.notify_subscription_id, self.line())
        self.assertEqual(anna.subtype_ids, lead._mail_get_message_subtypes())
        ben = self.follower(lead, self.ben.partner_id)
        self.assertEqual(ben.subtype_ids, self.line(self.ben).subtype_ids)
        self.start_tour(
            f"/odoo/crm.lead/{lead.id}", "notify_table_default_on_the_document", login="anna"
        )

    def test_o2_team_tab_tells_the_second_of_two_managers(self):
        self.tour("notify_table_conflict")
        self.assertEqual(self.line(self.anna).level, "everything")

    def test_o2_team_tab_with_the_keyboard_alone(self):
        self.tour("notify_table_keyboard")
        self.assertEqual(self.line(model=False).level, "everything")

    def test_team_tab_is_readonly_without_the_right(self):
        self.subscribe("user", user_id=self.ben.id, model="crm.lead", level="everything")
        self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="discussions")
        self.tour("notify_table_readonly", user=self.anna)

    def test_team_tab_of_a_team_without_members(self):
        team = self.env["crm.team"].create({"name": "Nobody", "user_id": False})
        self.tour("notify_table_empty", team=team)
        self.assertEqual(self.line(model="res.partner").team_id, team)

    def test_team_tab_of_a_large_team(self):
        team, _users = self.large_team(60)
        self.tour("notify_table_large", team=team)
