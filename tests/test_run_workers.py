"""Defaults, and their application to existing documents, in real transactions at the same time."""

import threading
from unittest.mock import patch

import pytest
from workers import side_by_side, transaction

LEADS = 60


@pytest.fixture(scope="module")
def team(registry):
    """A team with one member, and its documents, which that member follows."""
    from odoo.tests.common import new_test_user

    with transaction(registry) as env:
        anna = new_test_user(env, "anna", "base.group_user", name="Anna")
        team = env["crm.team"].create({"name": "Europe", "user_id": anna.id})
        quiet = env["crm.lead"].with_context(tracking_disable=True, mail_create_nosubscribe=True)
        leads = quiet.create(
            [{"name": f"Lead {number}", "user_id": False} for number in range(LEADS)]
        )
        leads.message_subscribe(anna.partner_id.ids)
        return team.id


def choose(env, team_id, level, seen=False):
    return env["notify.subscription.table"].set_team(team_id, False, "crm.lead", level, seen=seen)


def forget(registry):
    with transaction(registry) as env:
        env["notify.subscription.run"].search([]).unlink()
        env["notify.subscription"].search([]).unlink()


@pytest.fixture
def run_id(registry, team):
    """An application that waits for a worker, in steps of three followers."""
    with transaction(registry) as env:
        choose(env, team, "mentions")
        line = env["notify.subscription"].search([])
        run = env["notify.subscription.run"].create({"subscription_ids": [(6, 0, line.ids)]})
        run.action_start()
    with patch(
        "odoo.addons.notify_routing.models.subscription.notify_subscription_run_step.BATCH", 3
    ):
        yield run.id
    with transaction(registry) as env:
        run = env["notify.subscription.run"].browse(run.id)
        run.action_undo()
        run._cron_work()
    forget(registry)


def assert_done_once(registry, run_id):
    with transaction(registry) as env:
        run = env["notify.subscription.run"].browse(run_id)
        assert (run.state, run.done, run.changed_count) == ("done", LEADS, LEADS)
        touched = [
            number for step in run.step_ids for group in step.changed for number in group["ids"]
        ]
        assert len(touched) == len(set(touched)) == LEADS


def test_two_workers_at_once_do_each_step_once(registry, run_id):
    from psycopg2 import OperationalError

    def work():
        # As Odoo's scheduler does: what was in somebody's way comes again.
        for _try in range(100):
            try:
                with transaction(registry) as env:
                    env["notify.subscription.run"]._cron_work()
                    return
            except OperationalError:
                continue

    assert not side_by_side(work, 2, seconds=120)
    with transaction(registry) as env:
        # Both may have left because the other one was at it.
        env["notify.subscription.run"]._cron_work()
    assert_done_once(registry, run_id)


def test_worker_leaves_a_run_to_the_one_who_has_it(registry, run_id):
    with transaction(registry) as first, transaction(registry) as second:
        assert first["notify.subscription.run"].browse(run_id).try_lock_for_update()
        second["notify.subscription.run"]._cron_work()
        assert second["notify.subscription.run"].browse(run_id).done == 0
    with transaction(registry) as env:
        env["notify.subscription.run"]._cron_work()
    assert_done_once(registry, run_id)


def test_worker_that_dies_within_a_step_leaves_nothing_half_done(registry, run_id):
    """A process that is killed loses its connection, and so does this cursor."""
    import odoo

    cursor = registry.cursor()
    env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
    run = env["notify.subscription.run"].browse(run_id)
    run._work()
    cursor.commit()
    run._work()
    env.flush_all()
    cursor._cnx.close()
    with transaction(registry) as env:
        run = env["notify.subscription.run"].browse(run_id)
        assert (run.state, run.done) == ("running", 3)
        run._cron_work()
    assert_done_once(registry, run_id)


def test_stop_while_a_worker_is_at_a_step(registry, run_id):
    """The click waits for the step, and then holds."""
    import odoo
    from odoo.service.model import retrying

    stopped = threading.Event()

    def stop():
        with registry.cursor() as cursor:
            env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
            retrying(env["notify.subscription.run"].browse(run_id).action_cancel, env)
        stopped.set()

    with transaction(registry) as env:
        env["notify.subscription.run"].browse(run_id)._work()
        env.flush_all()
        clicker = threading.Thread(target=stop)
        clicker.start()
        assert not stopped.wait(0.5)
    clicker.join(60)
    with transaction(registry) as env:
        run = env["notify.subscription.run"].browse(run_id)
        assert (run.state, run.done) == ("cancelled", 3)
        run._cron_work()
        assert run.done == 3
        run.action_start()
        run._cron_work()
    assert_done_once(registry, run_id)


def test_two_managers_who_choose_in_the_same_moment(registry, team):
    """The second one is told, and overwrites nothing, though neither saw the other's choice."""
    import odoo
    from odoo.service.model import retrying

    answers = []

    def choose_late():
        with registry.cursor() as cursor:
            env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
            # Its picture of the database is from before the other one's choice.
            env["notify.subscription"].search_count([])
            answers.append(retrying(lambda: choose(env, team, "everything"), env))

    try:
        with transaction(registry) as env:
            choose(env, team, "mentions")
            env.flush_all()
            late = threading.Thread(target=choose_late)
            late.start()
            late.join(0.5)
            assert late.is_alive(), "it waits for the first one"
        late.join(60)
        assert "changed this meanwhile" in answers[0]["conflict"]
        with transaction(registry) as env:
            assert env["notify.subscription"].search([]).mapped("level") == ["mentions"]
    finally:
        forget(registry)
