from odoo.tests import HttpCase, new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestPreferenceTours(HttpCase, NotifyCase):
    def test_o4_channel_in_the_browser(self):
        """Three people choose by clicking; one message then has three results."""
        people = {self.anna: "email", self.ben: "inbox", self.chloe: "both"}
        self.anna.notify_channel = "both"
        self.ben.notify_channel = "email"
        self.chloe.notify_channel = "email"
        for user, channel in people.items():
            self.start_tour("/odoo", f"notify_preferences_{channel}", login=user.login)
        self.env.invalidate_all()
        self.assertEqual({user: user.notify_channel for user in people}, people)
        document = self.env["res.partner"].create({"name": "Document"})
        document.message_subscribe((self.anna | self.ben | self.chloe).partner_id.ids)
        message = document.message_post(
            body="Hello", message_type="comment", subtype_id=self.comment.id
        )
        self.assertEqual(
            {
                row.res_partner_id.user_ids: (row.notification_type, row.is_read)
                for row in message.notification_ids
            },
            {
                self.anna: ("email", True),
                self.ben: ("inbox", False),
                self.chloe: ("email", False),
            },
        )
        mailed = self.env["mail.mail"].search([("mail_message_id", "=", message.id)])
        self.assertEqual(mailed.recipient_ids, (self.anna | self.chloe).partner_id)
        for user, is_told in ((self.anna, False), (self.ben, True), (self.chloe, True)):
            inbox = self.env["mail.message"].with_user(user).search([("needaction", "=", True)])
            self.assertEqual(message in inbox, is_told, user.name)

    def test_o3_own_default_per_type_in_the_browser(self):
        self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="everything")
        self.start_tour("/odoo", "notify_preferences_by_type", login="anna")
        lines = self.env["notify.subscription"].search([("user_id", "=", self.anna.id)])
        self.assertEqual(
            {line.model: line.level for line in lines},
            {"crm.lead": "mentions", "calendar.event": "everything"},
        )
        preference = self.env["notify.preference"].search([("user_id", "=", self.anna.id)])
        self.assertEqual((preference.model, preference.channel), ("crm.lead", "both"))

    def test_o4_administrator_chooses_the_channel_of_another_user(self):
        new_test_user(self.env, "boss", "base.group_system", name="Boss")
        url = f"/odoo/action-base.action_res_users/{self.anna.id}"
        self.start_tour(url, "notify_preferences_of_another_user", login="boss")
        self.env.invalidate_all()
        self.assertEqual(self.anna.notify_channel, "both")
