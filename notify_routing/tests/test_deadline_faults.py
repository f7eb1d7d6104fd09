from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL, mute_logger

from .deadline_common import TODAY, DeadlineCase

ROUND = "odoo.addons.notify_routing.models.schedule.notify_deadline_round"


class TestDeadlineFaults(DeadlineCase):
    """What goes wrong with one deadline, person or company stops nobody else's alerts."""

    def setUp(self):
        super().setUp()
        self.chloe.group_ids |= self.env.ref("notify_routing.group_notify_manager")
        self.lead()

    def break_it(self, **columns):
        """Write what no form lets through, as an uninstalled app or an older version leaves it."""
        self.env.flush_all()
        for name, value in columns.items():
            self.env.cr.execute(
                SQL(
                    "UPDATE notify_deadline SET %s = %s WHERE id = %s",
                    SQL.identifier(name),
                    value,
                    self.deadline.id,
                )
            )
        self.env.invalidate_all()

    def assertAlarm(self, words, deadline=None):
        """The managers have an activity that names what is wrong, and the good one went on."""
        deadline = deadline or self.deadline
        self.assertIn(words, deadline.fault)
        activities = deadline.activity_ids
        self.assertIn(self.chloe, activities.user_id)
        self.assertIn(words, activities[0].note)
        return activities

    def run_beside_a_good_one(self):
        good = self.make_deadline(name="Good one")
        with mute_logger(ROUND):
            self.run_at(TODAY)
        lines = self.alerts.line_ids
        self.assertEqual(lines.deadline_id, good)
        self.assertEqual(self.company.notify_alert_day, TODAY)

    def test_a6_field_removed(self):
        self.break_it(date_field="x_gone")
        self.run_beside_a_good_one()
        self.assertAlarm("no date of this name")

    def test_a6_model_uninstalled(self):
        self.break_it(model_id=None)
        self.run_beside_a_good_one()
        self.assertAlarm("not installed any more")

    def test_a6_faulty_filter(self):
        self.break_it(domain="[('nonsense', '=', 1)]")
        self.run_beside_a_good_one()
        self.assertAlarm("nonsense")

    def test_a6_faulty_python_in_the_filter(self):
        self.break_it(domain="[(")
        self.run_beside_a_good_one()
        self.assertAlarm("cannot be followed")

    def test_a6_role_with_a_wrong_path(self):
        role = self.env["notify.role"].create({"name": "R", "code": "r", "path": "user_id"})
        self.deadline.role_ids = role
        self.env.flush_all()
        self.env.cr.execute("UPDATE notify_role SET path = 'boss_id' WHERE id = %s", [role.id])
        self.env.invalidate_all()
        self.env.registry.clear_cache("stable")
        self.run_beside_a_good_one()
        self.assertAlarm("boss_id")

    def test_a6_database_error_in_one_deadline(self):
        """A broken transaction is put right: the other deadline is read and told of."""
        Deadline = self.env.registry["notify.deadline"]
        stock = Deadline._items

        def broken(deadline, *args):
            if deadline == self.deadline:
                deadline.env.cr.execute("SELECT 1 / 0")
            return stock(deadline, *args)

        with patch.object(Deadline, "_items", broken), mute_logger("odoo.sql_db"):
            self.run_beside_a_good_one()
        self.assertAlarm("division by zero")

    def test_a6_one_person_fails_the_others_are_alerted(self):
        self.lead("Oars", user=self.ben)
        Alert = self.env.registry["notify.deadline.alert"]
        stock = Alert._post

        def broken(alert, *args):
            if alert.partner_id == self.anna.partner_id:
                raise ValueError("no such language")
            return stock(alert, *args)

        with patch.object(Alert, "_post", broken), mute_logger(ROUND):
            self.run_at(TODAY)
        self.assertEqual(self.told(), [("Ben", "Oars")], "what did not leave is not told")
        self.assertAlarm("Anna could not be alerted")
        self.run_at(TODAY + timedelta(days=1))
        self.assertEqual(self.told(), [("Anna", "Boats"), ("Ben", "Oars")], "made up for")

    def test_alarm_once_and_taken_back_when_mended(self):
        self.break_it(date_field="x_gone")
        self.run_beside_a_good_one()
        count = len(self.assertAlarm("no date of this name"))
        with mute_logger(ROUND):
            self.run_at(TODAY + timedelta(days=1))
        self.assertEqual(len(self.deadline.activity_ids), count)
        self.deadline.date_field = "date_deadline"
        self.assertFalse(self.deadline.fault or self.deadline.activity_ids)

    def test_time_zone_that_does_not_exist(self):
        """The alerts leave by UTC, the managers are told, and a new zone takes the alarm back."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_company SET notify_alert_tz = 'Mars/Base'")
        self.env.invalidate_all()
        self.assertIn("Mars/Base", self.company.notify_next_alert)
        self.run_at(TODAY, 7)
        self.assertFalse(self.alerts)
        with freeze_time("2026-05-06 07:00:00"):
            self.run_job()
        self.assertEqual(self.told(), [("Anna", "Boats")])
        self.assertAlarm("Mars/Base")
        self.company.notify_alert_tz = "Europe/Paris"
        self.assertFalse(self.deadline.fault or self.deadline.activity_ids)

    def test_a_model_that_goes_leaves_the_deadline_with_a_message(self):
        field = self.env["notify.deadline"]._fields["model_id"]
        self.assertEqual(field.ondelete, "set null")
        self.break_it(model_id=None)
        with self.assertRaisesRegex(UserError, "not installed any more"):
            self.deadline.action_preview()

    def test_moments_at_the_end_of_the_calendar(self):
        self.lead("Never", due="9999-12-31")
        self.lead("First", due="0001-01-01")
        self.run_at(TODAY)
        self.assertEqual(self.told(), [("Anna", "Boats")])
        self.assertFalse(self.deadline.fault)


class TestDeadlineForm(DeadlineCase):
    """What the form does not take, with a sentence that says why."""

    def refused(self, words, **values):
        with self.assertRaisesRegex(ValidationError, words), self.env.cr.savepoint():
            self.deadline.write(values)
            self.env.flush_all()

    def test_no_date(self):
        self.refused("no date of this name", date_field="name")
        self.refused("no date of this name", date_field="user_id.create_date")
        self.refused("no date of this name", date_field=False)

    def test_a_date_that_cannot_be_searched(self):
        field = self.env["crm.lead"]._fields["date_deadline"]
        with patch.object(type(field), "_description_searchable", False):
            self.refused("worked out when it is shown", date_field="date_deadline")

    def test_no_document_type(self):
        self.refused("no document type", model_id=False)

    def test_no_ordinary_document_type(self):
        report = self.env["ir.model"]._get_id("notify.waiting")
        self.refused("no document", model_id=report, date_field="due", domain=False)

    def test_filters(self):
        for domain in ("[('nonsense', '=', 1)]", "[(", "1 / 0", "'text'"):
            with self.subTest(domain=domain):
                self.refused("filter", domain=domain)

    def test_roles(self):
        Role = self.env["notify.role"]
        address = Role.create({"name": "Address", "code": "a", "path": "email_from"})
        self.refused("e-mail address", role_ids=[Command.set(address.ids)])
        path = Role.create({"name": "Boss", "code": "b", "path": "boss_id"})
        self.refused("boss_id", role_ids=[Command.set(path.ids)])
        alien = Role.create(
            {
                "name": "Alien",
                "code": "c",
                "kind": "creator",
                "model_id": self.env["ir.model"]._get_id("crm.team"),
            }
        )
        self.refused("belongs to", escalate_role_ids=[Command.set(alien.ids)])

    def test_offsets(self):
        for values in (
            {"when": "before", "days": 0},
            {"when": "before", "days": -3},
            {"when": "after", "days": 1, "times": 0},
            {"when": "after", "days": 1000, "times": 1000},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError):
                with self.env.cr.savepoint():
                    self.deadline.offset_ids = [Command.create(values)]

    def test_numbers(self):
        self.refused("made up for", catch_up=-1)
        self.refused("negative", escalate_after=-1)
        self.refused("who else", escalate_after=2)

    def test_incomplete_cannot_be_switched_on(self):
        self.refused("who is alerted", role_ids=[Command.clear()])
        self.refused("how", prefer=False)
        self.deadline.active = False
        self.deadline.offset_ids.unlink()
        self.refused("when", active=True)

    def test_hours_and_addresses_of_companies(self):
        for values in (
            {"notify_alert_hour": 24},
            {"notify_alert_hour": -1},
            {"notify_alert_email": "nonsense"},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError):
                with self.env.cr.savepoint():
                    self.company.write(values)

    def test_a_copy_is_off(self):
        copy = self.deadline.copy()
        self.assertFalse(copy.active)
        self.assertEqual(len(copy.offset_ids), 3)
        self.assertFalse(copy.since)

    def test_changes_are_on_record(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
        before = self.deadline.message_ids
        self.deadline.catch_up = 3
        self.env.flush_all()
        self.env.cr.precommit.run()
        tracked = (self.deadline.message_ids - before).tracking_value_ids
        self.assertEqual((tracked.old_value_integer, tracked.new_value_integer), (7, 3))

    def test_only_managers_set_up_deadlines(self):
        with self.assertRaises(AccessError):
            self.deadline.with_user(self.anna).write({"mandatory": True})
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            self.deadline.with_user(self.anna).read(["opted_out_ids"])


class TestForecast(DeadlineCase):
    def setUp(self):
        super().setUp()
        self.chloe.group_ids |= self.env.ref("notify_routing.group_notify_manager")

    def rows(self, action):
        return self.env[action["res_model"]].search(action["domain"])

    def test_preview_before_switching_on_writes_nothing(self):
        self.deadline.active = False
        self.lead()
        self.lead("Later", due=TODAY + timedelta(days=5), user=self.ben)
        with freeze_time("2026-05-06 04:00:00"):
            rows = self.rows(self.deadline.with_user(self.chloe).action_preview())
        now = rows.filtered("next_round")
        self.assertEqual((now.name, now.partner_id), ("Boats", self.anna.partner_id))
        self.assertEqual(str(now.date), "2026-05-06 05:00:00")
        later = rows.filtered(lambda row: row.name == "Later").mapped("date")
        self.assertEqual(
            [str(date.date()) for date in later],
            ["2026-05-08", "2026-05-11", "2026-05-13", "2026-05-15", "2026-05-17"],
        )
        self.assertFalse(self.told() or self.reasons())

    def test_preview_is_what_happens_then(self):
        self.lead()
        self.lead("Oars", user=self.ben)
        self.deadline._opt_out(self.ben.partner_id)
        with freeze_time("2026-05-06 04:00:00"):
            rows = self.rows(self.deadline.with_user(self.chloe).action_preview())
        foreseen = sorted(
            (row.partner_id.name, row.name, row.reason) for row in rows if row.next_round
        )
        self.run_at(TODAY)
        lines = self.env["notify.deadline.alert.line"].search([])
        happened = sorted((line.partner_id.name, line.name, line.reason) for line in lines)
        self.assertEqual(foreseen, happened)
        with freeze_time("2026-05-06 06:00:00"):
            rows = self.rows(self.deadline.with_user(self.chloe).action_preview())
        self.assertFalse(rows.filtered(lambda row: row.next_round and not row.reason))

    def test_board_leaves_out_what_is_faulty(self):
        self.lead()
        faulty = self.make_deadline(name="Faulty")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE notify_deadline SET date_field = 'x' WHERE id = %s", [faulty.id]
        )
        self.env.invalidate_all()
        with freeze_time("2026-05-06 04:00:00"):
            rows = self.rows(
                self.env["notify.deadline.forecast"].with_user(self.chloe).action_board()
            )
        self.assertEqual(rows.deadline_id, self.deadline)

    def test_names_that_one_may_not_read_stay_hidden(self):
        self.chloe.group_ids = [
            Command.set(self.env.ref("notify_routing.group_notify_manager").ids)
        ]
        self.lead()
        with freeze_time("2026-05-06 04:00:00"):
            rows = self.rows(self.deadline.with_user(self.chloe).action_preview())
        self.assertNotIn("Boats", rows.mapped("name"))
