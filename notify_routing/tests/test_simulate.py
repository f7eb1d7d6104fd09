from markupsafe import Markup

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tests.common import HttpCase

from .test_scheme_tours import SchemeCase


class SimulateCase(SchemeCase):
    """A contact that Anna and Ben follow, Ben having muted it in some tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.env["res.partner"].create({"name": "Document of Anna"})
        everything = cls.comment + cls.note
        people = cls.anna.partner_id | cls.ben.partner_id
        cls.document.message_subscribe(people.ids, subtype_ids=everything.ids)
        cls.Router = cls.env["notify.router"].with_user(cls.chloe)

    def mute(self, user):
        self.follower(self.document, user.partner_id).notify_muted = True

    def mention(self, partner):
        return Markup(
            '<p>Hello <a data-oe-model="res.partner" data-oe-id="%s" href="#">@%s</a></p>'
        ) % (partner.id, partner.name)


class TestPreview(SimulateCase):
    def assertPreviewIsReality(self, subtype="mail.mt_comment", partners=None, body="Hello"):
        """Ask, post, and compare who was told on which channels.

        :return: names and channels, e.g. ``{"Anna": ["email"]}``
        """
        partner_ids = partners.ids if partners else []
        preview = self.Router.preview("res.partner", self.document.id, subtype, partner_ids, body)
        told = {person["partner_id"]: person["channels"] for person in preview["people"]}
        document = self.document.with_user(self.chloe)
        message = document.message_post(
            body=body, subtype_xmlid=subtype, partner_ids=partner_ids, message_type="comment"
        )
        real = {}
        for row in message.sudo().notification_ids:
            kinds = {row.notification_type} | ({"inbox"} if row.notify_in_app else set())
            real[row.res_partner_id.id] = sorted(kinds)
        self.assertEqual(told, real)
        return {person["name"]: person["channels"] for person in preview["people"]}

    def test_message_without_a_scheme(self):
        self.scheme.active = False
        told = self.assertPreviewIsReality()
        self.assertEqual(told, {"Anna": ["email"], "Ben": ["inbox"]})

    def test_event_that_the_scheme_does_not_list(self):
        self.assertPreviewIsReality()

    def test_recipient_and_mention(self):
        for partners in (self.client, self.client | self.anna.partner_id):
            told = self.assertPreviewIsReality(partners=partners, body=self.mention(self.client))
            self.assertEqual(told["Mister Client"], ["email"])

    def test_mention_of_somebody_who_wants_both(self):
        self.chloe, self.anna = self.anna, self.chloe
        self.Router = self.env["notify.router"].with_user(self.chloe)
        told = self.assertPreviewIsReality(partners=self.anna.partner_id)
        self.assertEqual(told["Chloé"], ["email", "inbox"])

    def test_note_with_a_scheme(self):
        self.assertEqual(
            self.assertPreviewIsReality("mail.mt_note"), {"Anna": ["email"], "Ben": ["email"]}
        )

    def test_muted(self):
        self.mute(self.ben)
        self.assertEqual(self.assertPreviewIsReality("mail.mt_note"), {"Anna": ["email"]})
        self.assertPreviewIsReality()

    def test_roles_that_stock_does_not_know(self):
        self.scheme.set_cell(self.event_note.id, self.creator.id, {"inbox": True, "own_act": True})
        document = self.document
        self.env.cr.execute(
            "UPDATE res_partner SET create_uid = %s WHERE id = %s", [self.chloe.id, document.id]
        )
        document.invalidate_recordset()
        self.assertEqual(self.assertPreviewIsReality("mail.mt_note")["Chloé"], ["inbox"])

    def test_unknown_address_is_external_and_no_contact_is_made(self):
        before = self.env["res.partner"].search_count([])
        people = self.Router.preview(
            "res.partner", self.document.id, "mail.mt_comment", emails=["new@world.example"]
        )["people"]
        self.assertEqual(
            [person["name"] for person in people if person["external"]], ["new@world.example"]
        )
        self.assertEqual(self.env["res.partner"].search_count([]), before)

    def test_document_that_may_not_be_read(self):
        self.env["ir.rule"].create(
            {
                "name": "Hidden",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.document.id})]",
            }
        )
        with self.assertRaises(AccessError):
            self.Router.preview("res.partner", self.document.id, "mail.mt_comment")


class TestSimulate(SimulateCase):
    def simulate(self, **kwargs):
        """Return ``{name: {channel: (state, sentence)}}``."""
        self.result = self.Router.simulate("res.partner", self.document.id, **kwargs)
        return {
            row["name"]: {
                channel["channel"]: (channel["state"], channel["sentence"])
                for channel in row["channels"]
            }
            for row in self.result["rows"]
        }

    def test_everybody_considered_with_the_reason(self):
        self.mute(self.ben)
        rows = self.simulate(event_id=self.event_note.id)
        self.assertEqual(rows["Anna"]["email"], ("now", "has a role that the scheme tells of this"))
        self.assertEqual(rows["Ben"]["email"], ("suppressed", "muted the document with the bell"))
        self.assertEqual(self.result["rows"][0]["channels"][0]["line"]["name"], "Note · Follower")

    def test_nothing_is_written(self):
        models = ("mail.message", "mail.notification", "notify.suppression", "mail.mail")
        count = lambda: [self.env[model].search_count([]) for model in models]  # noqa: E731
        before = count()
        for event in self.simulate(event_id=self.event_note.id) and self.result["events"]:
            self.simulate(event_id=event["id"])
        self.env.flush_all()
        self.assertEqual(count(), before)

    def test_message_is_decided_about_again(self):
        message = self.document.with_user(self.chloe).message_post(
            body="Look", subtype_xmlid="mail.mt_note"
        )
        self.mute(self.ben)
        rows = self.simulate(message_id=message.id)
        self.assertEqual(rows["Anna"]["email"][0], "now")
        self.assertEqual(rows["Ben"]["email"][0], "suppressed")

    def test_event_without_a_scheme(self):
        self.scheme.active = False
        rows = self.simulate(event_id=self.event_reply.id)
        self.assertFalse(self.result["governed"])
        self.assertEqual(
            rows["Ben"]["inbox"], ("now", "follows the document and this kind of event")
        )
        self.assertEqual(rows["Ben"]["email"], ("suppressed", "prefers another channel"))

    def test_somebody_comes_into_a_role(self):
        added = self.env.ref("notify_routing.event_distribution_added")
        self.scheme.set_cell(added.id, added.role_id.id, {"email": True, "only_new": True})
        self.env["notify.distribution"].add("res.partner", self.document.id, self.client.ids)
        rows = self.simulate(event_id=added.id)
        self.assertEqual(rows["Mister Client"]["email"][0], "now")
        self.assertEqual(rows["Mister Client"]["inbox"][1], "is external: only e-mail reaches them")
        self.assertTrue(self.result["supposed"])

    def test_fault_is_shown_and_not_recorded(self):
        self.env.cr.execute(
            "UPDATE notify_scheme SET domain = %s WHERE id = %s",
            ["[('no_such_field', '=', 1)]", self.scheme.id],
        )
        self.scheme.invalidate_recordset()
        self.env.registry.clear_cache("stable")
        with self.assertLogs("odoo.addons.notify_routing", "WARNING"):
            preview = self.Router.preview("res.partner", self.document.id, "mail.mt_note")
        self.assertIn("no_such_field", preview["fault"])
        self.assertEqual(len(preview["people"]), 2, "Odoo's own recipients")
        self.assertFalse(self.scheme.fault)

    def test_every_reason_has_a_sentence(self):
        sentences = self.Router._sentences()
        for reason in ("off", "no_role", "prefers_other", "external", "no_push", "role", "quiet"):
            self.assertIn(reason, sentences)


@tagged("post_install", "-at_install")
class TestSimulateTours(HttpCase, SimulateCase):
    def test_simulate_on_a_scheme(self):
        self.chloe.group_ids |= self.env.ref("notify_routing.group_notify_manager")
        self.mute(self.ben)
        self.start_tour(
            f"/odoo/notification-schemes/{self.scheme.id}", "notify_simulate_scheme", login="chloe"
        )

    def test_simulate_a_message(self):
        self.document.with_user(self.chloe).message_post(
            body="Look at this", subtype_xmlid="mail.mt_note"
        )
        self.start_tour(
            f"/odoo/res.partner/{self.document.id}", "notify_simulate_message", login="chloe"
        )

    def test_preview_in_the_composer(self):
        self.start_tour(f"/odoo/res.partner/{self.document.id}", "notify_preview", login="chloe")

    def test_distribution_list_under_the_bell(self):
        self.scheme.active = False
        managers = self.env["notify.distribution.list"].create(
            {
                "name": "Site managers",
                "partner_ids": [(6, 0, (self.anna | self.ben).partner_id.ids)],
            }
        )
        self.start_tour(
            f"/odoo/res.partner/{self.document.id}", "notify_distribution", login="chloe"
        )
        entries = self.env["notify.distribution"].search([("res_id", "=", self.document.id)])
        self.assertEqual(entries.list_id, managers)
        self.assertFalse(entries.partner_id)
