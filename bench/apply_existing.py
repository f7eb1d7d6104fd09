"""Apply a team's default to documents that exist: how long, and how much memory.

    python -m bench.apply_existing --documents 50000

Prints one line a phase: what was done, seconds, and by how much the process grew at most. The
documents' team lets two more members follow each of them, so that the second phase makes rows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from machine_room import console, databases, demo, tests

DATABASE = "bench_apply"
#: What the process may grow by, in MB, however many documents there are.
LIMIT = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.apply_existing", description=__doc__)
    parser.add_argument("--documents", type=int, default=50_000)
    options = parser.parse_args()
    with databases.postgres() as server:
        server.copy(tests.addon_template(server), DATABASE)
        try:
            demo.configure(server)
            return measure(options.documents)
        finally:
            server.drop(DATABASE)


def measure(documents: int) -> int:
    import odoo
    from odoo.modules.registry import Registry

    with Registry(DATABASE).cursor() as cursor:
        env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
        run = prepare(env, documents)
        env.invalidate_all()
        preview, first = phase("preview", lambda: (run.change_count, run.follow_count))
        run.action_start()
        _none, second = phase("apply", run._cron_work)
        found = run.state, run.changed_count, run.added_count
        console.say(f"   {found}, previewed {preview}")
        run.action_undo()
        _none, third = phase("undo", run._cron_work)
        console.say(f"   {run.state}, put back {run.restored_count}")
        grown = max(first, second, third)
        console.say(f"grew by {grown:.0f} MB at most; {LIMIT} MB are allowed")
        as_previewed = found == ("done", *preview)
        return 0 if as_previewed and run.restored_count == sum(preview) and grown < LIMIT else 1


def prepare(env, documents: int):
    """Make a team, its documents and their followers, and return the run to measure."""
    from odoo.tests.common import new_test_user

    anna, ben, chloe = (
        new_test_user(env, login, "base.group_user", name=login)
        for login in ("anna", "ben", "chloe")
    )
    team = env["crm.team"].create(
        {"name": "Europe", "user_id": chloe.id, "member_ids": [(6, 0, (anna | ben).ids)]}
    )
    env.flush_all()
    env.cr.execute(
        """
        INSERT INTO crm_lead (name, type, team_id, active, create_date)
        SELECT 'Lead ' || number, 'opportunity', %s, TRUE, now()
          FROM generate_series(1, %s) number
        """,
        [team.id, documents],
    )
    default, _internal, _external = env["mail.message.subtype"].default_subtypes("crm.lead")
    env.cr.execute(
        """
          WITH follower AS (
               INSERT INTO mail_followers (res_model, res_id, partner_id, notify_origin)
               SELECT 'crm.lead', id, %s, 'odoo' FROM crm_lead WHERE team_id = %s
            RETURNING id)
        INSERT INTO mail_followers_mail_message_subtype_rel
               (mail_followers_id, mail_message_subtype_id)
        SELECT follower.id, subtype.id
          FROM follower, unnest(%s) subtype (id)
        """,
        [anna.partner_id.id, team.id, default.ids],
    )
    env.cr.execute("ANALYZE mail_followers, mail_followers_mail_message_subtype_rel, crm_lead")
    line = env["notify.subscription"].create(
        {
            "scope": "team",
            "user_id": False,
            "team_id": team.id,
            "model_id": env["ir.model"]._get_id("crm.lead"),
            "level": "everything",
            "auto_follow": True,
        }
    )
    run = env["notify.subscription.run"].create({"subscription_ids": [(6, 0, line.ids)]})
    env.cr.commit()
    return run


def phase(name: str, work):
    """Do some work, say what it took, and return its result and the MB by which memory grew."""
    forget_peak()
    before, started, processor = memory("VmRSS"), time.monotonic(), time.process_time()
    result = work()
    grown = memory("VmHWM") - before
    console.say(
        f"{name}: {time.monotonic() - started:.1f} s ({time.process_time() - processor:.1f} s of "
        f"processor), grew by {grown:.0f} MB from {before:.0f} MB"
    )
    return result, grown


def forget_peak() -> None:
    """Have the kernel measure the largest size of this process afresh."""
    Path("/proc/self/clear_refs").write_text("5")


def memory(name: str) -> float:
    """Return a size of this process in MB: ``VmRSS`` now, or ``VmHWM``, the largest so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise console.Trouble(f"This system does not tell {name}; the benchmark needs Linux.")


if __name__ == "__main__":
    console.main(main)
