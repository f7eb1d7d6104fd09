from markupsafe import Markup

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tests.common import new_test_user

from .common import NotifyCase


class BellCase(NotifyCase):
    """A document that Anna can read, and what she does with its bell."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.everything = cls.document._mail_get_message_subtypes()

    def bell(self, method="read_bell", *args, user=None, document=None, **kwargs):
        """Call the bell as the web client does: ``bell("set_bell", level="mute", user=ben)``."""
        document = document or self.document
        bell = self.env["notify.bell"].with_user(user or self.anna)
        return getattr(bell, method)(document._name, document.id, *args, **kwargs)

    def told(self, message):
        return message.notification_ids.res_partner_id

    def post(self, **values):
        """Post a message as Ben."""
        values = {
            "body": "Hello",
            "message_type": "comment",
            "subtype_id": self.comment.id,
            **values,
        }
        return self.document.with_user(self.ben).message_post(**values)


@tagged("post_install", "-at_install")
class TestBell(BellCase):
    def test_o2_bell_beats_team_default_and_can_go_back_to_it(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe(self.anna.partner_id.ids)
        seen = [self._in_short(self.bell())]
        seen.append(self._in_short(self.bell("set_bell", level="discussions")))
        seen.append(self._in_short(self.bell("reset_bell")))
        self.assertEqual(
            seen,
            [
                ("everything", "from team Europe", True),
                ("discussions", "your choice", False),
                ("everything", "from team Europe", True),
            ],
        )

    def test_o2_bell_says_what_the_default_is_before_one_follows(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="mentions")
        bell = self.bell()
        self.assertEqual(bell["level"], "none")
        self.assertFalse(bell["following"])
        self.assertFalse(bell["is_default"])
        self.assertEqual(
            bell["default"],
            {"level": "mentions", "level_name": "Only mentions", "because": "from team Europe"},
        )

    def test_o2_bell_offers_the_way_back_when_the_default_has_changed(self):
        line = self.subscribe("team", team_id=self.europe.id, model="res.partner", level="mentions")
        self.document.message_subscribe(self.anna.partner_id.ids)
        line.level = "everything"
        bell = self.bell()
        self.assertEqual(bell["level"], "mentions")
        self.assertFalse(bell["is_default"], "what is followed is no longer what the team says")
        self.assertEqual(bell["default"]["level"], "everything")

    def test_o2_bell_levels_are_what_one_is_told_of(self):
        table = {}
        for level in ("everything", "discussions", "mentions", "mute"):
            bell = self.bell("set_bell", level=level)
            self.assertEqual(bell["level"], level)
            to_follower = self.anna.partner_id in self.told(self.post())
            note = self.anna.partner_id in self.told(self.post(subtype_id=self.note.id))
            by_name = self.anna.partner_id in self.told(
                self.post(partner_ids=self.anna.partner_id.ids)
            )
            table[level] = (to_follower, note, by_name)
        self.assertEqual(
            table,
            {
                "everything": (True, True, True),
                "discussions": (True, False, True),
                "mentions": (False, False, True),
                "mute": (False, False, True),
            },
        )

    def test_o1_bell_chosen_events(self):
        bell = self.bell("set_bell", subtype_ids=self.note.ids)
        self.assertEqual(bell["level"], "custom")
        self.assertEqual(bell["level_name"], "Chosen events")
        checked = [subtype["id"] for subtype in bell["subtypes"] if subtype["checked"]]
        self.assertEqual(checked, self.note.ids)
        internal = {subtype["id"] for subtype in bell["subtypes"] if subtype["internal"]}
        self.assertEqual(internal, set(self.everything.filtered("internal").ids))

    def test_o4_bell_says_how_one_is_told(self):
        channels = [self.bell(user=user)["channel"] for user in (self.anna, self.ben, self.chloe)]
        self.assertEqual(channels, ["By e-mail", "In Odoo", "By e-mail and in Odoo"])

    # ------------------------------------------------------------
    # MUTE
    # ------------------------------------------------------------

    def test_o2_mute_holds_against_a_colleague(self):
        self.bell("set_bell", level="mute")
        self.document.with_user(self.ben).message_subscribe(
            self.anna.partner_id.ids, subtype_ids=self.everything.ids
        )
        self.assertEqual(self.bell()["level"], "mute")
        self.assertNotIn(self.anna.partner_id, self.told(self.post()))

    def test_o2_mute_holds_against_the_team_default(self):
        self.bell("set_bell", level="mute")
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe(self.anna.partner_id.ids)
        self.assertEqual(self.bell()["level"], "mute")

    def test_o2_mute_holds_when_the_team_gets_the_document(self):
        if "crm.lead" not in self.env:
            self.skipTest("sales_team alone has no document that belongs to a team")
        document = self.env["crm.lead"].create({"name": "Lead", "team_id": False})
        self.bell("set_bell", level="mute", document=document)
        self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="everything", auto_follow=True
        )
        document.team_id = self.europe
        self.assertEqual(self.bell(document=document)["level"], "mute")
        self.assertEqual(self.bell(user=self.ben, document=document)["level"], "everything")

    def test_o2_mute_holds_against_becoming_responsible(self):
        self.bell("set_bell", level="mute")
        self.document.with_user(self.ben).user_id = self.anna
        self.assertEqual(self.bell()["level"], "mute")

    def test_o18_mute_and_mention_still_tells(self):
        self.bell("set_bell", level="mute")
        message = self.post(
            body=Markup('<a data-oe-model="res.partner" data-oe-id="%s">@Anna</a>')
            % self.anna.partner_id.id,
            partner_ids=self.anna.partner_id.ids,
            subtype_id=self.note.id,
        )
        self.assertEqual(self.told(message), self.anna.partner_id)
        self.assertEqual(message.notification_ids.notify_reason, "mention")
        self.assertEqual(self.bell()["level"], "mute", "a mention is no reason to follow again")

    def test_o2_mute_ends_when_the_person_chooses_in_odoos_dialog(self):
        self.bell("set_bell", level="mute")
        self.document.with_user(self.anna).message_subscribe(
            self.anna.partner_id.ids, subtype_ids=self.comment.ids
        )
        self.assertEqual(self.bell()["level"], "discussions")

    # ------------------------------------------------------------
    # LEAVING AND UNDOING
    # ------------------------------------------------------------

    def test_o2_bell_leave(self):
        self.bell("set_bell", level="everything")
        bell = self.bell("leave_bell")
        self.assertEqual(bell["level"], "none")
        self.assertFalse(self.follower(self.document, self.anna.partner_id))

    def test_o2_bell_undo_brings_back_the_default_and_where_it_came_from(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe(self.anna.partner_id.ids)
        before = self.bell()
        for method, kwargs in (
            ("set_bell", {"level": "mute"}),
            ("set_bell", {"subtype_ids": self.note.ids}),
            ("leave_bell", {}),
        ):
            with self.subTest(method=method, **kwargs):
                self.bell(method, **kwargs)
                self.assertEqual(self._again(before["memento"]), before)

    def test_o2_bell_undo_of_following_stops_it(self):
        before = self.bell()
        self.bell("reset_bell")
        self.assertEqual(self._again(before["memento"]), before)

    def test_o2_bell_undo_of_unmuting_mutes_again(self):
        before = self.bell("set_bell", level="mute")
        self.bell("set_bell", level="everything")
        self.assertEqual(self._again(before["memento"])["level"], "mute")

    def test_o2_bell_undo_takes_no_invented_origin(self):
        line = self.subscribe("company", company_id=self.env.company.id, level="everything")
        for origin, subscription_id in (
            ("team", line.id),
            ("user", line.id + 99),
            ("nonsense", False),
        ):
            bell = self.bell(
                "restore_bell",
                {
                    "follows": True,
                    "origin": origin,
                    "subscription_id": subscription_id,
                    "subtype_ids": [*self.note.ids, 999999],
                },
            )
            self.assertEqual((bell["because"], bell["level"]), ("your choice", "custom"))

    def test_o2_bell_default_that_is_gone_is_a_choice_after_undo(self):
        line = self.subscribe(
            "team", team_id=self.europe.id, model="res.partner", level="everything"
        )
        self.document.message_subscribe(self.anna.partner_id.ids)
        memento = self.bell()["memento"]
        self.bell("set_bell", level="mute")
        line.unlink()
        self.assertEqual(self._in_short(self._again(memento)), ("everything", "your choice", False))

    # ------------------------------------------------------------
    # WHO MAY, AND ON WHAT
    # ------------------------------------------------------------

    def test_o2_bell_for_a_user_who_may_only_read(self):
        reader = new_test_user(self.env, "reader", "base.group_user", email="r@company.example")
        with self.assertRaises(AccessError):
            self.document.with_user(reader).check_access("write")
        self.assertEqual(
            self.bell("set_bell", level="everything", user=reader)["level"], "everything"
        )
        self.assertEqual(self.bell("leave_bell", user=reader)["level"], "none")
        self.assertEqual(self.bell("reset_bell", user=reader)["because"], "Odoo's default")

    def test_o2_bell_refuses_who_may_not_read(self):
        self.env["ir.rule"].create(
            {
                "name": "Nobody sees the document",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.document.id})]",
            }
        )
        for method, kwargs in (
            ("read_bell", {}),
            ("set_bell", {"level": "mute"}),
            ("reset_bell", {}),
        ):
            with self.assertRaises(AccessError):
                self.bell(method, **kwargs)

    def test_o2_bell_lets_go_who_loses_access_by_leaving(self):
        self.bell("set_bell", level="everything")
        self.env["ir.rule"].create(
            {
                "name": "Followers only",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": (
                    f"['|', ('id', '!=', {self.document.id}),"
                    " ('message_partner_ids', 'in', [user.partner_id.id])]"
                ),
            }
        )
        self.assertEqual(self.bell()["level"], "everything")
        self.assertEqual(self.bell("leave_bell")["level"], "none")
        with self.assertRaises(AccessError):
            self.bell()

    def test_o2_bell_refuses_a_portal_user(self):
        portal = new_test_user(self.env, "portal", "base.group_portal", email="p@customer.example")
        self.document.message_subscribe(portal.partner_id.ids)
        for method in ("read_bell", "leave_bell", "internal_for_externals"):
            arguments = ([], []) if method == "internal_for_externals" else ()
            with self.assertRaisesRegex(UserError, "Only internal users"):
                self.bell(method, *arguments, user=portal)
        self.assertTrue(self.follower(self.document, portal.partner_id))

    def test_o2_bell_refuses_an_unknown_level(self):
        with self.assertRaisesRegex(UserError, "no notification level “loud”"):
            self.bell("set_bell", level="loud")
        with self.assertRaisesRegex(UserError, "Choose a level or the events"):
            self.bell("set_bell")

    def test_o2_bell_refuses_a_vanished_subtype(self):
        subtype = self.env["mail.message.subtype"].create(
            {"name": "Moon phase", "res_model": "res.partner"}
        )
        self.assertIn(subtype.id, [entry["id"] for entry in self.bell()["subtypes"]])
        subtype_id = subtype.id
        subtype.unlink()
        with self.assertRaisesRegex(UserError, "do not exist on this document any more"):
            self.bell("set_bell", subtype_ids=[subtype_id])

    def test_o2_bell_on_a_deleted_document(self):
        document = self.document.copy()
        document.unlink()
        with self.assertRaisesRegex(UserError, "does not exist any more"):
            self.bell(document=document)

    def test_o2_bell_on_what_has_no_chatter(self):
        for model in ("res.country", "mail.thread", "no.such.model"):
            with self.assertRaisesRegex(UserError, "no messages"):
                self.env["notify.bell"].with_user(self.anna).read_bell(model, 1)

    # ------------------------------------------------------------
    # COST
    # ------------------------------------------------------------

    def test_o2_bell_costs_few_queries(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe((self.anna | self.ben | self.chloe).partner_id.ids)
        # Somebody mutes already: the first one ever empties caches that all of this reads.
        self.follower(self.document, self.ben.partner_id).notify_muted = True
        self.bell()
        self.bell("set_bell", level="mute")
        self.bell("leave_bell")
        self.bell("reset_bell")
        for method, kwargs, ceiling in (
            ("read_bell", {}, 14),
            ("set_bell", {"level": "mute"}, 20),
            ("set_bell", {"level": "discussions"}, 21),
            ("leave_bell", {}, 37),
            ("reset_bell", {}, 34),
        ):
            with self.subTest(method=method, **kwargs):
                self.env.flush_all()
                self.env.invalidate_all()
                with self.assertQueryCount(ceiling):
                    self.bell(method, **kwargs)
                    self.env.flush_all()

    def test_o2_bell_tells_the_web_client_what_changed(self):
        data = self.bell("set_bell", level="mute")["store_data"]
        self.assertEqual(data["mail.thread"][0]["followersCount"], 1)
        follower_id = data["mail.thread"][0]["selfFollower"]
        own = [row for row in data["mail.followers"] if row["id"] == follower_id]
        self.assertTrue(own[0]["notify_muted"])
        data = self.bell("set_bell", level="everything")["store_data"]
        self.assertEqual(data, {"mail.followers": [{"id": follower_id, "notify_muted": False}]})
        data = self.bell("leave_bell")["store_data"]
        self.assertEqual(data["mail.thread"][0]["followersCount"], 0)
        self.assertFalse(data["mail.thread"][0]["selfFollower"])

    def _again(self, memento):
        """Undo, and return what the bell then reads."""
        self.bell("restore_bell", memento)
        return self.bell()

    def _in_short(self, bell):
        return bell["level"], bell["because"], bell["is_default"]
