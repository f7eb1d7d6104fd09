from psycopg2.errors import UniqueViolation

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import NotifyCase


class SchemeCase(NotifyCase):
    """A scheme for leads that tells of messages, with helpers to read what became of one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reply = cls.env.ref("notify_routing.event_reply")
        cls.scheme = cls.env["notify.scheme"].create(
            {"name": "Leads", "model_id": cls.model("crm.lead")}
        )
        cls.manager = cls.env.ref("base.user_admin")
        cls.env.ref("notify_routing.group_notify_manager").user_ids = cls.manager
        cls.lead = cls.new_lead()

    @classmethod
    def model(cls, name):
        return cls.env["ir.model"]._get_id(name)

    @classmethod
    def new_lead(cls, **values):
        lead = cls.env["crm.lead"].create({"name": "Boats", "user_id": False, **values})
        lead.message_unsubscribe(lead.message_partner_ids.ids)
        cls.env.cr.flush()
        return lead

    @classmethod
    def role(cls, path, **values):
        values = {
            "name": path,
            "code": path,
            "path": path,
            "model_id": cls.model("crm.lead"),
            **values,
        }
        return cls.env["notify.role"].create(values)

    @classmethod
    def line(cls, role, event=None, **values):
        values = {"scheme_id": cls.scheme.id, "role_id": role.id, "prefer": True, **values}
        return cls.env["notify.scheme.line"].create({"event_id": (event or cls.reply).id, **values})

    def post(self, lead=None, by=None, **values):
        values = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment", **values}
        lead = (lead or self.lead).with_user(by or self.env.ref("base.user_root"))
        return (
            lead.with_context(mail_post_autofollow_author_skip=True)
            .message_post(body="Hi", **values)
            .sudo()
        )

    def told(self, message):
        return {
            row.res_partner_id.name or row.mail_email_address for row in message.notification_ids
        }

    def dropped(self, message):
        rows = self.env["notify.suppression"].search([("mail_message_id", "=", message.id)])
        return {(row.partner_id.name or row.email, row.channel, row.reason) for row in rows}

    def acts(self, lead=None):
        """End the act, as a commit does, and return its message, without stock's tracking."""
        lead = lead or self.lead
        known = self.told_of(lead)
        self.env.cr.flush()
        return self.told_of(lead) - known

    def told_of(self, lead):
        return lead.message_ids.filtered(lambda message: "<ul>" in message.body)

    def alarms(self):
        return self.scheme.activity_ids


