from odoo.exceptions import AccessError, UserError

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
