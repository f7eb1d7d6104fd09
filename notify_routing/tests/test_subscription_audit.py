from odoo.tests import tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestSubscriptionAudit(NotifyCase):
    """Who changed which default, and when."""

    def notes(self, document):
        return [
            message
            for message in document.message_ids
            if "o_notify_changes" in (message.body or "")
        ]

    def test_changes_of_a_teams_defaults_are_one_note_with_the_team(self):
        default = self.subscribe("team", team_id=self.europe.id, level="everything")
        default.write({"level": "mentions", "auto_follow": True})
        default.write({"level": "mentions"})
        default.unlink()
        (note,) = self.notes(self.europe)
        self.assertEqual(note.body.count("<li>"), 3)
        self.assertIn(f"{self.europe.name}: all document types: no default → Everything", note.body)
        self.assertIn("Everything → Only mentions; Follow the Team's Documents", note.body)
        self.assertIn("Follow the Team's Documents → no default", note.body)
        self.assertEqual(note.author_id, self.env.user.partner_id)
        self.assertFalse(note.notified_partner_ids)

    def test_chosen_events_are_named(self):
        self.subscribe(
            "member",
            team_id=self.europe.id,
            user_id=self.anna.id,
            level="custom",
            subtype_ids=[(6, 0, self.comment.ids)],
        )
        (note,) = self.notes(self.europe)
        self.assertIn(f"no default → {self.comment.name}", note.body)

    def test_company_and_another_persons_default_are_noted_with_their_contact(self):
        self.subscribe("company", company_id=self.env.company.id, level="mentions")
        self.assertEqual(len(self.notes(self.env.company.partner_id)), 1)
        default = self.subscribe("user", user_id=self.anna.id, level="mentions")
        self.assertEqual(len(self.notes(self.anna.partner_id)), 1)
        default.with_user(self.anna).write({"level": "everything"})
        (note,) = self.notes(self.anna.partner_id)
        self.assertNotIn("Everything", note.body)

    def test_sales_manager_has_changes_noted(self):
        manager = self.env["notify.subscription"].with_user(self.chloe)
        manager.create(
            {"scope": "team", "team_id": self.europe.id, "user_id": False, "level": "mentions"}
        )
        (note,) = self.notes(self.europe)
        self.assertEqual(note.author_id, self.chloe.partner_id)
