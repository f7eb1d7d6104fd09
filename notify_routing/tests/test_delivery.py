from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from ..models.delivery import mail_mail
from .common import NotifyCase


class TestDelivery(NotifyCase):
    """Rows of mails on their way: who sees them, and how they are found."""

    def delivery(self, **values):
        return self.env["notify.delivery"].create({"email": "client@customer.example", **values})

    def test_o22_rows_are_found_by_address_however_it_is_written(self):
        row = self.delivery(state="failed", code=550, reply="no such user")
        found = self.env["notify.delivery"]._search_email("Mister Client <Client@Customer.example>")
        self.assertIn(row, found)

    def test_rows_are_for_managers_of_their_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        row = self.delivery(company_id=other.id)
        self.env.ref("notify_routing.group_notify_manager").user_ids += self.chloe
        Delivery = self.env["notify.delivery"]
        self.assertNotIn(row, Delivery.with_user(self.chloe).search([]))
        row.company_id = self.chloe.company_id
        self.assertIn(row, Delivery.with_user(self.chloe).search([]))
        with self.assertRaises(AccessError):
            Delivery.with_user(self.anna).search([])

    def test_document_that_is_gone_is_said_so(self):
        self.assertEqual(
            self.delivery(res_model="res.partner", res_id=self.client.id).action_open_document()[
                "res_id"
            ],
            self.client.id,
        )
        with self.assertRaises(UserError):
            self.delivery(res_model="res.partner", res_id=0).action_open_document()

    def test_deleting_message_and_person_keeps_the_row(self):
        partner = self.client.copy({"email": "gone@customer.example"})
        message = self.client.message_post(body="Soon gone")
        row = self.delivery(partner_id=partner.id, mail_message_id=message.id)
        message.unlink()
        partner.unlink()
        self.assertTrue(row.exists())
        self.assertFalse(row.mail_message_id or row.partner_id)


class TestQueue(NotifyCase):
    """The queue's doors: what they change, and what they leave to Odoo."""

    def mail(self, **values):
        return self.env["mail.mail"].create({"email_to": "client@customer.example", **values})

    def test_classes_of_mail(self):
        def message(kind):
            return self.env["mail.message"].create({"message_type": kind, "body": "x"}).id

        self.assertEqual(self.mail().notify_priority, 0, "a mail of its own")
        self.assertEqual(self.mail(mail_message_id=message("comment")).notify_priority, 0)
        self.assertEqual(self.mail(mail_message_id=message("notification")).notify_priority, 1)
        digests = self.env["mail.mail"].with_context(notify_mail_class="digest")
        self.assertEqual(digests.create({"email_to": "a@b.example"}).notify_priority, 2)

    def test_queue_that_is_called_in_a_transaction_is_odoos(self):
        """Only a scheduled action may commit."""
        Delivery = type(self.env["notify.delivery"])
        with patch.object(Delivery, "_call_helpers"), patch.object(Delivery, "_drain") as drain:
            self.env["mail.mail"].process_email_queue()
            drain.assert_not_called()
            self.env["mail.mail"].with_context(ir_cron_progress_id=1).process_email_queue()
            drain.assert_called_once()

    def test_another_addons_way_of_sending_is_noticed(self):
        self.assertFalse(mail_mail.is_changed(self.env["mail.mail"], "_send"))
        with patch.object(mail_mail, "KNOWN", {"mail"}):
            self.assertTrue(mail_mail.is_changed(self.env["mail.mail"], "_send"))
            self.assertFalse(mail_mail.is_changed(self.env["mail.mail"], "nothing"))
        self.assertFalse(mail_mail.is_changed(self.env["ir.mail_server"], "send_email"))

    def test_a_file_that_an_addon_keeps_elsewhere_is_its_business(self):
        file = self.env["ir.attachment"].create({"name": "a.txt", "raw": b"content"})
        mail = self.mail(attachment_ids=[(6, 0, file.ids)], body_html="<p>x</p>")
        (email,) = mail._prepare_outgoing_list()
        self.assertEqual(email["attachments"], [("a.txt", b"content", "text/plain")])
        with patch.object(type(file), "_file_read", lambda self, fname, size=None: b""):
            with self.assertRaises(mail_mail.FileElsewhere):
                mail._prepare_outgoing_list()
            with patch.object(mail_mail, "KNOWN", {"mail"}):
                self.assertTrue(mail._prepare_outgoing_list())

    def test_waiting_mail_is_canceled(self):
        mail = self.mail()
        row = self.env["notify.delivery"].create(
            {"email": "client@customer.example", "mail_mail_id": mail.id, "state": "retrying"}
        )
        row.action_cancel()
        self.assertEqual((row.state, mail.state), ("canceled", "cancel"))

    def test_server_in_trouble_is_paused_longer_each_time_until_somebody_says_so(self):
        server = self.env["ir.mail_server"].create({"name": "Server", "smtp_host": "mail.example"})
        pauses = []
        logger = "odoo.addons.notify_routing.models.delivery.ir_mail_server"
        with patch.object(self.env.cr, "commit"), self.assertLogs(logger, "ERROR"):
            for _time in range(3):
                server._notify_break("535 5.7.8 bad credentials")
                pauses.append(server.notify_broken_until - fields.Datetime.now())
                server.notify_broken_until = fields.Datetime.now()
        self.assertEqual(sorted(pauses), pauses)
        server.action_notify_resume()
        self.assertFalse(server.notify_broken_until or server.notify_broken_count)

    def test_servers_form_and_settings_open(self):
        server = self.env["ir.mail_server"].create({"name": "Server", "smtp_host": "mail.example"})
        with Form(server) as form:
            form.notify_sessions = 2
        self.assertEqual(server._notify_session_count(), 2)
        with patch.object(self.env.cr, "commit"):
            server._notify_slow_down()
        self.assertEqual(server._notify_session_count(), 1)
        settings = self.env["res.config.settings"].create({"notify_retry_hours": 12})
        settings.execute()
        self.assertEqual(
            self.env["ir.config_parameter"].get_param("notify_routing.retry_hours"), "12"
        )