@tagged("post_install", "-at_install")
class TestSchemeBadInput(SchemeCase):
    """What people get wrong has a defined result, and a message that says what to change."""

    def assertSays(self, words):
        return self.assertRaisesRegex(ValidationError, words)

    # -- roles

    def test_path_of_an_unknown_field_is_refused(self):
        with self.assertSays("has no field nobody_id"):
            self.role("partner_id.nobody_id")

    def test_path_that_ends_on_no_people_is_refused(self):
        with self.assertSays("it must end on users, contacts or an e-mail address"):
            self.role("team_id")

    def test_path_that_goes_on_after_a_value_is_refused(self):
        with self.assertSays("goes on after name"):
            self.role("name.partner_id")

    def test_path_that_is_too_long_is_refused(self):
        with self.assertSays("4 steps at most"):
            self.role("team_id.user_id.partner_id.parent_id.user_id")

    def test_path_that_ends_on_nothing_tells_nobody(self):
        self.line(self.role("partner_id"))
        message = self.post()
        self.assertEqual((self.told(message), self.dropped(message)), (set(), set()))
        self.assertFalse(self.scheme.fault)

    def test_path_that_ends_on_thousands_tells_each_once(self):
        people = self.env["res.partner"].create(
            [
                {"name": f"P{number}", "email": f"p{number}@customer.example"}
                for number in range(2000)
            ]
        )
        self.env["notify.distribution.list"].create({"name": "Press", "partner_ids": people.ids})
        press = self.env["notify.distribution.list"].search([("name", "=", "Press")])
        self.env["notify.distribution"].add("crm.lead", self.lead.id, people[:1].ids, press.ids)
        self.env.cr.flush()
        self.line(self.env.ref("notify_routing.role_distribution"))
        rows = self.post().notification_ids
        self.assertEqual(len(rows), 2000)
        self.assertEqual(rows.res_partner_id, people)

    def test_path_through_a_record_of_another_company_is_followed(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.client.company_id = other
        self.line(self.role("partner_id"))
        lead = self.new_lead()
        lead.partner_id = self.client
        self.assertEqual(self.told(self.post(lead)), {"Mister Client"})

    def test_address_that_is_no_address_tells_nobody(self):
        self.line(self.role("email_from"))
        self.lead.email_from = "no address at all"
        self.assertEqual(self.told(self.post()), set())
        self.lead.email_from = "Somebody <somebody@customer.example>"
        self.assertEqual(self.told(self.post()), {"somebody@customer.example"})

    def test_archived_people_are_not_told(self):
        self.line(self.role("partner_id"))
        self.lead.partner_id = self.client
        self.client.active = False
        message = self.post()
        self.assertEqual(self.told(message), set())
        self.assertIn(("Mister Client", "email", "inactive"), self.dropped(message))

    def test_person_without_address_is_recorded(self):
        self.line(self.role("partner_id"))
        self.lead.partner_id = self.client
        self.client.email = False
        message = self.post()
        self.assertEqual(self.told(message), set())
        self.assertEqual(self.dropped(message), {("Mister Client", "email", "no_address")})

    def test_each_post_of_a_transaction_keeps_what_it_decided_against(self):
        """Environments of posts with equal contexts are the same object."""
        self.line(self.role("partner_id"))
        self.assertEqual(self.dropped(self.post()), set())
        nobody = self.env["res.partner"].create({"name": "No Address"})
        for _number in range(2):
            message = self.post(self.new_lead(partner_id=nobody.id))
            self.assertEqual(self.dropped(message), {("No Address", "email", "no_address")})

    def test_n10_nobody_without_access_is_told(self):
        self.line(self.role("user_id"))
        self.lead.user_id = self.ben
        self.env.cr.flush()
        rule = {"model_id": self.model("crm.lead"), "name": "None", "domain_force": "[(0, '=', 1)]"}
        self.env["ir.rule"].create(rule)
        message = self.post()
        self.assertEqual(self.told(message), set())
        self.assertIn(("Ben", "inbox", "no_access"), self.dropped(message))

    # -- events, filters, lines

    def test_event_on_a_field_of_another_type_is_refused(self):
        field = self.env["ir.model.fields"]._get("res.partner", "name")
        with self.assertSays("watches a field of another document type"):
            self.env["notify.event"].create(
                {"name": "X", "code": "x", "model_id": self.model("crm.lead"), "field_id": field.id}
            )

    def test_event_without_its_field_is_refused(self):
        with self.assertSays("needs: Field"):
            self.env["notify.event"].create({"name": "X", "code": "x", "kind": "field"})

    def test_filter_that_cannot_be_applied_is_refused(self):
        for domain in ("[('nobody_id', '=', 1)]", "[('name',", "[('name', '=', unknown)]"):
            with self.subTest(domain=domain), self.assertSays("cannot be applied to Lead"):
                self.scheme.domain = domain

    def test_two_lines_of_one_cell_are_refused(self):
        role = self.role("user_id")
        self.line(role)
        with self.assertRaises(UniqueViolation), self.cr.savepoint(), mute_logger("odoo.sql_db"):
            self.line(role)

    def test_two_schemes_of_one_document_are_refused(self):
        with self.assertSays("both speak of"):
            self.scheme.copy({"active": True})

    def test_schemes_that_exclude_each_other_are_allowed(self):
        self.scheme.domain = "[('type', '=', 'lead')]"
        self.scheme.copy({"domain": "[('type', '=', 'opportunity')]", "active": True})

    # -- what breaks after it was saved

    def _manual_field(self):
        return self.env["ir.model.fields"].create(
            {
                "name": "x_boss_id",
                "model_id": self.model("crm.lead"),
                "ttype": "many2one",
                "relation": "res.users",
            }
        )

    def test_role_whose_field_vanished_falls_back_to_stock_and_alarms_once(self):
        field = self._manual_field()
        self.line(self.role("x_boss_id"))
        field.unlink()
        self.lead.message_subscribe(self.client.ids)
        for _post in range(3):
            self.assertEqual(self.told(self.post()), {"Mister Client"}, "as without scheme")
        self.assertEqual(self.alarms().user_id, self.manager)
        self.assertEqual(len(self.alarms()), 1, "not one a post")
        self.assertIn("no field x_boss_id", self.alarms().note)

    def test_an_alarm_ends_when_the_scheme_is_mended_and_comes_back_when_it_is_not(self):
        field = self._manual_field()
        line = self.line(self.role("x_boss_id"))
        field.unlink()
        self.post()
        self.scheme.name = "Leads, looked at"
        self.assertFalse(self.alarms() or self.scheme.fault)
        self.post()
        self.assertEqual(len(self.alarms()), 1)
        line.unlink()
        self.post()
        self.assertFalse(self.alarms() or self.scheme.fault)

    def test_filter_whose_field_vanished_falls_back_to_stock_and_alarms_once(self):
        field = self._manual_field()
        self.line(self.role("user_id"))
        self.scheme.domain = "[('x_boss_id', '=', False)]"
        field.unlink()
        self.lead.message_subscribe(self.client.ids)
        for _post in range(2):
            self.assertEqual(self.told(self.post()), {"Mister Client"})
        self.lead.name = "Other boats"
        self.acts()
        self.assertEqual(len(self.alarms()), 1)

    def test_event_whose_field_vanished_is_gone_with_it(self):
        field = self._manual_field()
        event = self.env["notify.event"].create(
            {"name": "X", "code": "x", "model_id": self.model("crm.lead"), "field_id": field.id}
        )
        self.line(self.role("user_id"), event)
        field.unlink()
        self.lead.write({"name": "Other boats", "user_id": self.ben.id})
        self.acts()
        self.assertFalse(event.exists() or self.scheme.fault)

    def test_scheme_of_a_document_type_that_is_uninstalled_goes_with_it(self):
        kind = self.env["ir.model"].create(
            {"name": "Thing", "model": "x_thing", "is_mail_thread": True}
        )
        scheme = self.env["notify.scheme"].create({"name": "Things", "model_id": kind.id})
        self.assertIn("x_thing", self.env["notify.scheme"]._book())
        kind.unlink()
        self.assertFalse(scheme.exists())
        self.assertNotIn("x_thing", self.env["notify.scheme"]._book())
        self.assertTrue(self.post())


@tagged("post_install", "-at_install")
class TestSchemeActs(SchemeCase):
    """What one transaction does is one message, and each person is told once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        field = cls.env["ir.model.fields"]._get("crm.lead", "priority")
        values = {"model_id": cls.model("crm.lead")}
        Event = cls.env["notify.event"]
        cls.customer, cls.seller = cls.role("partner_id"), cls.role("user_id")
        cls.urgent = Event.create(
            {
                "name": "Urgent",
                "code": "urgent",
                "field_id": field.id,
                "value_to": "3",
                "weight": 5,
                **values,
            }
        )
        cls.assigned = Event.create(
            {
                "name": "Assigned",
                "code": "assigned",
                "kind": "added",
                "role_id": cls.seller.id,
                "weight": 90,
            }
        )
        cls.line(cls.seller, cls.assigned, only_new=True)
        for role in (cls.seller, cls.customer):
            cls.line(role, cls.urgent)

    def test_several_events_of_one_transaction_tell_each_once(self):
        self.lead.write({"priority": "3", "partner_id": self.client.id})
        self.lead.user_id = self.ben
        message = self.acts()
        self.assertEqual(len(message), 1)
        self.assertEqual(self.told(message), {"Ben", "Mister Client"})
        rows = message.notification_ids.grouped("res_partner_id")
        self.assertEqual(rows[self.ben.partner_id].notify_event_id, self.assigned, "the heaviest")
        self.assertEqual(self.dropped(message), {("Ben", "inbox", "dedupe")})

    def test_made_and_assigned_in_one_transaction_is_one_message(self):
        lead = self.env["crm.lead"].create({"name": "New", "priority": "3", "user_id": self.ben.id})
        self.env.cr.flush()
        told = self.told_of(lead)
        self.assertEqual(len(told), 1)
        self.assertIn("Assigned", told.body)
        self.assertIn("Urgent", told.body)

    def test_a_change_that_is_taken_back_tells_nobody(self):
        self.lead.user_id = self.ben
        self.lead.user_id = False
        self.assertFalse(self.acts())

    def test_a_savepoint_that_is_rolled_back_tells_nobody(self):
        with self.assertRaises(ZeroDivisionError), self.cr.savepoint():
            self.lead.user_id = self.ben
            raise ZeroDivisionError
        self.assertFalse(self.acts())
        self.lead.user_id = self.ben
        self.assertEqual(self.told(self.acts()), {"Ben"}, "what comes after counts")

    def test_many_documents_in_one_write(self):
        leads = self.lead | self.new_lead() | self.new_lead()
        leads.user_id = self.ben
        self.env.cr.flush()
        for lead in leads:
            self.assertEqual(self.told(self.told_of(lead)), {"Ben"})

    def test_the_one_who_acts_is_not_told_but_where_the_line_says_so(self):
        self.lead.with_user(self.ben).user_id = self.ben
        message = self.acts()
        self.assertEqual((self.told(message), message.author_id), (set(), self.ben.partner_id))
        self.assertIn(("Ben", "inbox", "own_act"), self.dropped(message))
        self.scheme.line_ids.own_act = True
        self.lead.user_id = False
        self.acts()
        self.lead.with_user(self.ben).user_id = self.ben
        self.assertEqual(self.told(self.acts()), {"Ben"})

    def test_sudo_is_still_the_person_who_acts(self):
        self.lead.with_user(self.ben).sudo().user_id = self.ben
        self.assertEqual(self.acts().author_id, self.ben.partner_id)

    def test_a_scheduled_action_acts_as_the_system(self):
        self.lead.with_user(self.env.ref("base.user_root")).user_id = self.ben
        message = self.acts()
        self.assertEqual(message.author_id, self.env.ref("base.partner_root"))
        self.assertEqual(self.told(message), {"Ben"})

    def test_values_for_new_records_in_the_context_do_not_reach_the_message(self):
        self.lead.with_context(
            default_subject="Wrong", default_model="res.partner"
        ).user_id = self.ben
        message = self.acts()
        self.assertEqual((message.model, message.subject), ("crm.lead", False))

    def test_a_stored_field_that_is_computed_is_an_event_too(self):
        field = self.env["ir.model.fields"]._get("crm.lead", "prorated_revenue")
        event = self.env["notify.event"].create(
            {
                "name": "Worth",
                "code": "worth",
                "model_id": self.model("crm.lead"),
                "field_id": field.id,
            }
        )
        self.line(self.seller, event)
        self.lead.write({"user_id": self.ben.id, "probability": 50})
        self.acts()
        self.lead.expected_revenue = 1000
        self.assertIn("Worth", self.acts().body)

    def test_a_mandatory_line_is_stronger_than_mute(self):
        line = self.line(self.seller)
        self.lead.user_id = self.ben
        self.acts()
        self.lead.message_subscribe(self.ben.partner_id.ids)
        self.follower(self.lead, self.ben.partner_id).notify_muted = True
        message = self.post()
        self.assertEqual(self.told(message), set())
        self.assertIn(("Ben", "inbox", "muted"), self.dropped(message))
        line.mandatory = True
        self.assertEqual(self.told(self.post()), {"Ben"})

    def test_the_choice_on_the_document_is_stronger_than_a_line(self):
        self.line(self.seller)
        self.lead.user_id = self.ben
        self.acts()
        self.lead.message_subscribe(self.ben.partner_id.ids, self.note.ids)
        message = self.post()
        self.assertEqual(self.told(message), set())
        self.assertIn(("Ben", "inbox", "bell"), self.dropped(message))

    def test_events_that_the_scheme_does_not_list_are_stocks(self):
        self.lead.message_subscribe(self.client.ids, self.comment.ids)
        self.assertEqual(self.told(self.post()), {"Mister Client"})

    def test_an_archived_scheme_leaves_everything_to_stock(self):
        self.scheme.active = False
        self.lead.message_subscribe(self.client.ids)
        self.lead.user_id = self.ben
        self.lead.priority = "3"
        self.env.cr.flush()
        self.assertFalse(self.lead.message_ids.notification_ids.notify_event_id)
        self.assertIn("Mister Client", self.told(self.post()))

    def test_messages_come_in_the_order_of_the_acts(self):
        other = self.new_lead()
        other.user_id = self.ben
        self.lead.user_id = self.ben
        self.env.cr.flush()
        self.assertLess(self.told_of(other).id, self.told_of(self.lead).id)

    def test_deleting_a_line_keeps_what_was_decided_by_it(self):
        line = self.line(self.seller)
        self.lead.user_id = self.ben
        self.acts()
        row = self.post().notification_ids
        self.assertEqual(row.notify_line_id, line)
        line.unlink()
        self.assertFalse(row.notify_line_id)
        self.assertEqual(row.notify_event_id, self.reply)

    def test_a_line_is_linked_without_a_lock_between_transactions(self):
        """A foreign key would make a post fail that a deleted line decided meanwhile."""
        self.cr.execute(
            """SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid
                WHERE contype = 'f' AND relname IN ('notify_event', 'notify_scheme_line')
                  AND conrelid IN ('mail_notification'::regclass, 'notify_suppression'::regclass)"""
        )
        self.assertEqual(self.cr.fetchall(), [])
