from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestSender(NotifyCase):
    """Policies are the managers', each company's own, and cost nothing while there are none."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.alias_domain_id = cls.env["mail.alias.domain"].create(
            {"name": "company.example"}
        )
        cls.manager = cls.chloe
        cls.manager.group_ids |= cls.env.ref("notify_routing.group_notify_manager")
        cls.server = cls.env["ir.mail_server"].create(
            {"name": "Server", "smtp_host": "localhost", "from_filter": "company.example"}
        )

    def sender(self, **values):
        return self.env["notify.sender"].create({"name": "Policy", "mode": "person", **values})

    def mail(self, author=None, **values):
        author = author or self.anna
        return (
            self.env["mail.mail"]
            .with_user(author)
            .sudo()
            .create(
                {
                    "email_from": author.email_formatted,
                    "email_to": "client@customer.example",
                    "message_type": "comment",
                    **values,
                }
            )
        )

    def test_nothing_is_asked_while_nobody_uses_it(self):
        self.env["notify.sender"].search([]).unlink()
        mail = self.mail()
        self.env["notify.sender"]._of(mail)
        with self.assertQueryCount(0):
            self.assertIsNone(self.env["notify.sender"]._of(mail, self.server))
        self.assertNotIn("X-Notify-Sender", mail._prepare_outgoing_list()[0]["headers"])

    def test_a_persons_own_server_goes_before_all_policies(self):
        personal = self.env["ir.mail_server"].create(
            {
                "name": "Anna's",
                "smtp_host": "localhost",
                "from_filter": "anna@company.example",
                "owner_user_id": self.anna.id,
            }
        )
        self.sender(mode="on_address", address="mail@company.example", server_id=self.server.id)
        servers = personal | self.server
        mine, others = self.mail(), self.mail(self.ben)
        self.assertEqual(mine._filter_mail_mail_servers(servers), servers)
        self.assertEqual(others._filter_mail_mail_servers(servers), self.server)
        (email,) = mine._prepare_outgoing_list(mail_server=personal)
        self.assertNotIn("X-Notify-Sender", email["headers"])
        (email,) = others._prepare_outgoing_list(mail_server=self.server)
        self.assertIn("X-Notify-Sender", email["headers"])

    def test_the_author_of_the_message_stays_the_author(self):
        self.sender(mode="fixed", address="mail@company.example", name_pattern="Desk")
        mail = self.mail()
        mail._prepare_outgoing_list(mail_server=self.server)
        self.assertEqual(mail.email_from, self.anna.email_formatted)
        self.assertEqual(mail.mail_message_id.email_from, self.anna.email_formatted)

    def test_policies_are_the_managers_and_each_companys_own(self):
        other = self.env["res.company"].create({"name": "Other"})
        foreign = self.sender(company_id=other.id)
        own = self.sender(company_id=self.company.id)
        Sender = self.env["notify.sender"].with_user(self.manager)
        self.assertIn(own, Sender.search([]))
        self.assertNotIn(foreign, Sender.search([]))
        own.with_user(self.manager).name = "Ours"
        with self.assertRaises(AccessError):
            self.env["notify.sender"].with_user(self.anna).search([])
        with self.assertRaises(AccessError):
            self.env["notify.sender.start"].with_user(self.manager).create(
                {"address": "a@b.example", "smtp_host": "localhost"}
            )

    def test_what_cannot_work_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "which address"):
            self.sender(mode="fixed")
        with self.assertRaisesRegex(ValidationError, "is no address"):
            self.sender(mode="fixed", address="mail@company.example\r\nBcc: x@y.example")
        with self.assertRaisesRegex(ValidationError, "is no address"):
            self.sender(reply_mode="fixed", reply_to="nobody")
        with self.assertRaisesRegex(ValidationError, "A name knows"):
            self.sender(name_pattern="%(password)s")
        self.sender(server_id=self.server.id)
        with self.assertRaisesRegex(UserError, "Sender Policy"):
            self.server.active = False

    def test_n4_an_administrator_sees_who_sends_what(self):
        self.sender(
            kind="alert", mode="fixed", address="alerts@company.example", name_pattern="Desk"
        )
        lead = self.env["ir.model"]._get("crm.lead")
        special = self.sender(
            mode="on_address", address="sales@company.example", model_id=lead.id,
            server_id=self.server.id,
        )  # fmt: skip
        look = Form(self.env["notify.sender.look"].with_user(self.manager))
        shown = {line["name"]: line["shown"] for line in look.line_ids._records}
        self.assertIn("alerts@company.example", shown["Alerts of the system"])
        self.assertIn(self.manager.email, shown["What people write"])
        look.model_id = lead
        rows = look.line_ids._records
        self.assertTrue(all("sales@company.example" in row["shown"] for row in rows))
        self.assertEqual({row["policy_id"] for row in rows}, {special.id})
        server = self.server.with_user(self.env.ref("base.user_admin"))
        self.sender(mode="fixed", address="all@company.example", via_server_id=self.server.id)
        self.assertIn("all@company.example", server.notify_effective_from)

    def test_every_change_is_in_the_chatter(self):
        policy = self.sender(mode="fixed", address="one@company.example")
        self.flush_tracking()
        policy.address = "two@company.example"
        self.flush_tracking()
        tracked = policy.message_ids.sudo().tracking_value_ids
        self.assertIn("two@company.example", tracked.mapped("new_value_char"))

    def flush_tracking(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
