"""What nobody uses costs nothing: stock and the addon, side by side, query by query."""

import contextlib
import os
import uuid

import pytest

from machine_room import databases


def _server():
    from odoo.tools import config

    return databases.Postgres(
        config["db_host"], config["db_port"], config["db_user"], config["db_password"] or ""
    )


@contextlib.contextmanager
def _environment(template):
    """Give an environment on a copy of a database, taken back at the end."""
    import odoo
    from odoo.modules.registry import Registry

    from machine_room.company import outside_of_tests

    server, name = _server(), f"cost_{uuid.uuid4().hex[:8]}"
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
    stock = databases.stock_template(_server())
    assert _count(os.environ["NOTIFY_TEMPLATE"], act, count, channel) == _count(
        stock, act, count, channel
    )
