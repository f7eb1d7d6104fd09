from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from .common import NotifyCase


class RunCase(NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Run = cls.env["notify.subscription.run"]
        # A test has one transaction, and the scheduled action commits after each step.
        commit = patch.object(
            type(cls.env["ir.cron"]),
            "_commit_progress",
            lambda self, *_args, **_kwargs: self.env.flush_all() or float("inf"),
        )
        cls.startClassPatcher(commit)

    def leads(self, count, **values):
        """Make documents that nobody follows."""
        return (
            self.env["crm.lead"]
            .with_context(mail_create_nosubscribe=True, tracking_disable=True)
            .create(
                [
                    {"name": f"Lead {number}", "user_id": False, "team_id": False, **values}
                    for number in range(count)
                ]
            )
        )

    def run_of(self, lines, **values):
        return self.Run.create({"subscription_ids": [Command.set(lines.ids)], **values})

    def work(self):
        self.Run._cron_work()
        self.env.invalidate_all()

    def apply(self, lines, **values):
        run = self.run_of(lines, **values)
        run.action_start()
        self.work()
        self.assertEqual(run.state, "done", run.error)
        return run

    def undo(self, run):
        run.action_undo()
        self.work()
        self.assertEqual(run.state, "undone", run.error)

    def snapshot(self, documents):
        """Return everything that a run may change."""
        self.env.flush_all()
        self.env.invalidate_all()
        followers = self.env["mail.followers"].search(
            [("res_model", "=", documents._name), ("res_id", "in", documents.ids)], order="id"
        )
        return {
            (follower.res_id, follower.partner_id.id): (
                *follower._notify_memento(),
                follower.notify_muted,
            )
            for follower in followers
        }

    def names(self, document, user):
        return self.follower(document, user.partner_id).subtype_ids.mapped("name")


@tagged("post_install", "-at_install")
class TestRun(RunCase):
    # ------------------------------------------------------------
    # WHAT IT CHANGES, AND WHAT IT LEAVES ALONE
    # ------------------------------------------------------------

    def test_gives_the_default_to_those_who_follow_by_default(self):
        leads = self.leads(3)
        leads.message_subscribe(self.anna.partner_id.ids)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        run = self.apply(line)
        for lead in leads:
            follower = self.follower(lead, self.anna.partner_id)
            self.assertFalse(follower.subtype_ids)
            self.assertEqual(
                (follower.notify_origin, follower.notify_subscription_id), ("team", line)
            )
        self.assertEqual((run.changed_count, run.added_count), (3, 0))

    def test_leaves_choices_alone(self):
        """A choice with the bell, with stock's dialog, from before the addon, and a mute."""
        chosen, edited, muted, before, free = self.leads(5)
        people = self.anna.partner_id
        bell = self.env["notify.bell"].with_user(self.anna)
        (edited | muted | free).message_subscribe(people.ids)
        bell.set_bell("crm.lead", chosen.id, level="everything")
        edited.message_subscribe(people.ids, self.note.ids)
        bell.set_bell("crm.lead", muted.id, level="mute")
        before.message_subscribe(people.ids, (self.note | self.comment).ids)
        self.follower(before, people).notify_origin = False
        documents = chosen | edited | muted | before
        snapshot = self.snapshot(documents)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        preview = self.run_of(line)
        self.assertEqual(
            (preview.follower_count, preview.kept_count, preview.change_count), (5, 4, 1)
        )
        run = self.apply(line)
        self.assertEqual(run.changed_count, 1)
        self.assertEqual(self.snapshot(documents), snapshot)
        self.assertFalse(self.follower(free, people).subtype_ids)

    def test_row_from_before_the_addon_that_equals_odoos_default_gets_the_default(self):
        lead = self.leads(1)
        lead.message_subscribe(self.anna.partner_id.ids)
        follower = self.follower(lead, self.anna.partner_id)
        follower.notify_origin = False
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        self.assertEqual(self.apply(line).changed_count, 1)
        self.assertEqual(follower.notify_origin, "team")

    def test_leaves_alone_whom_another_default_speaks_of(self):
        """Only the chosen defaults are applied, and only where they are the strongest."""
        lead = self.leads(1)
        lead.message_subscribe((self.anna | self.ben).partner_id.ids)
        self.subscribe("user", user_id=self.anna.id, model="crm.lead", level="everything")
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        snapshot = self.snapshot(lead)
        preview = self.run_of(line)
        self.assertEqual((preview.follower_count, preview.change_count), (1, 1))
        self.apply(line)
        mine = (lead.id, self.anna.partner_id.id)
        self.assertEqual(self.snapshot(lead)[mine], snapshot[mine])
        self.assertFalse(self.follower(lead, self.ben.partner_id).subtype_ids)

    def test_externals_and_other_document_types_are_not_touched(self):
        lead = self.leads(1)
        partner = self.env["res.partner"].create({"name": "Document"})
        lead.message_subscribe(self.client.ids)
        partner.message_subscribe(self.anna.partner_id.ids)
        snapshots = self.snapshot(lead), self.snapshot(partner)
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        self.assertEqual(self.apply(line).changed_count, 0)
        self.assertEqual((self.snapshot(lead), self.snapshot(partner)), snapshots)

    def test_default_for_all_types_reaches_each_type(self):
        lead = self.leads(1)
        partner = self.env["res.partner"].create({"name": "Document"})
        lead.message_subscribe(self.anna.partner_id.ids)
        partner.message_subscribe(self.anna.partner_id.ids)
        line = self.subscribe("team", team_id=self.europe.id, level="mentions")
        preview = self.run_of(line)
        self.assertIn("Contact", preview.document_types)
        expected = preview.change_count
        self.assertEqual(self.apply(line).changed_count, expected)
        self.assertFalse(self.follower(lead, self.anna.partner_id).subtype_ids)
        self.assertFalse(self.follower(partner, self.anna.partner_id).subtype_ids)

    def test_default_of_a_company_counts_on_its_documents(self):
        other = self.env["res.company"].create({"name": "Other"})
        here, there = self.leads(2)
        here.company_id = self.env.company
        there.company_id = other
        (here | there).message_subscribe(self.anna.partner_id.ids)
        line = self.subscribe("company", company_id=other.id, model="crm.lead", level="mentions")
        preview = self.run_of(line)
        self.assertEqual(preview.change_count, 1)
        self.apply(line)
        self.assertTrue(self.names(here, self.anna))
        self.assertFalse(self.names(there, self.anna))

    def test_document_that_went_by_a_cascade_is_no_obstacle(self):
        lead, gone = self.leads(2)
        (lead | gone).message_subscribe(self.anna.partner_id.ids)
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM crm_lead WHERE id = %s", [gone.id])
        self.env.invalidate_all()
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        preview = self.run_of(line)
        self.assertEqual(preview.change_count, 1)
        self.assertEqual(self.apply(line).changed_count, 1)

    # ------------------------------------------------------------
    # FOLLOWING THE TEAM'S DOCUMENTS
    # ------------------------------------------------------------

    def test_members_start_to_follow_existing_documents(self):
        leads = self.leads(3, team_id=self.europe.id)
        leads[0].active = False
        other = self.leads(1)
        leads[1].message_subscribe(self.anna.partner_id.ids)
        line = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        preview = self.run_of(line)
        self.assertEqual((preview.change_count, preview.follow_count), (1, 8))
        run = self.apply(line)
        self.assertEqual((run.changed_count, run.added_count), (1, 8))
        for lead in leads:
            self.assertLessEqual(
                (self.anna | self.ben | self.chloe).partner_id, lead.message_partner_ids
            )
            self.assertFalse(self.names(lead, self.ben))
        self.assertFalse(other.message_partner_ids & self.ben.partner_id)
        self.assertEqual(self.run_of(line).follow_count, 0)

    def test_following_can_be_left_out(self):
        self.leads(2, team_id=self.europe.id)
        line = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        self.assertEqual(self.run_of(line, follow_team=False).follow_count, 0)
        self.assertEqual(self.apply(line, follow_team=False).added_count, 0)

    def test_only_the_chosen_members_start_to_follow(self):
        lead = self.leads(1, team_id=self.europe.id)
        self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        line = self.subscribe(
            "member",
            team_id=self.europe.id,
            user_id=self.anna.id,
            model="crm.lead",
            level="discussions",
            auto_follow=True,
        )
        self.assertEqual(self.run_of(line).follow_count, 1)
        self.apply(line)
        self.assertEqual(lead.message_partner_ids, self.anna.partner_id)

    # ------------------------------------------------------------
    # SIZE
    # ------------------------------------------------------------

    def test_more_than_three_thousand_documents_in_batches(self):
        leads = self.leads(3200, team_id=self.europe.id)
        self.env["mail.followers"]._insert_followers(
            "crm.lead", leads.ids, self.anna.partner_id.ids
        )
        snapshot = self.snapshot(leads)
        line = self.subscribe(
            "team", team_id=self.europe.id, model="crm.lead", level="mentions", auto_follow=True
        )
        run = self.apply(line)
        self.assertEqual((run.changed_count, run.added_count), (3200, 6400))
        self.assertGreaterEqual(len(run.step_ids), 4 + 9)
        self.assertEqual((run.done, run.total), (6400, 6400))
        self.undo(run)
        self.assertEqual(self.snapshot(leads), snapshot)

    def test_preview_costs_the_same_for_ten_and_a_hundred_documents(self):
        costs = []
        line = self.subscribe("team", team_id=self.europe.id, model="crm.lead", level="mentions")
        for count in (10, 90):
            self.leads(count).message_subscribe((self.anna | self.ben).partner_id.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.run_of(line)._preview()
            costs.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(costs[1], costs[0])
