from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .common import NotifyCase

APP = "/odoo/action-notify_routing.notify_board_action"


@tagged("post_install", "-at_install")
class TestBoardTours(HttpCase, NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "notify_routing.group_notify_manager,base.group_system"
        cls.boss = new_test_user(cls.env, "boss", groups, name="Boss")
        for model in ("notify.delivery", "notify.suppression", "notify.check"):
            cls.env[model].search([]).unlink()
        cls.env["mail.notification"].search([]).notify_due = False

    def test_board_opens_the_lists_behind_its_figures(self):
        now = fields.Datetime.now()
        self.env["notify.delivery"].create(
            [
                {"email": email, "state": state, "date": date}
                for email, state, date in (
                    ("client@customer.example", "sent", now),
                    ("client@customer.example", "sent", now),
                    ("client@customer.example", "sent", now - timedelta(days=3)),
                    ("bad@customer.example", "failed", now),
                )
            ]
        )
        self.env["notify.suppression"].create(
            {"channel": "email", "reason": "muted", "partner_id": self.client.id}
        )
        message = self.europe.message_post(body="Later", partner_ids=self.client.ids)
        for address, held in (
            ("waits@customer.example", {"notify_due": "2999-01-01"}),
            ("left@customer.example", {"notification_status": "sent", "notify_left": now}),
        ):
            self.env["mail.notification"].create(
                {
                    "mail_message_id": message.id,
                    "mail_email_address": address,
                    "notification_type": "email",
                    **held,
                }
            )
        self.start_tour(APP, "notify_board", login="boss")

    def test_board_of_a_new_system_says_so(self):
        self.start_tour(APP, "notify_board_empty", login="boss")

    def test_a1_integrator_sees_a_broken_server_and_what_to_do(self):
        server = self.env["ir.mail_server"].create(
            {"name": "Broken", "smtp_host": "no.such.host.invalid", "sequence": 99}
        )
        with patch.object(type(server), "_disable_send", lambda self: False):
            self.env["notify.check"]._sync()
            check = self.env["notify.check"].search([("key", "=", f"outgoing:{server.id}")])
            # What the scheduled action does once in its interval.
            check._conclude(check._check_outgoing())
        self.assertEqual(check.state, "red", check.sentence)
        self.start_tour(APP, "notify_board_red", login="boss")
