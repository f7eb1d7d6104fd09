"""The addons leave a database that was worked with: nothing of theirs stays, and stock works."""

import os
import re
import subprocess
import sys
import uuid

import pytest

from machine_room import databases
from machine_room.company import Company, outside_of_tests

ADDONS = ("notify_routing", "notify_routing_correspondence")
UNINSTALL = """
env["ir.module.module"].search([("name", "=", "notify_routing")]).button_immediate_uninstall()
env.cr.commit()
"""


def run_odoo(*arguments, script=None):
    """Run Odoo in a process of its own and return its log."""
    command = [sys.executable, "-m", "odoo", *arguments, "-c", os.environ["NOTIFY_CONFIG"]]
    result = subprocess.run(
        [*command, "--no-http"], input=script, capture_output=True, text=True, timeout=600
    )
    log = result.stdout + result.stderr
    assert result.returncode == 0, log[-3000:]
    return log


def complaints(log):
    """Return the lines of a log that somebody would have to look at."""
    return [line for line in log.splitlines() if re.search(r" (WARNING|ERROR|CRITICAL) ", line)]


def configure(company):
    """Use everything that leaves something in the database."""
    env, users = company.env, company.users
    order_type = env["ir.model"]._get_id("sale.order")
    env["notify.preference"].create(
        {"user_id": users["ben"].id, "model_id": order_type, "channel": "both"}
    )
    lines = env["notify.subscription"].create(
        [
            {
                "scope": "team",
                "user_id": False,
                "team_id": company.team.id,
                "model_id": order_type,
                "level": "everything",
                "auto_follow": True,
            },
            {
                "scope": "user",
                "user_id": users["anna"].id,
                "level": "custom",
                "subtype_ids": [(6, 0, env.ref("mail.mt_note").ids)],
            },
        ]
    )
    for key, value in {"recipients_follow": "everybody", "hide_recipients": "True"}.items():
        env["ir.config_parameter"].set_param(f"notify_routing.{key}", value)
    users["anna"].group_ids += env.ref("notify_routing.group_notify_manager")
    company.commit()
    order = company.quotation(by="anna")
    company.as_user(env["notify.bell"], "anna").set_bell("sale.order", order.id, "mute")
    note = env.ref("mail.mt_note") | env.ref("mail.mt_comment")
    company.as_user(order, "chloe").with_context(notify_internal_confirmed=True).message_subscribe(
        company.partner.ids, note.ids
    )
    company.post(order, "With the addon", by="chloe")
    run = env["notify.subscription.run"].create({"subscription_ids": [(6, 0, lines.ids)]})
    run.action_start()
    company.run_action("notify_routing.ir_cron_subscription_run")
    assert run.state == "done"
    letter = env["notify.correspondence"].create({"subject": "A letter"})
    letter.message_subscribe(users["ben"].partner_id.ids)
    company.commit()
    return order


#: Everything that a schema is made of, and the configuration that modules bring, by name.
QUERIES = {
    "table": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    "column": "SELECT table_name || '.' || column_name FROM information_schema.columns"
    " WHERE table_schema = 'public'",
    "index": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": "SELECT conrelid::regclass || '.' || conname FROM pg_constraint",
    "sequence": "SELECT sequencename FROM pg_sequences",
    "numbers": "SELECT name FROM ir_sequence",
    # Odoo itself leaves xml ids of its own modules behind that name a model which is gone.
    "xmlid": "SELECT module || '.' || name FROM ir_model_data WHERE module ~ '^notify'",
    "model": "SELECT model FROM ir_model",
    "field": "SELECT model || '.' || name FROM ir_model_fields",
    "selection": "SELECT field.model || '.' || field.name || '.' || selection.value"
    " FROM ir_model_fields_selection selection JOIN ir_model_fields field"
    " ON field.id = selection.field_id",
    "parameter": "SELECT key FROM ir_config_parameter",
    "cron": "SELECT cron_name FROM ir_cron",
    "view": "SELECT name FROM ir_ui_view",
    "menu": "SELECT name->>'en_US' FROM ir_ui_menu",
    "action": "SELECT name->>'en_US' FROM ir_actions",
    "group": "SELECT name->>'en_US' FROM res_groups",
    "rule": "SELECT name FROM ir_rule",
    "access": "SELECT name FROM ir_model_access",
    "default": "SELECT field.model || '.' || field.name FROM ir_default"
    " JOIN ir_model_fields field ON field.id = ir_default.field_id",
    "asset": "SELECT path FROM ir_asset",
    "alias": "SELECT alias_name FROM mail_alias WHERE alias_name IS NOT NULL",
    "subtype": "SELECT name->>'en_US' FROM mail_message_subtype",
    "followed": "SELECT DISTINCT res_model FROM mail_followers WHERE res_model ~ '^notify'",
    "written": "SELECT DISTINCT model FROM mail_message WHERE model ~ '^notify'",
    "attached": "SELECT DISTINCT res_model FROM ir_attachment WHERE res_model ~ '^notify'",
}


