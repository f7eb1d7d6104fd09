from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import email_normalize
from odoo.tools.misc import file_open

from .common import NotifyCase

LONG_DOMAIN = "d" * 55 + ".example"


@tagged("post_install", "-at_install")
class TestReturnAddress(NotifyCase):
    """What is signed says where an answer belongs; a copy of the database cannot take it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.domain = cls.env["mail.alias.domain"].create({"name": "company.example"})
        cls.env.company.alias_domain_id = cls.domain
        cls.addresses = cls.env["notify.return.address"]
        cls.keys = cls.env["notify.return.key"]
        cls.document = cls.env["res.partner"].create({"name": "Document"})

    def post(self, partners=None, **values):
        """Post as Anna and return the message and the mails that would leave."""
        message = (
            self.document.with_user(self.anna)
            .with_context(mail_notify_force_send=False)
            .message_post(
                body="Good morning",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=(partners or self.client).ids,
                **values,
            )
        )
        mails = self.env["mail.mail"].search([("mail_message_id", "=", message.id)])
        return message.sudo(), mails

    def outgoing(self, mails):
        return [email for mail in mails for email in mail._prepare_outgoing_list()]

    # ------------------------------------------------------------
    # WHAT IS WRITTEN
    # ------------------------------------------------------------

    def test_o16_plain_mode_leaves_what_odoo_wrote_and_asks_nothing(self):
        message, mails = self.post()
        (email,) = self.outgoing(mails)
        self.assertEqual(email["reply_to"], message.reply_to)
        self.assertEqual(email_normalize(email["reply_to"]), "catchall@company.example")
        with self.assertQueryCount(0):
            self.assertFalse(self.addresses._reply_address(message, self.client, self.env.company))
            self.assertFalse(self.addresses._return_path(5, self.domain))
            self.assertFalse(mails._returns_to_us())

    def test_reply_to_names_message_and_recipient(self):
        self.domain.notify_return_mode = "plus"
        message, mails = self.post(self.client | self.chloe.partner_id)
        stored = message.reply_to
        outgoing = self.outgoing(mails)
        self.assertEqual(len(outgoing), 2)
        for email in outgoing:
            address = email_normalize(email["reply_to"])
            self.assertTrue(address.startswith("catchall+r"))
            self.assertTrue(address.endswith("@company.example"))
            self.assertLessEqual(len(email["reply_to"]), 68)
            self.assertIn("Anna", email["reply_to"], "the visible name stays")
            self.assertEqual(
                self.addresses._read(email["reply_to"].upper()),
                {
                    "state": "valid",
                    "kind": "reply",
                    "message_id": message.id,
                    "partner_id": email["partner_id"].id,
                    "address_hash": False,
                    "delivery_id": False,
                },
            )
        self.assertEqual(message.reply_to, stored, "the message in the chatter is as it was")

    def test_plain_address_is_named_by_its_hash(self):
        self.domain.notify_return_mode = "plus"
        message, mails = self.post(outgoing_email_to="Some One <Someone@Else.example>")
        (email,) = [email for email in self.outgoing(mails) if not email["partner_id"]]
        reading = self.addresses._read(email["reply_to"])
        self.assertEqual((reading["state"], reading["message_id"]), ("valid", message.id))
        self.assertFalse(reading["partner_id"])
        self.assertEqual(
            reading["address_hash"], self.addresses._address_hash("someone@else.example")
        )

    def test_wildcard_domain(self):
        self.domain.write(
            {"notify_return_mode": "wildcard", "notify_return_domain": "reply.company.example"}
        )
        message, mails = self.post()
        (email,) = self.outgoing(mails)
        address = email_normalize(email["reply_to"])
        self.assertTrue(address.endswith("@reply.company.example"))
        self.assertNotIn("+", address)
        self.assertEqual(self.addresses._read(address)["message_id"], message.id)
        bounce = self.addresses._return_path(77, self.domain)
        self.assertEqual(
            {key: value for key, value in self.addresses._read(bounce).items() if value},
            {"state": "valid", "kind": "bounce", "delivery_id": 77},
        )

    def test_lengths_hold_for_long_domains_and_ten_digit_ids(self):
        self.assertEqual(len(LONG_DOMAIN), 63)
        self.domain.write({"name": LONG_DOMAIN, "notify_return_mode": "plus"})
        message = self.env["mail.message"].browse(2_147_483_647)
        partner = self.env["res.partner"].browse(2_147_483_646)
        self.env.cache.set(message, message._fields["record_alias_domain_id"], self.domain.id)
        address = self.addresses._reply_address(message, partner, self.env.company)
        self.assertLessEqual(len(address.partition("@")[0]), 64)
        self.assertLessEqual(len(address), 254)
        self.assertEqual(self.addresses._read(address)["message_id"], 2_147_483_647)
        bounce = self.addresses._return_path(9_999_999_999, self.domain)
        self.assertEqual(self.addresses._read(bounce)["delivery_id"], 9_999_999_999)
        message, mails = self.post()
        (email,) = self.outgoing(mails)
        self.assertEqual(
            email["reply_to"], email_normalize(email["reply_to"]), "no name: it would be too long"
        )

    def test_name_stays_out_where_it_makes_the_header_too_long(self):
        self.domain.notify_return_mode = "plus"
        self.anna.name = "Anna Maximiliane von Hohenstein-Oldenburg"
        _message, mails = self.post()
        (email,) = self.outgoing(mails)
        self.assertEqual(email["reply_to"], email_normalize(email["reply_to"]))

    def test_an_address_that_somebody_chose_stays(self):
        self.domain.notify_return_mode = "plus"
        _message, mails = self.post(reply_to="Boss <boss@company.example>")
        (email,) = self.outgoing(mails)
        self.assertEqual(email["reply_to"], "Boss <boss@company.example>")
        _message, mails = self.post(reply_to_force_new=True)
        (email,) = self.outgoing(mails)
        self.assertEqual(email_normalize(email["reply_to"]), "catchall@company.example")

    def test_an_alias_is_signed_too_its_answers_would_make_new_documents(self):
        self.domain.notify_return_mode = "plus"
        self.europe.write({"alias_name": "europe", "alias_domain_id": self.domain.id})
        message, mails = self.post(reply_to="Europe <europe@company.example>")
        (email,) = self.outgoing(mails)
        self.assertEqual(self.addresses._read(email["reply_to"])["message_id"], message.id)
        self.assertIn("Europe", email["reply_to"])

    def test_what_is_known_of_aliases_follows_their_changes(self):
        self.domain.notify_return_mode = "plus"

        def is_signed():
            _message, mails = self.post(reply_to="Europe <europe@company.example>")
            return "+" in self.outgoing(mails)[0]["reply_to"]

        self.assertFalse(is_signed(), "no alias yet")
        self.europe.write({"alias_name": "europe", "alias_domain_id": self.domain.id})
        self.assertTrue(is_signed())
        self.europe.alias_name = "continent"
        self.assertFalse(is_signed())

    def test_a_new_alias_leaves_the_caches_of_odoo_alone(self):
        self.domain.notify_return_mode = "plus"
        self.env["notify.return.address"]._is_alias("south@company.example")
        with patch.object(type(self.env.registry), "clear_cache", autospec=True) as cleared:
            self.env["mail.alias"].create(
                {
                    "alias_name": "south",
                    "alias_domain_id": self.domain.id,
                    "alias_model_id": self.env["ir.model"]._get_id("res.partner"),
                }
            )
        self.assertFalse(cleared.called)
        self.assertTrue(self.env["notify.return.address"]._is_alias("south@company.example"))

    def test_a_message_that_goes_with_its_mail_is_not_named(self):
        self.domain.notify_return_mode = "plus"
        values = {
            "model": "res.partner",
            "res_id": self.document.id,
            "email_to": "someone@else.example",
            "reply_to": "catchall@company.example",
        }
        gone, kept = self.env["mail.mail"].create(
            [{**values, "auto_delete": True}, {**values, "auto_delete": False}]
        )
        self.assertEqual(self.outgoing(gone)[0]["reply_to"], "catchall@company.example")
        self.assertIn("+", self.outgoing(kept)[0]["reply_to"])

    def test_companies_answer_at_their_own_domains(self):
        other = self.env["mail.alias.domain"].create(
            {"name": "other.example", "notify_return_mode": "plus"}
        )
        message, mails = self.post()
        self.assertNotIn("+", self.outgoing(mails)[0]["reply_to"], "this one is plain")
        message.record_alias_domain_id = other
        address = self.addresses._reply_address(message, self.client, self.env.company)
        self.assertTrue(address.endswith("@other.example"))

    # ------------------------------------------------------------
    # KEYS
    # ------------------------------------------------------------

    def test_keys_rotate_and_old_ones_are_accepted_for_the_set_time(self):
        self.env["ir.config_parameter"].set_param("notify_routing.return_days", "30")
        self.domain.notify_return_mode = "plus"
        first = self.keys.search([("valid_until", "=", False)])
        bounce = self.addresses._return_path(5, self.domain)
        self.keys._cron_rotate()
        second = self.keys.search([("valid_until", "=", False)])
        self.assertNotEqual(first, second)
        self.assertEqual((first.state, second.state), ("old", "current"))
        self.assertNotEqual(self.addresses._return_path(5, self.domain), bounce)
        self.assertEqual(self.addresses._read(bounce)["state"], "valid")
        with freeze_time(fields.Datetime.add(fields.Datetime.now(), days=31)):
            self.assertEqual(self.addresses._read(bounce)["state"], "expired")
            self.assertFalse(self.addresses._read(bounce)["delivery_id"])
            self.keys._rotate()
            self.assertFalse(first.exists(), "what ended is forgotten")
            self.assertEqual(self.addresses._read(bounce)["state"], "expired")

    def test_a_key_can_be_withdrawn_at_once(self):
        self.domain.notify_return_mode = "plus"
        bounce = self.addresses._return_path(5, self.domain)
        self.keys.search([]).unlink()
        self.assertEqual(len(self.keys.search([])), 1, "another one signs")
        self.assertNotEqual(self.addresses._read(bounce)["state"], "valid")

    def test_keys_never_run_out(self):
        for _time in range(40):
            self.keys._rotate()
        self.assertEqual(len(self.keys.search([])), 32)
        self.assertEqual(len(self.keys.search([("valid_until", "=", False)])), 1)

    def test_a_neutralized_copy_neither_signs_nor_accepts(self):
        self.domain.notify_return_mode = "plus"
        message, mails = self.post()
        address = self.addresses._reply_address(message, self.client, self.env.company)
        bounce = self.addresses._return_path(5, self.domain)
        with file_open("notify_routing/data/neutralize.sql") as file:
            self.env.cr.execute(file.read())
        self.env.invalidate_all()
        self.env.registry.clear_cache("stable")
        self.assertEqual(self.addresses._read(address)["state"], "expired")
        self.assertEqual(self.addresses._read(bounce)["state"], "expired")
        self.assertFalse(self.addresses._reply_address(message, self.client, self.env.company))
        self.assertFalse(self.addresses._return_path(5, self.domain))
        self.assertEqual(self.outgoing(mails)[0]["reply_to"], message.reply_to, "as Odoo does")
        # Nor does a key that the copy makes for itself accept them.
        self.keys._make_sure_of_one()
        self.assertNotEqual(self.addresses._read(address)["state"], "valid")

    def test_keys_are_for_administrators_and_secrets_for_nobody(self):
        manager = self.chloe
        manager.group_ids |= self.env.ref("notify_routing.group_notify_manager")
        for user in (self.anna, manager):
            with self.assertRaises(AccessError):
                self.keys.with_user(user).search([]).read(["number"])
            with self.assertRaises(AccessError):
                self.keys.with_user(user).action_rotate()
        admin = self.env.ref("base.user_admin")
        key = self.keys.with_user(admin).search([], limit=1)
        self.assertTrue(key.read(["number", "state"]))
        with self.assertRaises(AccessError):
            key.read(["secret"])
        with self.assertRaises(AccessError):
            key.valid_until = False
        key.action_rotate()
        self.assertEqual(key.state, "old")

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def test_what_the_addresses_of_one_mail_say_together(self):
        self.domain.notify_return_mode = "plus"
        bounce = self.addresses._return_path(5, self.domain)
        self.assertEqual(self.addresses._read_all(["x@y.example", bounce])["delivery_id"], 5)
        forged = bounce.replace("bounce+b", "bounce+r")
        self.assertEqual(self.addresses._read_all(["x@y.example", forged])["state"], "tampered")
        self.assertEqual(self.addresses._read_all([forged, bounce])["state"], "valid")
        for nothing in ([], None, [False, None, 3, "x@y.example"]):
            self.assertEqual(self.addresses._read_all(nothing)["state"], "none")

    def test_nobody_becomes_a_contact_by_a_signed_address(self):
        self.domain.notify_return_mode = "plus"
        message, _mails = self.post()
        address = self.addresses._reply_address(message, self.client, self.env.company)
        found = self.env["mail.alias.domain"]._find_aliases(["a@b.example", address])
        self.assertEqual(found, [address])

    def test_settings_that_cannot_work_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "which domain takes the answers"):
            self.domain.notify_return_mode = "wildcard"
        with self.assertRaisesRegex(ValidationError, "is no domain"):
            self.domain.notify_return_domain = "x@company.example"
