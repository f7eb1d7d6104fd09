from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestRights(NotifyCase):
    """Who may read and write which defaults and preferences."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner_type = cls.env["ir.model"]._get_id("res.partner")
        cls.first = cls.env.company
        cls.second = cls.env["res.company"].create({"name": "Second"})
        cls.far = cls.env["crm.team"].create({"name": "Far", "company_id": cls.second.id})
        cls.near = cls.env["crm.team"].create({"name": "Near", "company_id": cls.first.id})
        cls.manager = new_test_user(
            cls.env, "manager", "notify_routing.group_notify_manager", name="Manager"
        )
        cls.portal = new_test_user(cls.env, "portal_person", "base.group_portal", name="Portal")
        cls.lines = {
            "own of Anna": cls.subscribe("user", user_id=cls.anna.id),
            "own of Ben": cls.subscribe("user", user_id=cls.ben.id),
            "own of Chloé": cls.subscribe("user", user_id=cls.chloe.id),
            "team Europe": cls.subscribe("team", team_id=cls.europe.id),
            "member Ben": cls.subscribe("member", team_id=cls.europe.id, user_id=cls.ben.id),
            "team Near": cls.subscribe("team", team_id=cls.near.id),
            "team Far": cls.subscribe("team", team_id=cls.far.id),
            "member Far": cls.subscribe("member", team_id=cls.far.id, user_id=cls.ben.id),
            "company": cls.subscribe("company", company_id=cls.first.id),
            "other company": cls.subscribe("company", company_id=cls.second.id),
        }

    def may(self, user, operation):
        """Return the names of the lines with which somebody may do something."""
        result = set()
        for name, line in self.lines.items():
            line.invalidate_recordset()
            if line.with_user(user).with_company(self.first).has_access(operation):
                result.add(name)
        return result

    def refuses(self, user, scope, **values):
        with self.assertRaises(AccessError):
            self.env["notify.subscription"].with_user(user).create(
                {
                    "scope": scope,
                    "user_id": False,
                    "model_id": self.partner_type,
                    **values,
                }
            )
        return True

    def test_plain_user_only_the_own_lines(self):
        for operation in ("read", "write", "unlink"):
            self.assertEqual(self.may(self.anna, operation), {"own of Anna"})
        self.refuses(self.anna, "user", user_id=self.ben.id)
        self.refuses(self.anna, "team", team_id=self.europe.id)
        self.refuses(self.anna, "member", team_id=self.europe.id, user_id=self.anna.id)
        self.refuses(self.anna, "company", company_id=self.first.id)
        mine = self.env["notify.subscription"].with_user(self.anna).create(
            {"model_id": self.partner_type, "level": "mentions"}
        )  # fmt: skip
        self.assertEqual(mine.user_id, self.anna)

    def test_plain_user_cannot_make_the_own_line_somebody_elses(self):
        mine = self.lines["own of Anna"].with_user(self.anna)
        for values in (
            {"user_id": self.ben.id, "model_id": self.partner_type},
            {
                "scope": "team",
                "user_id": False,
                "team_id": self.near.id,
                "model_id": self.partner_type,
            },
            {
                "scope": "company",
                "user_id": False,
                "company_id": self.first.id,
                "model_id": self.partner_type,
            },
        ):
            with self.assertRaises(AccessError):
                mine.write(values)
        self.assertEqual(self.lines["own of Anna"].user_id, self.anna)

    def test_sales_manager_writes_team_and_member_lines_of_own_companies(self):
        expected = {"own of Chloé", "team Europe", "member Ben", "team Near"}
        for operation in ("read", "write", "unlink"):
            self.assertEqual(self.may(self.chloe, operation), expected)
        self.refuses(self.chloe, "team", team_id=self.far.id)
        self.refuses(self.chloe, "member", team_id=self.far.id, user_id=self.ben.id)
        self.refuses(self.chloe, "user", user_id=self.ben.id)
        self.refuses(self.chloe, "company", company_id=self.first.id)
        with self.assertRaises(AccessError):
            self.lines["team Near"].with_user(self.chloe).write(
                {"team_id": self.far.id, "model_id": self.partner_type}
            )

    def test_sales_manager_of_two_companies(self):
        self.chloe.company_ids |= self.second
        lines = self.lines["team Far"] | self.lines["team Near"]
        both = lines.with_user(self.chloe).with_context(
            allowed_company_ids=[self.first.id, self.second.id]
        )
        both.level = "mentions"
        with self.assertRaises(AccessError):
            self.lines["team Far"].with_user(self.chloe).with_context(
                allowed_company_ids=[self.first.id]
            ).level = "everything"
        self.assertEqual(set(lines.mapped("level")), {"mentions"})

    def test_notification_manager_everything_of_own_companies(self):
        expected = set(self.lines) - {"team Far", "member Far", "other company"}
        for operation in ("read", "write", "unlink"):
            self.assertEqual(self.may(self.manager, operation), expected)
        self.refuses(self.manager, "company", company_id=self.second.id)
        self.manager.company_ids |= self.second
        lines = self.env["notify.subscription"].union(*self.lines.values())
        lines.with_user(self.manager).with_context(
            allowed_company_ids=[self.first.id, self.second.id]
        ).level = "everything"

    def test_externals_nothing(self):
        for user in (self.portal, self.env.ref("base.public_user")):
            for operation in ("read", "write", "unlink"):
                self.assertEqual(self.may(user, operation), set())
            self.refuses(user, "user", user_id=user.id)
            for model in ("notify.preference", "notify.subscription.run"):
                for operation in ("read", "write", "create", "unlink"):
                    self.assertFalse(self.env[model].with_user(user).has_access(operation))

    def test_preferences_own_and_for_the_manager_all(self):
        Preference = self.env["notify.preference"]
        self.ben.company_ids |= self.second
        rows = Preference.create(
            [{"user_id": user.id, "channel": "both"} for user in (self.anna, self.ben)]
        )
        for user in (self.anna, self.chloe):
            with self.assertRaises(AccessError):
                Preference.with_user(user).create({"user_id": self.manager.id})
        self.assertEqual(Preference.with_user(self.anna).search([]).user_id, self.anna)
        self.assertFalse(rows[1].with_user(self.anna).has_access("read"))
        with self.assertRaises(AccessError):
            rows[0].with_user(self.anna).user_id = self.manager
        rows[0].with_user(self.anna).channel = "email"
        self.assertEqual(self.anna.notification_type, "email", "stock's field follows")
        rows.with_user(self.manager).channel = "inbox"
        self.assertEqual(set((self.anna | self.ben).mapped("notification_type")), {"inbox"})

    def test_own_default_is_the_persons_who_makes_it(self):
        """Also when a person sets it for a colleague's follower row: nobody reads others' lines."""
        self.lines["own of Ben"].level = "everything"
        document = self.env["res.partner"].create({"name": "Document"})
        document.with_user(self.anna).message_subscribe(self.ben.partner_id.ids)
        follower = self.follower(document, self.ben.partner_id)
        self.assertEqual(follower.notify_subscription_id, self.lines["own of Ben"])
        self.assertEqual(follower.subtype_ids, document._mail_get_message_subtypes())

    def test_external_cannot_confirm_internal_events_for_themselves(self):
        """The confirmation is somebody's of the company; a call from outside gives none."""
        document = self.env["res.partner"].create({"name": "Document"})
        self.portal.partner_id.parent_id = document
        self.portal.with_user(self.portal).partner_id.check_access("read")
        own = self.portal.partner_id
        own.with_user(self.portal).with_context(notify_internal_confirmed=True).message_subscribe(
            own.ids, (self.comment | self.note).ids
        )
        follower = self.follower(own, own)
        self.assertTrue(follower)
        self.assertFalse(follower.notify_internal)
        message = own.message_post(body="Between us", subtype_xmlid="mail.mt_note")
        self.assertFalse(message.notification_ids)
        own.with_user(self.anna).with_context(notify_internal_confirmed=True).message_subscribe(
            own.ids, (self.comment | self.note).ids
        )
        message = own.message_post(body="For you, too", subtype_xmlid="mail.mt_note")
        self.assertEqual(message.notification_ids.res_partner_id, own)
