from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestBadInput(NotifyCase):
    """What does not exist, or not any more, has a defined result and a clear message."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.everything = cls.document._mail_get_message_subtypes()

    def follow(self, *users):
        partners = self.env["res.users"].union(*users).partner_id
        self.document.message_unsubscribe(partners.ids)
        self.document.message_subscribe(partners.ids)
        return self.follower(self.document, partners[0])

    # ------------------------------------------------------------
    # LINES
    # ------------------------------------------------------------

    def test_unknown_event(self):
        gone = self.env["mail.message.subtype"].create({"name": "Gone"})
        gone_id = gone.id
        gone.unlink()
        for command in ((6, 0, [self.note.id, gone_id]), (4, gone_id), gone_id):
            with self.assertRaisesRegex(ValidationError, "do not exist any more"):
                self.subscribe("user", user_id=self.anna.id, level="custom", subtype_ids=[command])
        line = self.subscribe("user", user_id=self.anna.id, level="custom")
        with self.assertRaisesRegex(ValidationError, "do not exist any more"):
            line.subtype_ids = [(4, gone_id)]
        self.assertFalse(line.subtype_ids)
        line.subtype_ids = self.note.ids
        self.assertEqual(line.subtype_ids, self.note)

    def test_event_of_another_document_type(self):
        stranger = self.env["mail.message.subtype"].create(
            {"name": "Stranger", "res_model": "crm.team"}
        )
        for model in (False, "res.partner"):
            with self.assertRaisesRegex(ValidationError, "“Stranger” does not happen on this"):
                self.subscribe(
                    "user",
                    user_id=self.anna.id,
                    model=model,
                    level="custom",
                    subtype_ids=[(6, 0, stranger.ids)],
                )
        line = self.subscribe(
            "user",
            user_id=self.anna.id,
            model="crm.team",
            level="custom",
            subtype_ids=[(6, 0, stranger.ids)],
        )
        with self.assertRaisesRegex(ValidationError, "“Stranger” does not happen on this"):
            line.model_id = self.env["ir.model"]._get_id("res.partner")

    def test_document_type_without_messages(self):
        for model in ("res.currency", "base.language.install"):
            with self.assertRaisesRegex(ValidationError, "has no messages that one could follow"):
                self.subscribe("user", user_id=self.anna.id, model=model)
            with self.assertRaisesRegex(ValidationError, "has no messages that one could be told"):
                self.env["notify.preference"].create(
                    {"user_id": self.anna.id, "model_id": self.env["ir.model"]._get_id(model)}
                )

    def test_line_that_does_not_say_whose_it_is(self):
        for scope, values in (
            ("user", {}),
            ("team", {}),
            ("company", {}),
            ("member", {"team_id": self.europe.id}),
            ("team", {"team_id": self.europe.id, "user_id": self.anna.id}),
        ):
            with self.assertRaisesRegex(ValidationError, "needs exactly"):
                self.subscribe(scope, **values)

    def test_line_of_an_external_user(self):
        portal = self.env["res.users"].create(
            {
                "name": "Portal",
                "login": "portal_person",
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
            }
        )
        with self.assertRaisesRegex(ValidationError, "external user: defaults are for internal"):
            self.subscribe("user", user_id=portal.id)
        with self.assertRaisesRegex(ValidationError, "external user: externals are told by e-mail"):
            self.env["notify.preference"].create({"user_id": portal.id})

    def test_user_who_becomes_external_has_no_default_any_more(self):
        self.subscribe("user", user_id=self.anna.id, level="everything")
        self.anna.group_ids = self.env.ref("base.group_portal")
        follower = self.follow(self.anna)
        self.assertEqual((follower.notify_origin, follower.subtype_ids), ("odoo", self.comment))

    def test_follow_the_documents_of_no_team(self):
        with self.assertRaisesRegex(ValidationError, "can follow the team's documents"):
            self.subscribe("user", user_id=self.anna.id, auto_follow=True)

    # ------------------------------------------------------------
    # PEOPLE
    # ------------------------------------------------------------

    def test_archived_user_keeps_the_line_and_is_told_of_nothing(self):
        line = self.subscribe("user", user_id=self.anna.id, level="everything")
        follower = self.follow(self.anna)
        self.anna.active = False
        self.anna.partner_id.active = False
        message = self.document.message_post(body="Note", subtype_xmlid="mail.mt_note")
        self.assertFalse(message.notification_ids)
        self.assertEqual(follower.notify_subscription_id, line)
        self.anna.partner_id.active = True
        self.anna.active = True
        self.assertEqual(self.follow(self.anna).notify_subscription_id, line, "back again")

    def test_archived_partner_does_not_start_to_follow(self):
        self.subscribe("user", user_id=self.anna.id, level="everything")
        self.anna.active = False
        self.anna.partner_id.active = False
        self.assertFalse(self.follow(self.anna))

    def test_archived_user_of_an_active_contact_has_no_default(self):
        self.subscribe("user", user_id=self.anna.id, level="everything")
        self.anna.active = False
        follower = self.follow(self.anna)
        self.assertEqual((follower.notify_origin, follower.subtype_ids), ("odoo", self.comment))

    # ------------------------------------------------------------
    # DELETED, AND STILL IN A CACHE
    # ------------------------------------------------------------

    def test_deleted_team_takes_its_lines_along(self):
        line = self.subscribe("team", team_id=self.europe.id, level="everything")
        member = self.subscribe(
            "member", team_id=self.europe.id, user_id=self.ben.id, level="everything"
        )
        followers = self.follow(self.anna), self.follow(self.ben)
        self.europe.unlink()
        self.assertFalse((line | member).exists())
        for user, old in zip((self.anna, self.ben), followers, strict=True):
            self.assertEqual(old.subtype_ids, self.everything, "what was given stays")
            self.assertEqual(self.follow(user).notify_origin, "odoo")

    def test_words_for_a_default_that_was_removed(self):
        line = self.subscribe("team", team_id=self.europe.id, level="everything")
        follower = self.follow(self.anna)
        because = self.env["notify.subscription"]._because
        self.assertEqual(because("team", follower.notify_subscription_id), "from team Europe")
        line.unlink()
        self.assertFalse(follower.notify_subscription_id)
        self.assertEqual(
            because(follower.notify_origin, follower.notify_subscription_id),
            "from a default that was removed since",
        )

    def test_deleted_user_takes_the_lines_along(self):
        eve = self.anna.copy({"name": "Eve", "login": "eve", "email": "eve@company.example"})
        line = self.subscribe("user", user_id=eve.id, level="everything")
        preference = self.env["notify.preference"].create({"user_id": eve.id, "channel": "both"})
        self.assertIn(eve.id, {line.user_id for line in line._book().lines})
        partner = eve.partner_id
        eve.unlink()
        self.assertFalse(line.exists() or preference.exists())
        self.assertNotIn(line.id, {line.id for line in line._book().lines})
        self.document.message_subscribe(partner.ids)
        self.assertEqual(self.follower(self.document, partner).notify_origin, "odoo")

    def test_deleted_company_takes_its_lines_along(self):
        company = self.env["res.company"].create({"name": "Short-lived"})
        self.subscribe("company", company_id=company.id, level="everything")
        self.document.company_id = company
        self.assertEqual(self.follow(self.anna).notify_origin, "company")
        self.document.company_id = False
        company.unlink()
        self.assertFalse(self.env["notify.subscription"]._book().lines)
        self.assertEqual(self.follow(self.anna).notify_origin, "odoo")

    def assertDeletedElsewhere(self, table, ids):
        """Delete rows as another worker does, of which this one's cache has not heard."""
        self.env.flush_all()
        self.env["notify.subscription"]._book()
        self.env["notify.subscription"]._subtypes("res.partner")
        self.env.cr.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [list(ids)])
        self.env.invalidate_all(flush=False)

    def test_line_deleted_by_another_worker(self):
        line = self.subscribe("user", user_id=self.anna.id, level="everything")
        below = self.subscribe("company", company_id=self.env.company.id, level="mentions")
        self.assertDeletedElsewhere("notify_subscription", line.ids)
        self.assertIn(line.id, {line.id for line in below._book().lines}, "the cache is stale")
        follower = self.follow(self.anna, self.ben)
        self.assertEqual(follower.notify_subscription_id, below, "the next in order")
        self.assertFalse(follower.subtype_ids)

    def test_team_deleted_by_another_worker(self):
        self.subscribe("team", team_id=self.europe.id, level="everything", auto_follow=True)
        self.assertDeletedElsewhere("crm_team", self.europe.ids)
        follower = self.follow(self.anna)
        self.assertEqual((follower.notify_origin, follower.subtype_ids), ("odoo", self.comment))

    def test_user_deleted_by_another_worker(self):
        eve = self.anna.copy({"name": "Eve", "login": "eve", "email": "eve@company.example"})
        partner = eve.partner_id
        self.subscribe("user", user_id=eve.id, level="everything")
        self.subscribe("team", team_id=self.europe.id, level="everything")
        self.assertDeletedElsewhere("res_users", eve.ids)
        self.document.message_subscribe((partner | self.anna.partner_id).ids)
        self.assertEqual(self.follower(self.document, partner).notify_origin, "odoo")
        self.assertEqual(self.follower(self.document, self.anna.partner_id).notify_origin, "team")

    def test_event_deleted_by_another_worker(self):
        event = self.env["mail.message.subtype"].create(
            {"name": "Event", "res_model": "res.partner", "default": False}
        )
        self.subscribe("user", user_id=self.anna.id, level="everything")
        self.assertIn(event, self.follow(self.anna).subtype_ids)
        self.assertDeletedElsewhere("mail_message_subtype", event.ids)
        follower = self.follow(self.anna)
        self.assertEqual(follower.notify_origin, "user")
        self.assertEqual(follower.subtype_ids, self.everything)

    def test_line_that_was_rolled_back(self):
        """A cache filled within a savepoint must not survive it."""
        with mute_logger("odoo.sql_db"), self.assertRaises(ZeroDivisionError):
            with self.env.cr.savepoint():
                self.subscribe("user", user_id=self.anna.id, level="everything")
                self.assertEqual(self.follow(self.anna).notify_origin, "user")
                raise ZeroDivisionError
        self.env.invalidate_all()
        self.assertEqual(self.follow(self.anna).notify_origin, "odoo")
