from unittest.mock import patch

from odoo.exceptions import AccessError, ConcurrencyError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from .common import NotifyCase


class TableCase(NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Table = cls.env["notify.subscription.table"]
        cls.as_chloe = cls.Table.with_user(cls.chloe)
        cls.lead_type = cls.env["ir.model"]._get("crm.lead")

    @classmethod
    def large_team(cls, count):
        """Make a team of people like Anna, by the database: Odoo takes a third of a second each."""
        team = cls.env["crm.team"].create({"name": "Large", "user_id": cls.chloe.id})
        cls.env.flush_all()
        name = SQL("'Member ' || lpad(number::text, 3, '0')")
        partner_ids = cls._clone(cls.anna.partner_id, count, name=name)
        user_ids = cls._clone(
            cls.anna,
            count,
            login=SQL("'member' || number"),
            partner_id=SQL("(%s::int[])[number + 1]", partner_ids),
        )
        cls.env.cr.execute(
            "INSERT INTO res_company_users_rel (cid, user_id) SELECT %s, unnest(%s)",
            [cls.env.company.id, user_ids],
        )
        cls.env["crm.team.member"].create(
            [{"user_id": user_id, "crm_team_id": team.id} for user_id in user_ids]
        )
        return team, cls.env["res.users"].browse(user_ids)

    @classmethod
    def _clone(cls, record, count, **values):
        """Copy a row of the database and return the new ids.

        :param values: SQL of the columns that differ; ``number`` counts from 0
        """
        alike = [
            name
            for name, field in record._fields.items()
            if field.store and field.column_type and name not in ("id", *values)
        ]
        rows = cls.env.execute_query(
            SQL(
                "INSERT INTO %(table)s (%(names)s) SELECT %(values)s FROM %(table)s original,"
                " generate_series(0, %(last)s) number WHERE original.id = %(id)s"
                " ORDER BY number RETURNING id",
                table=SQL.identifier(record._table),
                names=SQL(", ").join(map(SQL.identifier, (*values, *alike))),
                values=SQL(", ").join(
                    [*values.values(), *(SQL.identifier("original", name) for name in alike)]
                ),
                last=count - 1,
                id=record.id,
            )
        )
        return [new_id for (new_id,) in rows]

    def table(self, team=None, user=None):
        return self.Table.with_user(user or self.chloe).read_team((team or self.europe).id)

    def row(self, table, user=None):
        (row,) = [row for row in table["rows"] if row["user_id"] == (user.id if user else False)]
        return row

    def cell(self, table, user=None, model="crm.lead"):
        """Return a cell as the web client unpacks it."""
        whole = self.row(table)["cells"][model]
        return self.row(table, user)["cells"].get(model, {**whole, "own": False})

    def choose(self, level, user=None, model="crm.lead", by=None, **more):
        return self.Table.with_user(by or self.chloe).set_team(
            self.europe.id, user.id if user else False, model, level, **more
        )


@tagged("post_install", "-at_install")
class TestTeamTable(TableCase):
    # ------------------------------------------------------------
    # WHAT IT SHOWS
    # ------------------------------------------------------------

    def test_rows_are_the_team_its_leader_and_its_members(self):
        table = self.table()
        self.assertEqual(
            [(row["name"], row.get("leader", False)) for row in table["rows"]],
            [("Whole team", False), ("Chloé", True), ("Anna", False), ("Ben", False)],
        )
        self.assertEqual(table["types"][0]["name"], "All document types")
        self.assertIn("crm.lead", [kind["model"] for kind in table["types"]])
        self.assertNotIn("crm.team.member", [kind["model"] for kind in table["types"]])

    def test_without_defaults_every_cell_is_odoos(self):
        table = self.table()
        for row in table["rows"][1:]:
            self.assertFalse(row["cells"], "a member without a choice has the team's cells")
        self.assertEqual({cell["origin"] for cell in table["rows"][0]["cells"].values()}, {"odoo"})
        lead = self.cell(table)
        default, _internal, _external = self.env["mail.message.subtype"].default_subtypes(
            "crm.lead"
        )
        self.assertEqual(lead["subtype_ids"], sorted(default.ids))

    def test_team_default_reaches_the_members(self):
        table = self.choose("everything")["table"]
        self.assertEqual(self.cell(table)["own"]["level"], "everything")
        anna = self.cell(table, self.anna)
        self.assertEqual(
            (anna["level"], anna["origin"], anna["because"], anna["own"]),
            ("everything", "team", "from team Europe", False),
        )
        lead = self.env["crm.lead"].create({"name": "Deal", "team_id": self.europe.id})
        lead.message_subscribe(self.anna.partner_id.ids)
        follower = self.follower(lead, self.anna.partner_id)
        self.assertEqual(follower.subtype_ids, lead._mail_get_message_subtypes())

    def test_member_wins_over_team_and_says_what_would_be_without(self):
        self.choose("everything")
        table = self.choose("mentions", self.anna)["table"]
        anna = self.cell(table, self.anna)
        self.assertEqual((anna["level"], anna["origin"]), ("mentions", "member"))
        self.assertEqual(anna["own"]["otherwise"]["level"], "everything")
        self.assertEqual(anna["own"]["otherwise"]["because"], "from team Europe")
        self.assertEqual(self.cell(table, self.ben)["level"], "everything")

    def test_as_default_removes_the_choice(self):
        self.choose("everything")
        table = self.choose("mentions", self.anna)["table"]
        seen = self.cell(table, self.anna)["own"]["stamp"]
        table = self.choose(False, self.anna, seen=seen)["table"]
        self.assertEqual(self.cell(table, self.anna), {**self.cell(table), "own": False})
        self.assertFalse(self.env["notify.subscription"].search([("user_id", "=", self.anna.id)]))

    def test_choice_for_all_types_shows_in_each_column(self):
        table = self.choose("discussions", model=False)["table"]
        self.assertTrue(self.cell(table, model="")["own"])
        self.assertEqual(self.cell(table)["level"], "discussions")
        self.assertFalse(self.cell(table)["own"])

    def test_chosen_events_show_what_they_mean_in_the_column(self):
        """A choice for all types decides on shared subtypes; a type's own ones stay as Odoo's."""
        table = self.choose("custom", model=False, subtype_ids=self.note.ids)["table"]
        own = self.env["mail.message.subtype"].search(
            [("res_model", "=", "crm.lead"), ("default", "=", True), ("hidden", "=", False)]
        )
        self.assertEqual(self.cell(table)["subtype_ids"], sorted((own | self.note).ids))
        self.assertEqual(self.cell(table, model="")["subtype_ids"], self.note.ids)

    def test_own_default_of_a_member_counts_first_and_the_teams_can_still_be_changed(self):
        self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="everything")
        table = self.choose("mentions", self.anna)["table"]
        anna = self.cell(table, self.anna)
        self.assertEqual((anna["level"], anna["origin"]), ("everything", "user"))
        self.assertEqual(anna["own"]["level"], "mentions")
        result = self.choose("discussions", self.anna, seen=anna["own"]["stamp"])
        self.assertFalse(result["conflict"])
        self.assertEqual(self.cell(result["table"], self.anna)["own"]["level"], "discussions")

    def test_following_the_teams_documents_shows_whatever_else_counts(self):
        self.choose("discussions", auto_follow=True)
        self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="everything")
        table = self.choose("discussions", self.ben, auto_follow=False)["table"]
        self.assertTrue(self.cell(table, self.anna)["auto_follow"])
        self.assertFalse(self.cell(table, self.ben)["auto_follow"])
        lead = self.env["crm.lead"].create({"name": "Deal", "team_id": self.europe.id})
        self.assertTrue(self.follower(lead, self.anna.partner_id))
        self.assertFalse(self.follower(lead, self.ben.partner_id))

    def test_team_without_members(self):
        team = self.env["crm.team"].create({"name": "Nobody", "user_id": False})
        self.assertEqual([row["name"] for row in self.table(team)["rows"]], ["Whole team"])

    def test_archived_members_are_left_out(self):
        self.ben.active = False
        self.assertNotIn(self.ben.id, [row["user_id"] for row in self.table()["rows"]])
        self.env["crm.team.member"].search([("user_id", "=", self.anna.id)]).active = False
        self.assertNotIn(self.anna.id, [row["user_id"] for row in self.table()["rows"]])

    def test_member_whose_contact_is_archived(self):
        self.env.cr.execute(
            "UPDATE res_partner SET active = FALSE WHERE id = %s", [self.anna.partner_id.id]
        )
        self.env.invalidate_all()
        self.assertEqual(self.row(self.table(), self.anna)["name"], "Anna")

    # ------------------------------------------------------------
    # TWO AT ONCE
    # ------------------------------------------------------------

    def test_second_of_two_managers_is_told_and_overwrites_nothing(self):
        first = self.choose("everything", self.anna)["table"]
        late = self.choose("mentions", self.anna)
        self.assertIn("Chloé changed this meanwhile", late["conflict"])
        self.assertEqual(self.cell(late["table"], self.anna)["level"], "everything")
        seen = self.cell(first, self.anna)["own"]["stamp"]
        self.assertFalse(self.choose("discussions", self.anna, seen=seen)["conflict"])
        for level in ("mentions", False):
            late = self.choose(level, self.anna, seen=seen)
            self.assertTrue(late["conflict"])
            self.assertEqual(self.cell(late["table"], self.anna)["level"], "discussions")

    def test_choice_that_was_removed_meanwhile_is_a_conflict(self):
        seen = self.cell(self.choose("everything")["table"])["own"]["stamp"]
        self.choose(False, seen=seen)
        self.assertIn("Somebody", self.choose("mentions", seen=seen)["conflict"])

    def test_line_made_in_the_same_moment_makes_odoo_run_the_request_again(self):
        self.choose("everything")
        Subscription = type(self.env["notify.subscription"])
        unseen = patch.object(Subscription, "search", lambda self, *args, **kwargs: self.browse())
        with unseen, self.assertRaises(ConcurrencyError), self.env.cr.savepoint():
            self.choose("mentions")
        self.assertEqual(self.cell(self.table())["level"], "everything")

    # ------------------------------------------------------------
    # WHO MAY
    # ------------------------------------------------------------

    def test_salesperson_reads_and_changes_nothing(self):
        self.subscribe("user", user_id=self.ben.id, model="crm.lead", level="everything")
        self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="mentions")
        table = self.table(user=self.anna)
        self.assertFalse(table["can_edit"])
        self.assertFalse(table["addable"])
        # What a colleague chose for himself is his own affair; that he did explains the cell.
        ben = self.cell(table, self.ben)
        self.assertEqual((ben["level"], ben["subtype_ids"]), ("private", []))
        self.assertEqual(self.cell(table, self.anna)["level"], "mentions")
        self.assertEqual(self.cell(self.table(), self.ben)["level"], "everything")
        for level in ("everything", False):
            with self.assertRaises(AccessError):
                self.choose(level, by=self.anna)
        with self.assertRaises(AccessError):
            self.europe.with_user(self.anna).action_notify_apply()

    def test_notification_manager_may(self):
        manager = new_test_user(
            self.env,
            "manager",
            "notify_routing.group_notify_manager,sales_team.group_sale_salesman",
        )
        self.assertFalse(self.choose("everything", by=manager)["conflict"])

    def test_outsiders_may_not_even_read(self):
        portal = new_test_user(self.env, "outsider", "base.group_portal")
        for call in (
            lambda: self.table(user=portal),
            lambda: self.choose("everything", by=portal),
            lambda: self.Table.with_user(portal).read_mine(),
            lambda: self.Table.with_user(portal).set_mine("crm.lead", "everything"),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_only_own_defaults_of_members_show(self):
        stranger = new_test_user(self.env, "stranger", "base.group_user", name="Stranger")
        self.subscribe("user", user_id=stranger.id, model="res.partner", level="everything")
        self.subscribe("user", user_id=stranger.id, model="crm.lead", level="everything")
        table = self.table()
        self.assertNotIn("Stranger", str(table))
        self.assertNotIn("res.partner", [kind["model"] for kind in table["types"]])
        self.assertEqual(self.cell(table)["origin"], "odoo")

    def test_nobody_turns_their_own_default_into_a_teams(self):
        self.Table.with_user(self.anna).set_mine("crm.lead", "everything")
        mine = self.env["notify.subscription"].with_user(self.anna).search([])
        for values in (
            {"scope": "team", "team_id": self.europe.id, "user_id": False},
            {"user_id": self.ben.id},
        ):
            with self.subTest(values), self.assertRaises(AccessError):
                mine.write(values)

    def test_team_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        team = self.env["crm.team"].create({"name": "Abroad", "company_id": other.id})
        self.subscribe("team", team_id=team.id, level="everything")
        with self.assertRaises(AccessError):
            self.table(team)
        with self.assertRaises(AccessError):
            self.as_chloe.set_team(team.id, False, "crm.lead", "everything")
        self.chloe.company_ids |= other
        as_chloe = self.as_chloe.with_context(allowed_company_ids=[self.env.company.id, other.id])
        table = as_chloe.read_team(team.id)
        self.assertEqual(table["rows"][0]["cells"][""]["level"], "everything")

    def test_member_in_two_companies_gets_the_default_of_the_teams_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.anna.company_ids |= other
        self.subscribe("company", company_id=other.id, level="everything")
        self.assertEqual(self.cell(self.table(), self.anna)["origin"], "odoo")
        self.anna.company_id = other
        self.assertEqual(self.cell(self.table(), self.anna)["origin"], "company")
        self.assertEqual(self.cell(self.table(), self.ben)["origin"], "odoo")
        self.europe.company_id = self.env.company
        self.assertEqual(self.cell(self.table(), self.anna)["origin"], "odoo")

    # ------------------------------------------------------------
    # BAD INPUT
    # ------------------------------------------------------------

    def test_bad_input_is_refused_in_words(self):
        gone = self.env["mail.message.subtype"].create({"name": "Gone"})
        gone_id = gone.id
        gone.unlink()
        foreign = self.env["mail.message.subtype"].create(
            {"name": "Elsewhere", "res_model": "res.partner"}
        )
        for arguments, words in (
            ({"level": "loud"}, "no notification level “loud”"),
            ({"level": "mute"}, "no notification level “mute”"),
            ({"level": "everything", "model": "no.model"}, "no document type “no.model”"),
            ({"level": "everything", "model": "res.currency"}, "no document type “res.currency”"),
            ({"level": "everything", "model": "mail.thread"}, "no document type “mail.thread”"),
            ({"level": "custom", "subtype_ids": [gone_id]}, "do not exist on this document type"),
            ({"level": "custom", "subtype_ids": foreign.ids}, "do not exist on this document"),
            ({"level": "everything", "user": self.env.user}, "not a member of team Europe"),
        ):
            with self.subTest(arguments), self.assertRaisesRegex(ValidationError, words):
                self.choose(**arguments)
        self.assertFalse(self.env["notify.subscription"].search([]))

    # ------------------------------------------------------------
    # SIZE
    # ------------------------------------------------------------

    def test_o2_two_hundred_members_by_twenty_types_under_forty_queries(self):
        models_ = sorted(self.Table._documents() - {"crm.team", "crm.team.member"})[:20]
        team, users = self.large_team(200)
        for model in models_:
            self.subscribe("team", team_id=team.id, model=model, level="discussions")
        self.subscribe("user", user_id=users[7].id, level="everything")
        self.env["notify.subscription"].create(
            [
                {
                    "scope": "member",
                    "team_id": team.id,
                    "user_id": user.id,
                    "model_id": self.env["ir.model"]._get_id(model),
                    "level": "mentions",
                }
                for user in users[::2]
                for model in models_[::4]
            ]
        )
        for caches in ("cold", "warm"):
            self.env.flush_all()
            self.env.invalidate_all()
            if caches == "cold":
                self.env.registry.clear_all_caches()
            before = self.env.cr.sql_log_count
            table = self.table(team)
            queries = self.env.cr.sql_log_count - before
            with self.subTest(caches):
                self.assertLess(queries, 40)
                self.assertEqual(len(table["rows"]), 202)
                self.assertGreater(len(table["types"]), 20)


@tagged("post_install", "-at_install")
class TestMyTable(TableCase):
    def mine(self, user=None, table=None):
        table = table or self.Table.with_user(user or self.anna).read_mine()
        return {kind["model"] or "": kind for kind in table["types"]}

    def test_shows_the_teams_default_and_why(self):
        self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="everything")
        cell = self.mine()["crm.lead"]["cell"]
        self.assertEqual((cell["level"], cell["because"]), ("everything", "from team Europe"))
        self.assertFalse(cell["own"])

    def test_o3_own_default_per_type_reaches_the_next_document(self):
        self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="everything")
        table = self.Table.with_user(self.anna).set_mine("crm.lead", "mentions")["table"]
        cell = self.mine(table=table)["crm.lead"]["cell"]
        self.assertEqual((cell["level"], cell["because"]), ("mentions", "your own default"))
        self.assertEqual(cell["own"]["otherwise"]["because"], "from team Europe")
        lead = self.env["crm.lead"].create({"name": "Deal", "team_id": self.europe.id})
        lead.message_subscribe(self.anna.partner_id.ids)
        self.assertFalse(self.follower(lead, self.anna.partner_id).subtype_ids)

    def test_types_shown_are_the_persons_own(self):
        calendar = "calendar.event"
        self.assertNotIn(calendar, self.mine())
        addable = self.Table.with_user(self.anna).read_mine()["addable"]
        self.assertIn(calendar, [kind["model"] for kind in addable])
        self.Table.with_user(self.anna).set_mine(calendar, "everything")
        self.assertIn(calendar, self.mine())
        self.assertNotIn(calendar, self.mine(self.ben))

    def test_types_that_one_may_not_read_are_not_offered(self):
        outside = new_test_user(self.env, "office", "base.group_user")
        table = self.Table.with_user(outside).read_mine()
        offered = {kind["model"] for kind in table["types"] + table["addable"]}
        self.assertNotIn("crm.lead", offered)
        self.assertIn("res.partner", offered)

    def test_conflict_with_an_administrator(self):
        self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="everything")
        late = self.Table.with_user(self.anna).set_mine("crm.lead", "mentions", seen=False)
        self.assertIn("changed this meanwhile", late["conflict"])
        self.assertEqual(self.mine(table=late["table"])["crm.lead"]["cell"]["level"], "everything")

    def test_two_people_do_not_disturb_each_other(self):
        self.Table.with_user(self.anna).set_mine(False, "mentions")
        self.assertFalse(self.Table.with_user(self.ben).set_mine(False, "everything")["conflict"])
        self.assertEqual(self.mine()[""]["cell"]["level"], "mentions")
        self.assertEqual(self.mine(self.ben)[""]["cell"]["level"], "everything")
