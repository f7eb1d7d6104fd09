"""Documents of a team, of CRM and of Sales: who follows them, and with which default."""

from odoo.tests import Form, tagged

from odoo.addons.notify_routing.tests.common import NotifyCase


@tagged("post_install", "-at_install")
class TestTeamDocuments(NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Stock's own teams would be found for salespersons, too.
        cls.env["crm.team"].search([("id", "!=", cls.europe.id)]).active = False
        cls.dora = cls.anna.copy({"name": "Dora", "login": "dora", "email": "dora@company.example"})
        cls.asia = cls.env["crm.team"].create({"name": "Asia", "member_ids": [(4, cls.dora.id)]})

    def lead(self, **values):
        return self.env["crm.lead"].create({"name": "Lead", "type": "opportunity", **values})

    def order(self, **values):
        return self.env["sale.order"].create({"partner_id": self.client.id, **values})

    def following(self, document):
        self.subscribe(
            "team", team_id=self.europe.id, model=document, level="everything", auto_follow=True
        )

    def names(self, document):
        return set(document.message_partner_ids.mapped("name"))

    # ------------------------------------------------------------
    # O3: whose default
    # ------------------------------------------------------------

    def test_o3_the_documents_team_counts_before_the_persons_first(self):
        self.env["ir.config_parameter"].set_param("sales_team.membership_multi", "True")
        self.asia.member_ids |= self.anna
        self.asia.sequence, self.europe.sequence = 1, 2
        asia = self.subscribe("team", team_id=self.asia.id, level="everything")
        europe = self.subscribe("team", team_id=self.europe.id, level="mentions")
        for team, line in ((self.europe, europe), (self.asia, asia)):
            lead = self.lead(team_id=team.id, user_id=False)
            lead.message_subscribe(self.anna.partner_id.ids)
            follower = self.follower(lead, self.anna.partner_id)
            self.assertEqual(follower.notify_subscription_id, line)

    def test_o3_two_teams_documents_in_one_call(self):
        """Each document is followed by its own team's default, whatever the policy."""
        self.env["ir.config_parameter"].set_param("sales_team.membership_multi", "True")
        self.asia.member_ids |= self.anna
        lines = {
            team: self.subscribe("team", team_id=team.id, level=level)
            for team, level in ((self.asia, "everything"), (self.europe, "mentions"))
        }
        leads = self.lead(team_id=self.asia.id, user_id=False)
        leads |= self.lead(team_id=self.europe.id, user_id=False)
        for policy in ("skip", "replace", "update"):
            leads.message_subscribe((self.anna | self.ben).partner_id.ids)
            self.env["mail.followers"]._insert_followers(
                "crm.lead", leads.ids, self.anna.partner_id.ids, existing_policy=policy
            )
            for lead in leads:
                follower = self.follower(lead, self.anna.partner_id)
                self.assertEqual(follower.notify_subscription_id, lines[lead.team_id])
                self.assertEqual(bool(follower.subtype_ids), lead.team_id == self.asia)

    def test_o3_new_responsible_gets_the_default(self):
        """Odoo subscribes and tells the new responsible; the subtypes are those of the default."""
        line = self.subscribe("user", user_id=self.ben.id, model="crm.lead", level="mentions")
        lead = self.lead(team_id=self.europe.id, user_id=self.ben.id)
        follower = self.follower(lead, self.ben.partner_id)
        self.assertEqual((follower.notify_subscription_id, follower.notify_origin), (line, "user"))
        self.assertFalse(follower.subtype_ids)
        lead.user_id = self.anna
        follower = self.follower(lead, self.anna.partner_id)
        self.assertEqual(follower.notify_origin, "odoo")
        self.assertEqual(
            set(follower.subtype_ids.ids),
            set(self.env["mail.message.subtype"]._default_subtypes("crm.lead")[0]),
        )
        told = self.env["mail.message"].search(
            [("model", "=", "crm.lead"), ("res_id", "=", lead.id), ("subject", "like", "assigned")]
        )
        self.assertEqual(told.partner_ids, (self.ben | self.anna).partner_id)

    # ------------------------------------------------------------
    # O10: the team's documents
    # ------------------------------------------------------------

    def test_o10_new_quotation_is_followed_by_salesperson_and_team_not_the_customer(self):
        self.following("sale.order")
        order = self.order(user_id=self.anna.id, team_id=self.europe.id)
        self.assertEqual(self.names(order), {"Anna", "Ben", "Chloé"})
        self.assertEqual(
            set(
                self.env["mail.followers"]
                .search([("res_id", "=", order.id), ("res_model", "=", "sale.order")])
                .mapped("notify_origin")
            ),
            {"team"},
        )
        order = self.order(user_id=self.dora.id, team_id=self.asia.id)
        self.assertEqual(self.names(order), {"Dora"}, "that team did not ask for it")

    def test_o10_team_that_is_computed_from_the_salesperson(self):
        self.following("sale.order")
        self.following("crm.lead")
        for document in (self.order(user_id=self.anna.id), self.lead(user_id=self.anna.id)):
            self.assertEqual(document.team_id, self.europe)
            self.assertEqual(self.names(document), {"Anna", "Ben", "Chloé"})

    def test_o10_team_from_the_context(self):
        self.following("crm.lead")
        lead = (
            self.env["crm.lead"]
            .with_context(default_team_id=self.europe.id)
            .create({"name": "Lead", "user_id": False})
        )
        self.assertEqual(self.names(lead), {"Anna", "Ben", "Chloé"})

    def test_o10_many_at_once_each_by_its_own_team(self):
        self.following("crm.lead")
        leads = self.env["crm.lead"].create(
            [
                {"name": f"Lead {number}", "user_id": False, "team_id": team.id}
                for number, team in enumerate((self.europe, self.asia, self.europe))
            ]
        )
        self.assertEqual(
            [len(lead.message_partner_ids) for lead in leads],
            [3, 0, 3],
        )

    def test_o10_document_given_to_the_team_is_followed_from_then_on(self):
        self.following("crm.lead")
        lead = self.lead(team_id=self.asia.id, user_id=False)
        self.assertEqual(self.names(lead), set())
        lead.team_id = self.europe
        self.assertEqual(self.names(lead), {"Anna", "Ben", "Chloé"})
        lead.team_id = self.asia
        self.assertEqual(self.names(lead), {"Anna", "Ben", "Chloé"}, "nobody is thrown out")

    def test_o10_team_that_changes_with_the_salesperson(self):
        self.following("crm.lead")
        self.following("sale.order")
        for document in (self.lead(user_id=self.dora.id), self.order(user_id=self.dora.id)):
            self.assertEqual(document.team_id, self.asia)
            document.user_id = self.ben
            self.assertEqual(document.team_id, self.europe)
            self.assertEqual(self.names(document), {"Dora", "Ben", "Anna", "Chloé"})

    def test_o10_several_documents_given_to_the_team_in_one_write(self):
        self.following("crm.lead")
        leads = self.lead(team_id=self.asia.id, user_id=False)
        leads |= self.lead(team_id=self.europe.id, user_id=False)
        mine = leads[1]
        mine.message_unsubscribe(self.anna.partner_id.ids)
        leads.write({"team_id": self.europe.id})
        self.assertEqual(self.names(leads[0]), {"Anna", "Ben", "Chloé"})
        self.assertEqual(
            self.names(mine), {"Ben", "Chloé"}, "the same team again is no reason to come back"
        )

    def test_o10_who_follows_already_is_left_alone(self):
        self.following("crm.lead")
        lead = self.lead(team_id=self.asia.id, user_id=False)
        lead.message_subscribe(self.anna.partner_id.ids, self.note.ids)
        lead.team_id = self.europe
        follower = self.follower(lead, self.anna.partner_id)
        self.assertEqual((follower.notify_origin, follower.subtype_ids), ("choice", self.note))

    def test_o10_a_members_own_line_says_it_for_that_member(self):
        self.following("crm.lead")
        self.subscribe("member", team_id=self.europe.id, user_id=self.ben.id, level="everything")
        self.assertEqual(
            self.names(self.lead(team_id=self.europe.id, user_id=False)), {"Anna", "Chloé"}
        )
        self.subscribe(
            "member",
            team_id=self.asia.id,
            user_id=self.dora.id,
            model="crm.lead",
            level="mentions",
            auto_follow=True,
        )
        lead = self.lead(team_id=self.asia.id, user_id=False)
        self.assertEqual(self.names(lead), {"Dora"}, "though her team does not")
        self.assertFalse(self.follower(lead, self.dora.partner_id).subtype_ids)

    def test_o10_own_default_decides_on_the_subtypes_of_who_follows_by_team(self):
        self.following("crm.lead")
        own = self.subscribe("user", user_id=self.anna.id, level="discussions")
        lead = self.lead(team_id=self.europe.id, user_id=False)
        follower = self.follower(lead, self.anna.partner_id)
        self.assertEqual(follower.notify_subscription_id, own)
        self.assertEqual(follower.subtype_ids, self.comment)

    def test_o10_team_without_members(self):
        empty = self.env["crm.team"].create({"name": "Nobody", "user_id": False})
        self.subscribe("team", team_id=empty.id, level="everything", auto_follow=True)
        lead = self.lead(team_id=empty.id, user_id=False)
        self.assertEqual(self.names(lead), set())
        lead = self.lead(team_id=self.asia.id, user_id=False)
        lead.team_id = empty
        self.assertEqual(self.names(lead), set())

    def test_o10_who_left_the_company_follows_nothing_new(self):
        self.following("crm.lead")
        self.ben.active = False
        lead = self.lead(team_id=self.europe.id, user_id=False)
        self.assertEqual(self.names(lead), {"Anna", "Chloé"})

    def test_o10_in_the_form_as_a_person_does_it(self):
        self.following("crm.lead")
        with Form(self.env["crm.lead"].with_user(self.anna)) as form:
            form.name = "By hand"
        lead = form.record
        self.assertEqual(lead.team_id, self.europe)
        self.assertEqual(self.names(lead.sudo()), {"Anna", "Ben", "Chloé"})
        with Form(lead) as form:
            form.name = "Changed by hand"
        self.assertEqual(self.names(lead.sudo()), {"Anna", "Ben", "Chloé"})

    def test_o10_nothing_is_followed_where_no_team_asked(self):
        self.subscribe("team", team_id=self.europe.id, level="everything")
        lead = self.lead(team_id=self.europe.id, user_id=self.anna.id)
        self.assertEqual(self.names(lead), {"Anna"})
