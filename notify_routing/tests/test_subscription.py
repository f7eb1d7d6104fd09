from markupsafe import Markup

from odoo.tests import tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestSubscription(NotifyCase):
    """Which subtypes somebody gets who starts to follow."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.everything = cls.document._mail_get_message_subtypes()

    def follow(self, user=None, document=None):
        """Start to follow; return where the subtypes come from, and the subtypes."""
        document = document or self.document
        partner = (user or self.anna).partner_id
        document.message_unsubscribe(partner.ids)
        document.message_subscribe(partner.ids)
        follower = self.follower(document, partner)
        return follower.notify_origin, follower.subtype_ids

    def because(self, user=None, document=None):
        """Return the line that decides for somebody, and its subtypes."""
        self.follow(user, document)
        return self.follower(
            document or self.document, (user or self.anna).partner_id
        ).notify_subscription_id

    # ------------------------------------------------------------
    # O1, O2
    # ------------------------------------------------------------

    def test_o1_new_follower_internal_and_external_gets_discussions(self):
        self.document.message_subscribe((self.anna.partner_id | self.client).ids)
        for partner in (self.anna.partner_id, self.client):
            follower = self.follower(self.document, partner)
            self.assertEqual(follower.subtype_ids, self.comment)

    def test_o1_external_keeps_odoos_default_whatever_is_set_up(self):
        """Portal users and contacts have no default here, not even their company's."""
        portal = self.env["res.users"].create(
            {
                "name": "Portal",
                "login": "portal_person",
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
            }
        )
        self.subscribe("company", company_id=self.env.company.id, level="everything")
        self.document.message_subscribe((portal.partner_id | self.client).ids)
        for partner in (portal.partner_id, self.client):
            follower = self.follower(self.document, partner)
            self.assertEqual(follower.subtype_ids, self.comment)
            self.assertEqual(follower.notify_origin, "odoo")

    def test_o2_team_default_then_the_bell(self):
        """The team's default is where one starts; what one chooses on the document stays."""
        self.subscribe("team", team_id=self.europe.id, level="everything")
        self.assertEqual(self.follow(), ("team", self.everything))
        partner = self.anna.partner_id
        bell = self.env["notify.bell"].with_user(self.anna)
        bell.set_bell(self.document._name, self.document.id, "discussions")
        follower = self.follower(self.document, partner)
        self.assertEqual(follower.notify_origin, "choice")
        self.assertEqual(follower.subtype_ids, self.comment)
        self.document.message_subscribe(partner.ids)
        self.assertEqual(follower.subtype_ids, self.comment, "the bell is stronger")
        self.assertEqual(self.follow(), ("team", self.everything), "forgotten with the follower")

    def test_o2_bell_on_one_document_leaves_the_others_alone(self):
        self.subscribe("team", team_id=self.europe.id, level="everything")
        other = self.env["res.partner"].create({"name": "Other"})
        bell = self.env["notify.bell"].with_user(self.anna)
        bell.set_bell(self.document._name, self.document.id, "mentions")
        self.assertEqual(self.follow(document=other), ("team", self.everything))
        self.assertFalse(self.follower(self.document, self.anna.partner_id).subtype_ids)

    # ------------------------------------------------------------
    # O3
    # ------------------------------------------------------------

    def test_o3_user_team_company_default_three_layers(self):
        """A person's own default wins over the team's, that over the company's."""
        layers = []
        self.subscribe("company", company_id=self.env.company.id, level="everything")
        layers.append(self.follow())
        self.subscribe("team", team_id=self.europe.id, level="mentions")
        layers.append(self.follow())
        self.subscribe(
            "user", user_id=self.anna.id, level="custom", subtype_ids=[(6, 0, self.note.ids)]
        )
        layers.append(self.follow())
        self.assertEqual(
            layers,
            [
                ("company", self.everything),
                ("team", self.everything.browse()),
                ("user", self.note),
            ],
        )

    def test_o3_each_layer_for_all_types_and_for_this_one(self):
        """Line after line is added, each stronger than all before, and taken away again."""
        self.assertEqual(self.follow(), ("odoo", self.comment), "nothing is set up")
        scopes = [
            ("company", {"company_id": self.env.company.id}),
            ("team", {"team_id": self.europe.id}),
            ("member", {"team_id": self.europe.id, "user_id": self.anna.id}),
            ("user", {"user_id": self.anna.id}),
        ]
        # Lines that must never speak for Anna on a contact.
        self.subscribe("user", user_id=self.ben.id, level="everything")
        self.subscribe("user", user_id=self.anna.id, model="crm.team", level="everything")
        africa = self.env["crm.team"].create({"name": "Africa", "member_ids": [(4, self.ben.id)]})
        self.subscribe("team", team_id=africa.id, level="everything")
        self.assertEqual(self.follow(), ("odoo", self.comment), "nothing is set up for her")
        stack = []
        for scope, values in scopes:
            for model in (False, "res.partner"):
                with self.subTest(scope=scope, model=model):
                    stack.append(self.subscribe(scope, model=model, level="everything", **values))
                    self.assertEqual(self.because(), stack[-1])
        while stack:
            stack.pop().unlink()
            self.assertEqual(
                self.because(), stack[-1] if stack else self.env["notify.subscription"]
            )

    def test_o3_leader_counts_as_member(self):
        line = self.subscribe("team", team_id=self.europe.id, level="everything")
        self.assertNotIn(self.chloe, self.europe.member_ids)
        self.assertEqual(self.because(self.chloe), line)

    def test_o3_nobody_outside_the_team_is_meant(self):
        self.subscribe("team", team_id=self.europe.id, level="everything")
        self.europe.crm_team_member_ids.filtered(lambda m: m.user_id == self.ben).active = False
        self.assertEqual(self.follow(self.ben), ("odoo", self.comment), "left the team")
        self.europe.active = False
        self.assertEqual(self.follow(self.anna), ("odoo", self.comment), "the team is archived")

    def test_o3_two_teams_the_first_counts_where_the_document_has_none(self):
        self.env["ir.config_parameter"].set_param("sales_team.membership_multi", "True")
        asia = self.env["crm.team"].create(
            {"name": "Asia", "sequence": 1, "member_ids": [(4, self.anna.id)]}
        )
        self.europe.sequence = 2
        line_europe = self.subscribe("team", team_id=self.europe.id, level="everything")
        line_asia = self.subscribe("team", team_id=asia.id, level="mentions")
        self.assertEqual(self.because(), line_asia)
        asia.sequence = 3
        self.assertEqual(self.because(), line_europe)

    def test_o3_two_companies_the_documents_counts_before_the_persons(self):
        second = self.env["res.company"].create({"name": "Second"})
        self.anna.write({"company_ids": [(4, second.id)]})
        line_first = self.subscribe("company", company_id=self.env.company.id, level="everything")
        line_second = self.subscribe("company", company_id=second.id, level="mentions")
        self.assertEqual(self.because(), line_first, "the document is of no company")
        self.document.company_id = second
        self.assertEqual(self.because(), line_second)
        self.document.company_id = self.env.company
        self.anna.company_id = second
        self.assertEqual(self.because(), line_first)
        line_first.unlink()
        self.assertEqual(self.follow(), ("odoo", self.comment), "not the other company's")

    def test_o3_two_documents_of_two_companies_in_one_call(self):
        second = self.env["res.company"].create({"name": "Second"})
        other = self.env["res.partner"].create({"name": "Other", "company_id": second.id})
        self.document.company_id = self.env.company
        self.subscribe("company", company_id=self.env.company.id, level="everything")
        self.subscribe("company", company_id=second.id, level="mentions")
        partner = self.anna.partner_id
        (self.document | other).message_subscribe(partner.ids)
        self.assertEqual(self.follower(self.document, partner).subtype_ids, self.everything)
        self.assertFalse(self.follower(other, partner).subtype_ids)

    def test_o3_chosen_events_for_all_types_leave_the_types_own_to_odoo(self):
        own, quiet = self.env["mail.message.subtype"].create(
            [
                {"name": "Own", "res_model": "res.partner", "default": True},
                {"name": "Quiet", "res_model": "res.partner", "default": False},
            ]
        )
        line = self.subscribe(
            "user", user_id=self.anna.id, level="custom", subtype_ids=[(6, 0, self.note.ids)]
        )
        self.assertEqual(self.follow(), ("user", self.note | own))
        line.write(
            {
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "subtype_ids": [(6, 0, quiet.ids)],
            }
        )
        self.assertEqual(self.follow(), ("user", quiet))

    # ------------------------------------------------------------
    # A CHOICE STAYS
    # ------------------------------------------------------------

    def test_o2_subtypes_given_by_hand_are_a_choice_and_stay(self):
        self.subscribe("user", user_id=self.anna.id, level="mentions")
        partner = self.anna.partner_id
        self.document.message_subscribe(partner.ids, self.note.ids)
        follower = self.follower(self.document, partner)
        self.assertEqual(follower.notify_origin, "choice")
        self.document.message_subscribe(partner.ids)
        self.document.message_post(body="By Anna", author_id=partner.id)
        self.assertEqual(follower.subtype_ids, self.note)
        self.assertEqual(follower.notify_origin, "choice")

    def test_o2_choosing_what_is_the_default_anyway_is_a_choice(self):
        line = self.subscribe("user", user_id=self.anna.id, level="discussions")
        self.assertEqual(self.follow(), ("user", self.comment))
        self.document.message_subscribe(self.anna.partner_id.ids, self.comment.ids)
        follower = self.follower(self.document, self.anna.partner_id)
        self.assertEqual(follower.notify_origin, "choice")
        self.assertFalse(follower.notify_subscription_id)
        self.assertTrue(line.exists())

    def insert(self, policy, subtypes=None, documents=None):
        documents = documents or self.document
        self.env["mail.followers"]._insert_followers(
            documents._name,
            documents.ids,
            self.anna.partner_id.ids,
            subtypes=subtypes and {self.anna.partner_id.id: subtypes.ids},
            check_existing=True,
            existing_policy=policy,
        )
        follower = self.follower(self.document, self.anna.partner_id)
        return follower.notify_origin, follower.subtype_ids

    def test_o2_each_policy_of_odoo_with_a_default(self):
        """What happens to a follower who is there already, by Odoo's own policies."""
        expected = {
            "skip": ("odoo", self.comment),
            "update": ("user", self.comment | self.note),
            "replace": ("user", self.note),
            "force": ("user", self.note),
        }
        for policy, result in expected.items():
            with self.subTest(policy=policy):
                self.env["notify.subscription"].search([]).unlink()
                self.subscribe("user", user_id=self.ben.id, level="everything")
                self.follow()
                self.subscribe(
                    "user",
                    user_id=self.anna.id,
                    level="custom",
                    subtype_ids=[(6, 0, self.note.ids)],
                )
                self.assertEqual(self.insert(policy), result)

    def test_o2_each_policy_of_odoo_with_given_subtypes(self):
        """Somebody's subtypes win over every default."""
        self.subscribe("user", user_id=self.anna.id, level="everything")
        expected = {
            "skip": self.everything,
            "update": self.everything,
            "replace": self.note,
            "force": self.note,
        }
        for policy, result in expected.items():
            with self.subTest(policy=policy):
                self.follow()
                self.assertEqual(self.insert(policy, self.note)[1], result)

    def test_o2_no_policy_puts_a_default_over_a_choice(self):
        self.subscribe("user", user_id=self.anna.id, level="everything")
        self.document.message_subscribe(self.anna.partner_id.ids, self.note.ids)
        for policy in ("skip", "update", "replace", "force"):
            with self.subTest(policy=policy):
                self.assertEqual(self.insert(policy), ("choice", self.note))

    def test_o2_no_policy_wakes_who_muted(self):
        self.env["notify.bell"].with_user(self.anna).set_bell(
            self.document._name, self.document.id, "mute"
        )
        follower = self.follower(self.document, self.anna.partner_id)
        for policy in ("skip", "update", "replace", "force"):
            for subtypes in (None, self.everything):
                with self.subTest(policy=policy, subtypes=subtypes):
                    self.insert(policy, subtypes)
                    self.assertTrue(follower.exists().notify_muted)
                    self.assertFalse(follower.subtype_ids)

    # ------------------------------------------------------------
    # WHO STARTS TO FOLLOW
    # ------------------------------------------------------------

    def test_o18_nobody_follows_where_odoo_says_so(self):
        """Odoo says so for people who may only read the document that they post on."""
        body = Markup('<a data-oe-model="res.partner" data-oe-id="%s">@Ben</a>')
        values = {
            "body": body % self.ben.partner_id.id,
            "message_type": "comment",
            "partner_ids": self.ben.partner_id.ids,
        }
        document = self.document.with_user(self.anna).with_context(mail_post_autofollow=False)
        message = document.message_post(**values)
        self.assertEqual(message.notification_ids.res_partner_id, self.ben.partner_id)
        self.assertFalse(self.follower(self.document, self.ben.partner_id))
        self.document.with_user(self.anna).message_post(**values)
        self.assertTrue(self.follower(self.document, self.ben.partner_id))

    # ------------------------------------------------------------
    # COST
    # ------------------------------------------------------------

    def test_o3_cost_does_not_grow_with_documents_and_people(self):
        """200 documents × 10 people cost Odoo's own queries and five more."""
        documents = self.env["res.partner"].create([{"name": f"D{n}"} for n in range(200)])
        users = self.env["res.users"].create(
            [
                {
                    "name": f"User {n}",
                    "login": f"many{n}",
                    "group_ids": [(6, 0, self.env.ref("base.group_user").ids)],
                }
                for n in range(10)
            ]
        )
        self.europe.member_ids |= users

        def count(some):
            some.message_unsubscribe(users.partner_id.ids)
            some.message_subscribe(users.partner_id.ids)
            some.message_unsubscribe(users.partner_id.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.message_subscribe(users.partner_id.ids)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        stock = {size: count(documents[:size]) for size in (2, 200)}
        self.subscribe("company", company_id=self.env.company.id, level="everything")
        self.subscribe("team", team_id=self.europe.id, level="mentions")
        self.subscribe("user", user_id=users[0].id, level="everything")
        ours = {size: count(documents[:size]) for size in (2, 200)}
        extra = {size: ours[size] - stock[size] for size in ours}
        self.assertLessEqual(extra[200], 5)
        self.assertEqual(
            set(self.follower(documents[150], users[3].partner_id).mapped("notify_origin")),
            {"team"},
        )
