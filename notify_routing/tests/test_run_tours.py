from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from ..models.subscription import notify_subscription_run_step as step_module
from .test_run import RunCase


@tagged("post_install", "-at_install")
class TestRunTours(HttpCase, RunCase):
    def tour(self, name):
        self.start_tour(f"/odoo/crm.team/{self.europe.id}", name, login="chloe", timeout=120)

    def test_o2_run_in_the_browser(self):
        """Preview, apply, progress, stop, go on, undo, all by clicking."""
        leads = self.leads(7)
        leads.message_subscribe(self.anna.partner_id.ids)
        leads[0].message_subscribe(self.anna.partner_id.ids, self.note.ids)
        self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        snapshot = self.snapshot(leads)
        Run = type(self.Run)
        read_progress = Run.read_progress

        def work_first(run):
            """Stand in for the scheduled action: a step each time that the bar asks."""
            answer = read_progress(run)
            if run.state in ("running", "undoing"):
                run.sudo()._work()
            return answer

        with (
            patch.object(step_module, "BATCH", 3),
            patch.object(Run, "read_progress", work_first),
        ):
            self.tour("notify_run")
        run = self.Run.search([])
        self.assertEqual((run.state, run.changed_count, run.kept_count), ("undone", 6, 0))
        self.assertEqual(self.snapshot(leads), snapshot)

    def test_run_with_nothing_to_do(self):
        self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        self.tour("notify_run_nothing_to_do")

    def test_run_without_defaults(self):
        self.tour("notify_run_without_defaults")