def inventory(database):
    """Return what is in a database, see :data:`QUERIES`."""
    return {
        f"{kind} {name}"
        for kind, query in QUERIES.items()
        for (name,) in databases.configured().execute(query, database=database)
    }


class Left:
    """The database after the addons left, as :class:`Company` sees it.

    :param log: what Odoo said while they left
    """

    def __init__(self, company, order, log):
        self.company = company
        self.order = order
        self.log = log


@pytest.fixture(scope="module")
def left(world):
    import odoo
    from odoo.modules.registry import Registry

    name = f"uninstall_{uuid.uuid4().hex[:8]}"
    with outside_of_tests():
        databases.configured().copy(os.environ["NOTIFY_TEMPLATE"], name)
        try:
            with Company(name, world) as company:
                order = configure(company)
                # What leaving means, and once more at the end for what comes after.
                company._stack.close()
                log = run_odoo("shell", "-d", name, script=UNINSTALL)
                # The same people, in a registry without the addons.
                company.registry = Registry(name)
                company._stack.callback(company._forget)
                company.env = odoo.api.Environment(company.registry.cursor(), odoo.SUPERUSER_ID, {})
                company.users = {
                    login: company.env["res.users"].browse(user.id)
                    for login, user in company.users.items()
                }
                company.partner = company.env["res.partner"].browse(company.partner.id)
                company.team = company.env["crm.team"].browse(company.team.id)
                company.product = company.env["product.product"].browse(company.product.id)
                yield Left(company, company.env["sale.order"].browse(order.id), log)
        finally:
            databases.configured().drop(name)


def test_log_has_nothing_to_complain_of(left):
    assert complaints(left.log) == []


def test_database_is_that_of_stock(left):
    """No table, no column, no record of ours stays; and nothing that was there before is gone."""
    left.company.commit()
    stock = inventory(databases.stock_template(databases.configured()))
    ours = inventory(left.company.database)
    assert sorted(ours - stock) == []
    assert sorted(stock - ours) == []
    states = left.company.env["ir.module.module"].search([("name", "in", ADDONS)]).mapped("state")
    assert states == ["uninstalled", "uninstalled"]


def test_who_wanted_both_has_the_inbox(left):
    env, chloe = left.company.env, left.company.users["chloe"]
    assert chloe.notification_type == "inbox"
    assert env.ref("mail.group_mail_notification_type_inbox") in chloe.all_group_ids
    assert left.company.users["anna"].notification_type == "email"


def test_followers_stay_and_who_muted_is_left_in_peace(left):
    followers = left.order.message_follower_ids
    assert set(followers.partner_id.mapped("name")) == {"Anna", "Ben", "Chloé", "Mister Client"}
    anna = followers.filtered(lambda follower: follower.partner_id.name == "Anna")
    assert not anna.subtype_ids


def test_stock_posts_follows_sends_and_fetches(left):
    company = left.company
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.partner, *company.users.values())
    with company.letters() as letters:
        message = company.post(order, "Without the addon", by="anna")
    assert [entry.recipients for entry in letters] == [["client@customer.example"]]
    assert {row.res_partner_id.name: row.notification_type for row in message.notification_ids} == {
        "Ben": "inbox",
        "Chloé": "inbox",
        "Mister Client": "email",
    }
    assert [company.unread(login, message) for login in ("ben", "chloe")] == [True, True]
    letter = company.client.wait_for(subject=order.sudo().name)[-1]
    company.client.reply(letter, "I take it")
    with company.letters() as letters:
        company.fetch()
        company.send_queue()
    assert order.sudo().message_ids.filtered(lambda answer: "I take it" in answer.body)
    assert [entry.recipients for entry in letters] == [["anna@company.example"]]


def test_uninstalled_external_is_told_of_no_note_any_more(left):
    company = left.company
    with company.letters() as letters:
        company.post(left.order, "Between us", by="chloe", subtype="mail.mt_note")
    assert letters == []


def test_zz_installed_again_it_works_as_on_the_first_day(left):
    """Last, as it changes the database."""
    import odoo
    from odoo.modules.registry import Registry

    company = left.company
    company.commit()
    log = run_odoo("-d", company.database, "-i", ",".join(ADDONS), "--stop-after-init")
    assert complaints(log) == []
    Registry.delete(company.database)
    with Registry(company.database).cursor() as cursor:
        env = odoo.api.Environment(cursor, odoo.SUPERUSER_ID, {})
        assert not env["notify.subscription"].search_count([])
        order = env["sale.order"].browse(left.order.id)
        ben = env["res.users"].browse(company.users["ben"].id)
        env["notify.subscription"].create({"scope": "user", "user_id": ben.id, "level": "mentions"})
        order.message_unsubscribe(ben.partner_id.ids)
        order.message_subscribe(ben.partner_id.ids)
        follower = order.message_follower_ids.filtered(lambda row: row.partner_id == ben.partner_id)
        assert (follower.notify_origin, follower.subtype_ids.ids) == ("user", [])
        chloe = env["res.users"].browse(company.users["chloe"].id)
        assert chloe.notify_channel == "inbox", "both is forgotten with the addon"
        cursor.rollback()
