from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail.tests.common import MailCommon
from odoo.addons.notify_routing.models.intake.set_aside import SetAside

RAW = b"""\
From: Client <client@customer.example>
To: kept@%(domain)b
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <%(number)d@customer.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=x-klingon

<p>Good morning<script>alert(1)</script><img src="https://spy.example/x.png"/></p>
--b
Content-Type: application/pdf; name="offer.pdf"
Content-Disposition: attachment; filename="offer.pdf"

%%PDF
--b--
"""


@tagged("post_install", "-at_install")
class TestQuarantine(MailCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "quarantine_manager",
            "notify_routing.group_notify_manager,base.group_partner_manager",
        )
        cls.employee = new_test_user(cls.env, "quarantine_employee", "base.group_user")
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.client = cls.env["res.partner"].create(
            {"name": "Client", "email": "client@customer.example"}
        )

    def _keep(self, number=1, reason="no_route", raw=None):
        raw = raw or RAW % {b"domain": self.alias_domain.encode(), b"number": number}
        intake = self.env["notify.intake"]._store([raw])
        return self.env["notify.quarantine"]._keep(intake, reason, "It belongs nowhere.")

    # ------------------------------------------------------------
    # RIGHTS
    # ------------------------------------------------------------

    def test_only_managers_see_it(self):
        kept = self._keep()
        self.assertEqual(kept.with_user(self.manager).subject, "Grüße")
        for model in ("notify.quarantine", "notify.intake"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.employee).search([])

    def test_managers_see_their_companies_only(self):
        kept = self._keep()
        other = self.env["res.company"].create({"name": "Other"})
        kept.intake_id.company_id = other
        Quarantine = self.env["notify.quarantine"].with_user(self.manager)
        self.assertFalse(Quarantine.search([("id", "=", kept.id)]))
        self.assertFalse(
            self.env["notify.intake"].with_user(self.manager).search(
                [("id", "=", kept.intake_id.id)]
            )
        )  # fmt: skip
        kept.intake_id.company_id = False
        self.assertTrue(Quarantine.search([("id", "=", kept.id)]))

    def test_company_is_the_one_that_was_written_to(self):
        self.assertEqual(self._keep().company_id, self.mail_alias_domain.company_ids)

    def test_nobody_changes_what_came(self):
        kept = self._keep().with_user(self.manager)
        with self.assertRaises(AccessError):
            kept.subject = "Something else"
        with self.assertRaises(AccessError):
            kept.unlink()

    def test_routing_needs_the_right_to_write_there(self):
        kept = self._keep().with_user(self.manager)
        kept.resource_ref = self.document
        with (
            patch.object(
                self.registry["res.partner"], "check_access", side_effect=AccessError("no")
            ),
            self.assertRaises(AccessError),
        ):
            kept.action_route()
        self.assertEqual(kept.stage, "open")

    # ------------------------------------------------------------
    # LOOK
    # ------------------------------------------------------------

    def test_preview_is_plain_text(self):
        kept = self._keep().with_user(self.manager)
        self.assertIn("Good morning", kept.preview)
        self.assertNotIn("<", kept.preview)
        self.assertNotIn("alert", kept.preview)
        self.assertNotIn("spy.example", kept.preview)
        self.assertEqual(kept.attachment_names, "offer.pdf")
        self.assertIn("Subject: Grüße", kept.preview_headers)

    def test_preview_of_what_nobody_can_read(self):
        for number, raw in enumerate([b"", b"\xff\x00\xfe", b"Content-Type: x\n\n\xff", b"a:b"]):
            kept = self._keep(number, raw=raw or b"\n")
            self.assertIsInstance(kept.preview, str)
            self.assertTrue(kept.display_name)

    # ------------------------------------------------------------
    # DECIDE
    # ------------------------------------------------------------

    def test_route_by_hand(self):
        kept = self._keep().with_user(self.manager)
        with self.assertRaisesRegex(UserError, "Choose the document"):
            kept.action_route()
        kept.resource_ref = self.document
        kept.action_route()
        message = self.document.message_ids[0]
        self.assertEqual(message.author_id, self.client)
        self.assertEqual(message.attachment_ids.name, "offer.pdf")
        self.assertIn("Good morning", message.body)
        self.assertNotIn("script", message.body)
        self.assertEqual((kept.stage, kept.decided_by), ("routed", self.manager))
        self.assertEqual((kept.state, kept.outcome), ("done", "posted"))
        self.assertFalse(kept.raw)
        with self.assertRaisesRegex(UserError, "dealt with"):
            kept.action_discard()

    def test_replay_that_fails_again_stays(self):
        kept = self._keep().with_user(self.manager)
        with self.assertRaisesRegex(UserError, "stays in quarantine"):
            kept.action_replay()
        self.assertEqual((kept.stage, kept.state), ("open", "quarantine"))
        self.assertTrue(kept.raw)

    def test_replay_when_the_cause_is_gone(self):
        kept = self._keep().with_user(self.manager)
        self.env["mail.alias"].create(
            {
                "alias_name": "kept",
                "alias_domain_id": self.mail_alias_domain.id,
                "alias_model_id": self.env["ir.model"]._get_id("res.partner"),
                "alias_force_thread_id": self.document.id,
            }
        )
        kept.action_replay()
        self.assertEqual(kept.stage, "routed")
        self.assertEqual(kept.mail_message_id, self.document.message_ids[0])

    def test_discard_keeps_the_trace(self):
        rows = (self._keep(1) | self._keep(2)).with_user(self.manager)
        rows.action_discard()
        self.assertEqual(set(rows.mapped("stage")), {"discarded"})
        self.assertEqual(rows.decided_by, self.manager)
        self.assertFalse(any(rows.mapped("raw")))
        self.assertEqual(set(rows.mapped("subject")), {"Grüße"})

    # ------------------------------------------------------------
    # STORE
    # ------------------------------------------------------------

    def test_same_message_is_stored_once(self):
        Intake = self.env["notify.intake"]
        raw = b"Message-ID: <once@customer.example>\n\nHello\n"
        self.assertEqual(len(Intake._store([raw, raw])), 1)
        self.assertFalse(Intake._store([b"Received: again\n" + raw]))
        without = b"Subject: No id\n\nHello\n"
        self.assertEqual(len(Intake._store([without, without + b"!"])), 2)
        self.assertFalse(Intake._store([without]))

    def test_header_that_no_database_takes_is_stored(self):
        raw = b"Subject: a\x00b\xff =?x?q?=00?=\nFrom: \xff\nMessage-ID: <n\x00ul@x>\n\nHello\n"
        stored = self.env["notify.intake"]._store([raw])
        self.assertEqual(stored._octets(), raw)

    def test_error_that_quotes_what_no_database_takes_is_noted(self):
        rows = self.env["notify.intake"]._store([b"Subject: 1\n\n", b"Subject: 2\n\n"])
        rows[0]._note(SetAside("no_route", "No route from \x00\udcff"))
        rows[1]._note(ValueError("a\x00b"))
        self.assertEqual(rows[0].state, "quarantine")
        self.assertEqual(rows[1].error, "ValueError: ab")

    def test_traces_and_old_cases_go_after_their_time(self):
        kept, fresh = self._keep(1), self._keep(2)
        intake = kept.intake_id
        done = self.env["notify.intake"]._store([b"Subject: done\n\n"], state="done")
        old = fields.Datetime.now() - timedelta(days=91)
        done.date = old
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE notify_quarantine SET create_date = %s WHERE id = %s", [old, kept.id]
        )
        self.env.invalidate_all()
        self.env["notify.intake"]._gc_done()
        self.env["notify.quarantine"]._gc_old()
        self.assertFalse((done | intake).exists())
        self.assertFalse(kept.exists())
        self.assertTrue(fresh.exists())

    # ------------------------------------------------------------
    # HANDED OVER BY A MAIL SERVER'S SCRIPT
    # ------------------------------------------------------------

    def test_what_a_script_hands_over_is_kept_too(self):
        """The mail server must not return an answer to the customer who wrote it."""
        self.mail_alias_domain.notify_return_mode = "plus"
        message = self.document.message_post(body="Offer", subtype_xmlid="mail.mt_comment")
        address = self.env["notify.return.address"]._reply_address(
            message, self.client, self.env.ref("base.main_company")
        )
        message.sudo().unlink()
        raw = (
            f"From: client@customer.example\nTo: {address}\nSubject: Re: Offer\n"
            "Message-ID: <script@customer.example>\n\nHello\n"
        )
        with self.mock_mail_gateway():
            self.assertFalse(self.env["mail.thread"].message_process(False, raw))
        self.assertNotSentEmail()
        kept = self.env["notify.quarantine"].search([("subject", "=", "Re: Offer")])
        self.assertEqual((kept.reason, kept.stage), ("gone", "open"))

    def test_a_script_hears_that_a_mail_belongs_nowhere(self):
        raw = f"From: a@b.example\nTo: nobody@{self.alias_domain}\nMessage-ID: <n@b>\n\nHello\n"
        with self.assertRaises(ValueError):
            self.env["mail.thread"].message_process(False, raw)
