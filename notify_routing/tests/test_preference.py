from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestPreference(NotifyCase):
    """Stock's field, its group and the addon's rows say the same, whoever changes which."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Preference = cls.env["notify.preference"]
        cls.inbox = cls.env.ref("mail.group_mail_notification_type_inbox")

    def everywhere(self, user):
        return self.Preference.search([("user_id", "=", user.id), ("model_id", "=", False)])

    def told(self, user, model="res.partner"):
        """Return how a person is really told: ``(type, unread in the inbox)`` of the row."""
        document = self.env[model].create({"name": "Document"})
        document.message_subscribe(user.partner_id.ids, self.comment.ids)
        message = document.message_post(
            body="Hello", message_type="comment", subtype_id=self.comment.id
        )
        row = message.notification_ids.filtered(
            lambda notification: notification.res_partner_id == user.partner_id
        )
        return row.notification_type, not row.is_read

    def assertChannel(self, user, channel):
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(user.notify_channel, channel)
        self.assertEqual(user.notification_type, "email" if channel == "email" else "inbox")
        self.assertEqual(self.inbox in user.group_ids, channel != "email")
        told = {"email": ("email", False), "inbox": ("inbox", True), "both": ("email", True)}
        self.assertEqual(self.told(user), told[channel])
        # A row that contradicts stock's field would come to life again by chance.
        rows = self.everywhere(user).mapped("channel")
        self.assertIn(rows, [[channel], [] if channel != "both" else ["both"]])

    def test_every_transition_by_the_users_own_choice(self):
        self.assertChannel(self.anna, "email")
        for channel in (
            "inbox",
            "both",
            "email",
            "both",
            "inbox",
            "email",
            "email",
            "both",
            "both",
        ):
            with self.subTest(channel):
                self.anna.with_user(self.anna).write({"notify_channel": channel})
                self.assertChannel(self.anna, channel)

    def test_every_transition_by_the_form(self):
        """The form writes stock's field, and whether e-mail is wanted as well, at once."""
        own = self.anna.with_user(self.anna)
        for before in ("email", "inbox", "both"):
            for values, after in (
                ({"notification_type": "email", "notify_both": False}, "email"),
                ({"notification_type": "inbox", "notify_both": False}, "inbox"),
                ({"notification_type": "inbox", "notify_both": True}, "both"),
            ):
                with self.subTest(before=before, after=after):
                    self.anna.notify_channel = before
                    own.write(values)
                    self.assertChannel(self.anna, after)
        for after in ("inbox", "both"):
            own.write({"notify_both": after == "both"})
            self.assertChannel(self.anna, after)

    def test_every_transition_by_stocks_field(self):
        """Whoever writes stock's field means it: from both, that is a new choice."""
        for before in ("email", "inbox", "both"):
            for after in ("email", "inbox"):
                with self.subTest(before=before, after=after):
                    self.anna.notify_channel = before
                    self.anna.notification_type = after
                    self.assertChannel(self.anna, after)

    def test_every_transition_by_a_managers_row(self):
        self.anna.notify_channel = "email"
        row = self.Preference.create({"user_id": self.anna.id, "channel": "both"})
        self.assertChannel(self.anna, "both")
        for channel in ("email", "inbox", "both", "inbox", "email"):
            with self.subTest(channel):
                row.channel = channel
                self.assertChannel(self.anna, channel)
        row.channel = "both"
        row.unlink()
        self.assertChannel(self.anna, "inbox")

    def test_group_taken_away_from_the_users_side(self):
        self.anna.notify_channel = "both"
        self.anna.group_ids = [Command.unlink(self.inbox.id)]
        self.assertChannel(self.anna, "email")
        self.anna.group_ids = [Command.link(self.inbox.id)]
        self.assertChannel(self.anna, "inbox")

    def test_group_taken_away_from_the_groups_side(self):
        (self.anna | self.chloe).notify_channel = "both"
        self.inbox.user_ids = [Command.unlink(self.anna.id)]
        self.assertChannel(self.anna, "email")
        self.assertChannel(self.chloe, "both")
        self.inbox.user_ids = [Command.link(self.anna.id)]
        self.assertChannel(self.anna, "inbox")

    def test_group_given_against_a_row_that_says_email(self):
        self.Preference.create({"user_id": self.anna.id, "channel": "email"})
        self.inbox.user_ids = [Command.link(self.anna.id)]
        self.assertChannel(self.anna, "inbox")

    def test_other_groups_change_nothing(self):
        self.anna.notify_channel = "both"
        self.anna.group_ids = [Command.link(self.env.ref("sales_team.group_sale_manager").id)]
        self.assertChannel(self.anna, "both")

    def test_user_who_becomes_external_is_told_by_email(self):
        self.ben.notify_channel = "both"
        self.ben.group_ids = [Command.set(self.env.ref("base.group_portal").ids)]
        self.env.flush_all()
        self.assertEqual(self.ben.notification_type, "email")
        self.assertFalse(self.everywhere(self.ben))
        self.assertEqual(self.told(self.ben)[0], "email")

    def test_o4_new_user_with_both(self):
        user = new_test_user(self.env, "fresh", "base.group_user", notify_channel="both")
        self.assertChannel(user, "both")

    def test_o4_channel_of_one_document_type(self):
        as_anna = self.Preference.with_user(self.anna)
        as_anna.set_mine("crm.lead", "both")
        self.assertEqual(self.told(self.anna, "crm.lead"), ("email", True))
        self.assertEqual(self.told(self.anna, "res.partner"), ("email", False))
        as_anna.set_mine("crm.lead", "inbox")
        self.assertEqual(self.told(self.anna, "crm.lead"), ("inbox", True))
        table = as_anna.set_mine("crm.lead", False)
        self.assertEqual(self.told(self.anna, "crm.lead"), ("email", False))
        (lead,) = [kind for kind in table["types"] if kind["model"] == "crm.lead"]
        self.assertIs(lead["channel"], False)

    def test_channel_of_a_type_survives_a_change_of_everywhere(self):
        self.Preference.with_user(self.anna).set_mine("crm.lead", "email")
        self.anna.notify_channel = "both"
        self.assertEqual(self.told(self.anna, "crm.lead"), ("email", False))
        self.anna.notification_type = "inbox"
        self.assertEqual(self.told(self.anna, "crm.lead"), ("email", False))

    def test_my_table_shows_the_channels(self):
        table = self.Preference.with_user(self.anna).set_mine("calendar.event", "both")
        (kind,) = [kind for kind in table["types"] if kind["model"] == "calendar.event"]
        self.assertEqual(kind["channel"], "both")
        self.assertEqual(
            [channel["id"] for channel in table["channels"]], ["email", "inbox", "both"]
        )

    def test_nobody_chooses_for_others(self):
        with self.assertRaises(AccessError):
            self.ben.with_user(self.anna).notify_channel = "both"
        with self.assertRaises(AccessError):
            self.Preference.with_user(self.anna).create({"user_id": self.ben.id, "channel": "both"})
        mine = self.Preference.with_user(self.ben)
        mine.set_mine("crm.lead", "both")
        self.assertFalse(self.Preference.with_user(self.anna).search([]))

    def test_nobody_gives_a_preference_away(self):
        self.Preference.with_user(self.anna).set_mine("crm.lead", "both")
        mine = self.Preference.with_user(self.anna).search([])
        with self.assertRaises(AccessError):
            mine.user_id = self.ben

    def test_notification_manager_chooses_for_others(self):
        manager = new_test_user(self.env, "manager", "notify_routing.group_notify_manager")
        self.Preference.with_user(manager).create({"user_id": self.anna.id, "channel": "both"})
        self.assertChannel(self.anna, "both")

    def test_bad_input_is_refused_in_words(self):
        portal = new_test_user(self.env, "outsider", "base.group_portal")
        as_anna = self.Preference.with_user(self.anna)
        for call, words in (
            (lambda: as_anna.set_mine("crm.lead", "fax"), "no channel “fax”"),
            (lambda: as_anna.set_mine("no.model", "both"), "no document type “no.model”"),
            (lambda: as_anna.set_mine(False, "both"), "no document type"),
            (
                lambda: self.Preference.create({"user_id": portal.id, "channel": "both"}),
                "external user",
            ),
            (lambda: portal.write({"notify_channel": "both"}), "external user"),
            (
                lambda: self.Preference.create(
                    {
                        "user_id": self.anna.id,
                        "model_id": self.env["ir.model"]._get_id("res.currency"),
                        "channel": "both",
                    }
                ),
                "no messages",
            ),
        ):
            with self.subTest(words):
                with self.assertRaises(UserError) as refusal:
                    call()
                self.assertIn(words, str(refusal.exception))
        with self.assertRaises(AccessError):
            self.Preference.with_user(portal).set_mine("crm.lead", "both")
