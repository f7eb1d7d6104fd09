from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestBoard(NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = new_test_user(cls.env, "boss", "notify_routing.group_notify_manager")
        cls.Board = cls.env["notify.board"].with_user(cls.boss)
        cls.env["notify.delivery"].search([]).unlink()
        cls.env["notify.suppression"].search([]).unlink()
        cls.env["notify.check"]._sync()

    def delivery(self, **values):
        return self.env["notify.delivery"].create(
            {"email": "client@customer.example", "state": "sent", **values}
        )

    def total(self, board, name):
        return sum(board["slices"][name])

    def test_board_is_for_managers_only(self):
        with self.assertRaises(AccessError):
            self.env["notify.board"].with_user(self.anna).read_board()

    def test_mails_are_counted_by_the_hour_in_which_they_left(self):
        now = fields.Datetime.now()
        for state, hours in (
            ("sent", 0),
            ("sent", 3),
            ("sent", 30),
            ("failed", 3),
            ("bounced", 3),
            ("retrying", 3),
        ):
            self.delivery(state=state, date=now - timedelta(hours=hours))
        board = self.Board.read_board()
        self.assertEqual(len(board["slices"]["starts"]), 24)
        self.assertEqual(self.total(board, "sent"), 2)
        self.assertEqual(board["slices"]["sent"][-1], 1)
        self.assertEqual(board["slices"]["sent"][-4], 1)
        self.assertEqual((self.total(board, "failed"), self.total(board, "bounced")), (1, 1))
        self.assertEqual(board["queue"]["again"], 1)
        week = self.Board.read_board("week")
        self.assertEqual(self.total(week, "sent"), 3)

    def test_mails_of_other_companies_are_not_counted(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.delivery(company_id=other.id)
        self.delivery()
        board = self.Board.read_board()
        self.assertEqual(self.total(board, "sent"), 1)
        self.assertEqual(board["people"], [{"email": "client@customer.example", "count": 1}])

    def test_held_mails_count_whether_they_still_wait_or_have_left(self):
        before = self.Board.read_board()
        message = self.europe.message_post(body="Later", partner_ids=self.client.ids)
        rows = self.env["mail.notification"].create(
            [
                {
                    "mail_message_id": message.id,
                    "mail_email_address": f"{n}@customer.example",
                    "notification_type": "email",
                    "notification_status": status,
                    "notify_due": due,
                    "notify_left": left,
                }
                for n, (status, due, left) in enumerate(
                    [("ready", "2999-01-01", False), ("sent", False, fields.Datetime.now())]
                )
            ]
        )
        self.assertEqual(len(rows), 2)
        board = self.Board.read_board()
        self.assertEqual(self.total(board, "held") - self.total(before, "held"), 2)
        self.assertEqual(board["held"] - before["held"], 1)
        self.assertFalse(board["empty"])

    def test_nothing_was_ever_sent(self):
        self.env["mail.notification"].search([]).notify_due = False
        self.assertTrue(self.Board.read_board()["empty"])
        self.delivery()
        self.assertFalse(self.Board.read_board()["empty"])

    def test_reasons_and_people_come_most_frequent_first(self):
        self.delivery(email="anna@company.example")
        for _time in range(2):
            self.delivery()
        self.env["notify.suppression"].create(
            [
                {"channel": "email", "reason": reason, "partner_id": self.anna.partner_id.id}
                for reason in ("muted", "bell", "bell")
            ]
        )
        self.env["notify.suppression"].create(
            {"channel": "email", "reason": "muted", "date": "2020-01-01"}
        )
        board = self.Board.read_board()
        self.assertEqual(
            [(row["code"], row["count"]) for row in board["reasons"]], [("bell", 2), ("muted", 1)]
        )
        self.assertEqual(board["reasons"][0]["name"], "chose other events with the bell")
        self.assertEqual(
            [(row["email"], row["count"]) for row in board["people"]],
            [("client@customer.example", 2), ("anna@company.example", 1)],
        )

    def test_servers_in_trouble_come_first_then_the_slowest(self):
        now = fields.Datetime.now()
        servers = self.env["ir.mail_server"].create(
            [{"name": name, "smtp_host": "mx.example"} for name in ("Fast", "Slow", "Broken")]
        )
        fast, slow, broken = servers
        for server, seconds in ((fast, 1), (slow, 9)):
            self.delivery(
                server_id=server.id,
                attempts=1,
                date_first=now - timedelta(seconds=seconds),
                date_sent=now,
                date_last=now,
            )
        broken.notify_broken_until = now + timedelta(minutes=5)
        rows = [row for row in self.Board.read_board()["servers"] if row["id"] in servers.ids]
        self.assertEqual([row["name"] for row in rows], ["Broken", "Slow", "Fast"])
        self.assertEqual([row["seconds"] for row in rows], [False, 9, 1])
        self.assertEqual(rows[0]["state"], "red")
        self.assertTrue(rows[0]["paused_until"])

    def test_red_checks_come_first_with_what_to_do(self):
        checks = self.env["notify.check"].search([])
        checks.state = "green"
        self.env.ref("notify_routing.ir_cron_check").nextcall = fields.Datetime.now()
        self.assertEqual(self.Board.read_board()["troubles"], [])
        self.assertEqual(self.Board.read_board()["state"], "green")
        queue = checks.filtered(lambda check: check.kind == "queue")
        company = checks.filtered(lambda check: check.company_id == self.env.company)[:1]
        queue.write({"state": "red", "sentence": "Do this."})
        company.write({"state": "amber", "sentence": "Look here."})
        board = self.Board.read_board()
        self.assertEqual(board["state"], "red")
        self.assertEqual([row["sentence"] for row in board["troubles"]], ["Do this.", "Look here."])
        self.assertEqual(board["figures"]["queue"]["sentence"], "Do this.")
        company.company_id = self.env["res.company"].create({"name": "Other"})
        self.assertEqual(len(self.Board.read_board()["troubles"]), 1, "of the own companies only")

    def test_late_job_is_told_as_it_is_now(self):
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action")
        cron.write({"active": True, "nextcall": fields.Datetime.now() - timedelta(hours=2)})
        (row,) = [row for row in self.Board.read_board()["jobs"] if row["id"] == cron.id]
        self.assertEqual(row["state"], "red")
        self.assertIn("120 minutes", row["sentence"])
        self.assertGreaterEqual(row["late_seconds"], 7200)

    def test_mailbox_in_trouble_is_red(self):
        mailbox = self.env["fetchmail.server"].create(
            {"name": "Broken", "server_type": "imap", "notify_trouble_since": "2026-01-31 08:00:00"}
        )
        rows = self.Board.read_board()["mailboxes"]
        self.assertEqual((rows[0]["id"], rows[0]["state"]), (mailbox.id, "red"))
        self.assertEqual(rows[0]["trouble_since"], "2026-01-31 08:00:00")
