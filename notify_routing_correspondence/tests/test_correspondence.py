from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tests.common import TransactionCase, new_test_user

MAIL = """From: %(sender)s
To: rfi@%(domain)s
Subject: Which class?
Message-Id: <one@build.example>
Content-Type: text/plain

EI 30 or EI 60?
"""


@tagged("post_install", "-at_install")
class TestCorrespondence(TransactionCase):
    """Numbers, mailboxes, who may read what, and what is overdue."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "notify_routing_correspondence.group_correspondence_user"
        cls.anna = new_test_user(cls.env, "anna", group, email="anna@company.example")
        cls.ben = new_test_user(cls.env, "ben", group, email="ben@company.example")
        cls.rfi = cls.env.ref("notify_routing_correspondence.type_rfi")
        cls.notice = cls.env.ref("notify_routing_correspondence.type_notice")
        cls.rudi = cls.env["res.partner"].create({"name": "Rudi", "email": "rudi@build.example"})

    def item(self, by=None, **values):
        Item = self.env["notify.correspondence"].with_user(by or self.anna)
        return Item.create({"subject": "Doors", "type_id": self.rfi.id, **values})

    def receive(self, sender):
        """Let an e-mail to the alias of the type arrive and return the item of it."""
        domain = self.env["mail.alias.domain"].search([], limit=1)
        domain = domain or self.env["mail.alias.domain"].create({"name": "company.example"})
        self.rfi.write(
            {"alias_name": "rfi", "alias_domain_id": domain.id, "alias_contact": "everyone"}
        )
        mail = MAIL % {"sender": sender, "domain": domain.name}
        item_id = self.env["mail.thread"].message_process("notify.correspondence", mail)
        return self.env["notify.correspondence"].browse(item_id)

    def test_mail_to_the_alias_of_a_type_makes_an_item_of_it(self):
        item = self.receive("Rudi <rudi@build.example>")
        self.assertEqual((item.type_id, item.subject), (self.rfi, "Which class?"))
        self.assertEqual(item.received_from_ids, self.rudi)
        self.assertIn("EI 60?", item.description)
        self.assertTrue(item.name.startswith("RFI-"))

    def test_p1_an_item_that_came_by_mail_is_a_draft_and_sends_nothing(self):
        item = self.receive("Rudi <rudi@build.example>")
        self.env.cr.flush()
        self.assertEqual(item.state, "draft")
        self.assertFalse(item.message_ids.notification_ids)

    def test_a_sender_whom_nobody_knows_becomes_a_contact(self):
        item = self.receive("Nora New <nora@build.example>")
        self.assertEqual(item.received_from_ids.mapped("email"), ["nora@build.example"])

    def test_each_type_has_its_own_numbers(self):
        first, second = self.item(), self.item()
        other = self.item(type_id=self.notice.id)
        number = int(first.name.removeprefix("RFI-"))
        self.assertEqual(second.name, f"RFI-{number + 1:04}")
        self.assertTrue(other.name.startswith("NOT-"))

    def test_public_items_are_read_by_everybody_private_ones_by_those_involved(self):
        public, private = self.item(), self.item(private=True)
        Items = self.env["notify.correspondence"].with_user(self.ben)
        self.assertEqual(Items.search([("id", "in", (public | private).ids)]).ids, public.ids)
        with self.assertRaises(AccessError):
            private.with_user(self.ben).read(["subject"])
        for name, person in (
            ("assignee_ids", self.ben),
            ("distribution_ids", self.ben.partner_id),
            ("received_from_ids", self.ben.partner_id),
        ):
            with self.subTest(name):
                mine = self.item(private=True, **{name: person.ids})
                self.assertTrue(mine.with_user(self.ben).has_access("read"))

    def test_items_of_another_company_are_not_read(self):
        other = self.env["res.company"].create({"name": "Other"})
        kind = self.rfi.copy({"company_id": other.id, "code": "OTH"})
        item = self.env["notify.correspondence"].create(
            {"subject": "X", "type_id": kind.id, "company_id": other.id}
        )
        self.assertFalse(item.with_user(self.ben).has_access("read"))

    def test_n10_private_correspondence_tells_nobody_who_may_not_read_it(self):
        item = self.item(private=True, state="open", assignee_ids=self.ben.ids)
        role = self.env["notify.role"].create(
            {"name": "All", "code": "all", "kind": "group", "group_id": self.ref("base.group_user")}
        )
        scheme = self.env.ref("notify_routing_correspondence.scheme_correspondence")
        reply = self.env.ref("notify_routing.event_reply")
        scheme.set_cell(reply.id, role.id, {"prefer": True})
        stranger = new_test_user(self.env, "stranger", "base.group_user", email="s@company.example")
        message = item.message_post(
            body="Secret", message_type="comment", subtype_xmlid="mail.mt_comment"
        ).sudo()
        self.assertIn(self.ben.partner_id, message.notification_ids.res_partner_id)
        self.assertNotIn(stranger.partner_id, message.notification_ids.res_partner_id)
        dropped = self.env["notify.suppression"].search(
            [("mail_message_id", "=", message.id), ("partner_id", "=", stranger.partner_id.id)]
        )
        self.assertIn("no_access", dropped.mapped("reason"))

    def test_overdue_is_told_once_for_each_due_date(self):
        item = self.item(state="open", assignee_ids=self.ben.ids, date_due="2020-01-01")
        self.env.cr.flush()

        def told():
            known = item.message_ids
            self.env["notify.correspondence"]._cron_overdue()
            self.env.cr.flush()
            return (item.message_ids - known).sudo().notification_ids.res_partner_id

        self.assertEqual(told(), self.ben.partner_id)
        self.assertFalse(told())
        item.date_due = "2020-02-01"
        self.env.cr.flush()
        self.assertEqual(told(), self.ben.partner_id)
