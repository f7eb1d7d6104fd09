"""What nobody uses costs nothing: stock and the addon, side by side, query by query."""

import contextlib
import os
import uuid

import pytest

from machine_room import databases


@contextlib.contextmanager
def _environment(template):
    """Give an environment on a copy of a database, taken back at the end."""
    import odoo
    from odoo.modules.registry import Registry

    from machine_room.company import outside_of_tests

    server, name = databases.configured(), f"cost_{uuid.uuid4().hex[:8]}"
    server.copy(template, name)
    try:
        with outside_of_tests(), Registry(name).cursor() as cursor:
            yield odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
            cursor.rollback()
    finally:
        Registry.delete(name)
        odoo.sql_db.close_db(name)
        server.drop(name)


def _people(env, count, channel):
    """Make users who follow, half of them told in-app when the channel is mixed."""
    users = env["res.users"].with_context(no_reset_password=True).create(
        [
            {
                "name": f"User {number}",
                "login": f"user{number}",
                "email": f"user{number}@company.example",
                "group_ids": [(6, 0, env.ref("base.group_user").ids)],
            }
            for number in range(count)
        ]
    )  # fmt: skip
    for number, user in enumerate(users):
        user.notification_type = (
            "inbox" if channel == "inbox" or (channel == "mixed" and number % 2) else "email"
        )
    return users.partner_id


def _crowd(env, count, group):
    """Make users like :func:`_people`, a thousand in a second: copies in the database.

    They want e-mail: what Odoo itself sends to so many Inboxes grows with their square.
    """
    first = _people(env, 1, "email").user_ids
    first.group_ids += group
    env.flush_all()
    partner_ids = _copies(env, "res_partner", first.partner_id.id, count - 1, {})
    user_ids = _copies(
        env,
        "res_users",
        first.id,
        count - 1,
        {"login": "'crowd' || number", "partner_id": "(%s::int[])[number]"},
        partner_ids,
    )
    for table, column in (("res_groups_users_rel", "gid"), ("res_company_users_rel", "cid")):
        user = "uid" if column == "gid" else "user_id"
        env.cr.execute(
            f"INSERT INTO {table} ({user}, {column}) SELECT new, {column} FROM {table}, "
            f"unnest(%s) new WHERE {user} = %s",
            [user_ids, first.id],
        )
    env.invalidate_all()
    env.registry.clear_all_caches()
    return env["res.users"].browse([first.id, *user_ids]).partner_id


def _copies(env, table, id_, count, changed, *arguments):
    """Copy a row of a table some times and return the ids of the copies.

    :param changed: column → SQL for its value, of ``number`` from 1
    """
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
    )
    names = [name for (name,) in env.cr.fetchall() if name != "id"]
    values = ", ".join(changed.get(name, f'source."{name}"') for name in names)
    env.cr.execute(
        f"""INSERT INTO {table} ({", ".join(f'"{name}"' for name in names)})
            SELECT {values} FROM {table} source, generate_series(1, %s) number
             WHERE source.id = %s RETURNING id""",
        [*arguments, count, id_],
    )
    return [new for (new,) in env.cr.fetchall()]


def _post(env, partners):
    document = env["res.partner"].create({"name": "Document"})
    document.message_subscribe(partners.ids)
    env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "0")

    def act():
        document.message_post(
            body="Good morning", message_type="comment", subtype_xmlid="mail.mt_comment"
        )

    return act


def _note(env, partners):
    document = env["res.partner"].create({"name": "Document"})
    document.message_subscribe(partners.ids)
    return lambda: document.message_post(body="A note", subtype_xmlid="mail.mt_note")


def _to(env, partners):
    document = env["res.partner"].create({"name": "Document"})
    env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "0")
    return lambda: document.message_post(
        body="To you",
        message_type="comment",
        subtype_xmlid="mail.mt_comment",
        partner_ids=partners.ids,
    )


def _follow(env, partners):
    documents = iter(
        env["res.partner"].create([{"name": f"Document {number}"} for number in range(5)])
    )
    return lambda: next(documents).message_subscribe(partners.ids)


def _assign(env, partners):
    """Create a lead with a salesperson: the responsible follows, and is told."""
    user = partners[:1].user_ids
    env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "0")
    return lambda: env["crm.lead"].create(
        {"name": "Lead", "user_id": user.id, "type": "opportunity"}
    )


def _count(template, act, count, channel):
    """Return the queries of one act, the second time it is done (caches are warm)."""
    with _environment(template) as env:
        do = act(env, _people(env, count, channel))
        for _time in range(2):
            env.flush_all()
            env.invalidate_all()
            before = env.cr.sql_log_count
            do()
            env.flush_all()
            counted = env.cr.sql_log_count - before
        return counted


@pytest.mark.parametrize(
    ("act", "count", "channel"),
    [
        (_post, 1, "email"),
        (_post, 1, "inbox"),
        (_post, 11, "mixed"),
        (_note, 3, "mixed"),
        (_to, 3, "mixed"),
        (_follow, 3, "mixed"),
        (_assign, 1, "inbox"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)).strip("_"),
)
def test_unconfigured_act_runs_exactly_the_queries_of_stock(act, count, channel):
    stock = databases.stock_template(databases.configured())
    assert _count(os.environ["NOTIFY_TEMPLATE"], act, count, channel) == _count(
        stock, act, count, channel
    )
