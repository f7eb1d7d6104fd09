import csv
import gzip
import io
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestRetention(NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Retention = cls.env["notify.retention"]
        cls.now = fields.Datetime.now()
        cls.old = cls.delivery(400)
        cls.young = cls.delivery(300)
        cls.stuck = cls.delivery(400, state="retrying")

    @classmethod
    def delivery(cls, age, **values):
        return cls.env["notify.delivery"].create(
            {
                "email": f"days{age}@customer.example",
                "date": cls.now - timedelta(days=age),
                "state": "sent",
                **values,
            }
        )

    def param(self, **values):
        for name, value in values.items():
            self.env["ir.config_parameter"].set_param(f"notify_routing.{name}", value)

    def archives(self):
        return self.env["ir.attachment"].search([("name", "=like", "notify.delivery-%.csv.gz")])

    def test_a_year_is_kept_and_what_is_under_way(self):
        self.assertEqual(self.Retention._gc_trail(), (1, False))
        self.assertFalse(self.old.exists())
        self.assertTrue(self.young.exists() and self.stuck.exists())
        self.assertFalse(self.archives())

    def test_days_are_a_setting_and_nonsense_is_the_default(self):
        self.param(trail_days="30")
        self.Retention._gc_trail()
        self.assertFalse(self.young.exists())
        for nonsense in ("", "0", "-5", "soon"):
            self.param(trail_days=nonsense)
            self.assertEqual(self.Retention._days(), 365)

    def test_what_is_deleted_is_in_the_archive(self):
        self.param(trail_archive="True")
        self.Retention._gc_trail()
        archive = self.archives()
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(archive.raw).decode())))
        self.assertEqual([row["email"] for row in rows], ["days400@customer.example"])
        self.assertEqual(rows[0]["state"], "sent")

    def test_large_trails_go_step_by_step(self):
        self.delivery(401)
        with patch("odoo.addons.notify_routing.models.trail.notify_retention.STEP", 1):
            self.assertEqual(self.Retention._gc_trail(), (1, True))
            self.assertEqual(self.Retention._gc_trail(), (1, True))
            self.assertEqual(self.Retention._gc_trail(), (0, False))

    def test_odoos_clean_up_waits_for_the_trail(self):
        document = self.env["res.partner"].create({"name": "Document"})
        message = document.message_post(body="Hi", partner_ids=self.ben.partner_id.ids)
        row = message.notification_ids
        row.write({"is_read": True, "notification_status": "sent"})
        for age, kept in ((200, True), (400, False)):
            row.read_date = self.now - timedelta(days=age)
            self.env["mail.notification"]._gc_notifications(max_age_days=180)
            self.assertEqual(bool(row.exists()), kept)
