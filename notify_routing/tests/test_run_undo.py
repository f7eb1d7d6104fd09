from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.subscription import notify_subscription_run_step as step_module
from .test_run import RunCase


@tagged("post_install", "-at_install")
class TestRunUndo(RunCase):
    # ------------------------------------------------------------
    # PREVIEW, STOP, GO ON, UNDO
    # ------------------------------------------------------------

    def test_preview_counts_what_happens(self):
        leads = self.leads(12, team_id=self.europe.id)
        leads[:9].message_subscribe((self.anna | self.ben).partner_id.ids)
        leads[0].message_subscribe(self.anna.partner_id.ids, self.note.ids)
        leads[1].company_id = self.env.company
        self.env["notify.bell"].with_user(self.ben).set_bell("crm.lead", leads[2].id, level="mute")
        lines = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="everything", auto_follow=True
        )
        lines |= self.subscribe(
            "member", team_id=self.europe.id, user_id=self.ben.id, level="mentions"
        )
        run = self.run_of(lines)
        # Ben's own line says nothing of following, and comes before the team's.
        preview = run.change_count, run.follow_count
        self.assertEqual((*preview, run.kept_count), (16 + self._other_follows(run), 15, 2))
        run.action_start()
        self.work()
        self.assertEqual((run.changed_count, run.added_count), preview)

    def _other_follows(self, run):
        """Return how much the line for all document types changes besides leads."""
        return sum(
            count["change"] for model, count in run._preview().items() if model != "crm.lead"
        )

    def test_nothing_happens_before_it_is_started(self):
        lead = self.leads(1)
        lead.message_subscribe(self.anna.partner_id.ids)
        snapshot = self.snapshot(lead)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        self.run_of(line)
        self.work()
        self.assertEqual(self.snapshot(lead), snapshot)

    def test_stop_then_go_on(self):
        leads = self.leads(7)
        leads.message_subscribe(self.anna.partner_id.ids)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        run = self.run_of(line)
        with patch.object(step_module, "BATCH", 3):
            run.action_start()
            run._work()
            run.action_cancel()
            self.work()
            self.assertEqual((run.state, run.done, run.changed_count), ("cancelled", 3, 3))
            run.action_start()
            self.work()
        self.assertEqual((run.state, run.done, run.changed_count), ("done", 7, 7))
        self.assertEqual(run.progress, 100)
        self.assertFalse([lead for lead in leads if self.names(lead, self.anna)])

    def test_undo_restores_exactly(self):
        leads = self.leads(9, team_id=self.europe.id)
        leads[:4].message_subscribe((self.anna | self.chloe).partner_id.ids)
        leads[1].message_subscribe(self.anna.partner_id.ids, self.note.ids)
        older = self.follower(leads[2], self.anna.partner_id)
        older.notify_origin = False
        company = self.subscribe("company", company_id=self.env.company.id, level="everything")
        leads[4].message_subscribe(self.ben.partner_id.ids)
        self.assertEqual(
            self.follower(leads[4], self.ben.partner_id).notify_subscription_id, company
        )
        snapshot = self.snapshot(leads)
        line = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        with patch.object(step_module, "BATCH", 4):
            run = self.apply(line)
            self.assertNotEqual(self.snapshot(leads), snapshot)
            self.assertGreater(len(run.step_ids), 3)
            self.undo(run)
        self.assertEqual(self.snapshot(leads), snapshot)
        self.assertEqual(run.restored_count, run.changed_count + run.added_count)
        self.assertFalse(run.step_ids)

    def test_undo_leaves_alone_what_somebody_changed_since(self):
        chosen, edited, muted, again, free = self.leads(5, team_id=self.europe.id)
        leads = chosen | edited | muted | again | free
        leads.message_subscribe(self.anna.partner_id.ids)
        snapshot = self.snapshot(leads)
        line = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        run = self.apply(line)
        for user in (self.anna, self.ben):
            bell = self.env["notify.bell"].with_user(user)
            bell.set_bell("crm.lead", chosen.id, level="everything")
            edited.message_subscribe(user.partner_id.ids, self.note.ids)
            bell.set_bell("crm.lead", muted.id, level="mute")
        self.follower(again, self.anna.partner_id).subtype_ids = self.comment
        changed = chosen | edited | muted
        since = self.snapshot(changed)
        self.undo(run)
        of_anna_and_ben = {*self.anna.partner_id.ids, *self.ben.partner_id.ids}
        self.assertEqual(
            self.snapshot(changed),
            {key: value for key, value in since.items() if key[1] in of_anna_and_ben},
        )
        self.assertEqual(self.names(again, self.anna), self.comment.mapped("name"))
        self.assertEqual(
            self.snapshot(free), {key: snapshot[key] for key in snapshot if key[0] == free.id}
        )

    def test_undo_of_the_first_of_two_runs_keeps_the_second(self):
        lead = self.leads(1)
        lead.message_subscribe(self.anna.partner_id.ids)
        first = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        run = self.apply(first)
        second = self.subscribe(
            "member",
            team_id=self.europe.id,
            user_id=self.anna.id,
            model="crm.lead",
            level="discussions",
        )
        self.apply(second)
        self.undo(run)
        self.assertEqual(self.follower(lead, self.anna.partner_id).notify_subscription_id, second)

    def test_undo_after_the_default_was_removed(self):
        lead = self.leads(1)
        lead.message_subscribe(self.anna.partner_id.ids)
        snapshot = self.snapshot(lead)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        run = self.apply(line)
        line.unlink()
        self.undo(run)
        self.assertEqual(self.snapshot(lead), snapshot)

    def test_undo_of_a_run_that_was_stopped(self):
        leads = self.leads(7)
        leads.message_subscribe(self.anna.partner_id.ids)
        snapshot = self.snapshot(leads)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        run = self.run_of(line)
        with patch.object(step_module, "BATCH", 3):
            run.action_start()
            run._work()
            run.action_cancel()
            self.undo(run)
        self.assertEqual(self.snapshot(leads), snapshot)

    # ------------------------------------------------------------
    # WHAT CAN GO WRONG
    # ------------------------------------------------------------

    def test_killed_between_and_within_steps_goes_on(self):
        leads = self.leads(8, team_id=self.europe.id)
        leads[:5].message_subscribe(self.anna.partner_id.ids)
        line = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        run = self.run_of(line)
        preview = run.change_count, run.follow_count
        run.action_start()
        Followers = type(self.env["mail.followers"])
        restore = Followers._notify_restore

        def die_afterwards(followers, memento):
            restore(followers, memento)
            raise SystemExit

        with patch.object(step_module, "BATCH", 2):
            run._work()
            with self.assertRaises(SystemExit), self.env.cr.savepoint():
                with patch.object(Followers, "_notify_restore", die_afterwards):
                    run._work()
            self.env.invalidate_all()
            self.assertEqual((run.state, run.done, run.changed_count), ("running", 2, 2))
            self.work()
        self.assertEqual((run.state, run.changed_count, run.added_count), ("done", *preview))
        self.assertEqual(len(self.snapshot(leads)), 8 * 3)

    @mute_logger("odoo.addons.notify_routing.models.subscription.notify_subscription_run_step")
    def test_error_stops_one_run_and_not_the_others(self):
        lead = self.leads(1)
        lead.message_subscribe((self.anna | self.ben).partner_id.ids)
        bad = self.run_of(
            self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="mentions")
        )
        good = self.run_of(
            self.subscribe("user", user_id=self.ben.id, model="crm.lead", level="mentions")
        )
        (bad | good).action_start()
        Run = type(self.Run)
        step = Run._step

        def fail(run):
            if run == bad:
                raise ValueError("The disk is full")
            return step(run)

        with patch.object(Run, "_step", fail):
            self.work()
        self.assertEqual((bad.state, bad.error), ("cancelled", "The disk is full"))
        self.assertEqual(good.state, "done")
        bad.action_start()
        self.work()
        self.assertEqual((bad.state, bad.error), ("done", False))

    def test_somebody_elses_transaction_in_the_way_is_no_error(self):
        run = self.run_of(
            self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="mentions")
        )
        run.action_start()
        with (
            patch.object(type(self.Run), "_step", side_effect=SerializationFailure),
            self.assertRaises(SerializationFailure),
        ):
            run._work()
        self.assertEqual(run.state, "running")

    def test_buttons_that_make_no_sense_are_refused(self):
        line = self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="mentions")
        run = self.run_of(line)
        with self.assertRaises(UserError):
            run.action_undo()
        run.action_start()
        with self.assertRaises(UserError):
            run.action_start()
        line.unlink()
        empty = self.run_of(line.browse())
        with self.assertRaises(UserError):
            empty.action_start()

    def test_who_may(self):
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        with self.assertRaises(AccessError):
            self.Run.with_user(self.anna).create({"subscription_ids": [Command.set(line.ids)]})
        # In a request of its own nothing is in the cache that she may not read herself.
        self.env.flush_all()
        self.env.invalidate_all()
        action = self.europe.with_user(self.chloe).action_notify_apply()
        run = self.Run.with_user(self.chloe).browse(action["res_id"])
        self.env.invalidate_all()
        view = run.get_views([(False, "form")])["models"][run._name]["fields"]
        self.assertEqual(run.read(list(view))[0]["name"], "Europe: Lead")
        self.assertEqual(run.subscription_ids, line)
        run.action_start()
        self.work()
        self.assertEqual(run.read_progress()["state"], "done")
        run.action_undo()
        with self.assertRaises(AccessError):
            self.Run.with_user(self.anna).browse(run.id).read_progress()

    def test_previews_that_nobody_applied_are_forgotten(self):
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        old, fresh, done = (self.run_of(line) for _number in range(3))
        done.state = "done"
        self.env.cr.execute(
            "UPDATE notify_subscription_run SET create_date = now() - interval '2 days'"
            " WHERE id = ANY(%s)",
            [(old | done).ids],
        )
        self.env.invalidate_all()
        self.Run._gc_previews()
        self.assertEqual((old | fresh | done).exists(), fresh | done)
