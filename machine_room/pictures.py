"""``make pictures``: the pictures of the README, taken from the running web client.

``make pictures ARGS="--dark --phone --rtl --to FOLDER"`` takes them, and more screens, as they are
in dark mode, on a phone or from right to left, to look at them; each option can be left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from . import addons, console, databases, debian, demo, lint, paths, serve

FOLDER = paths.ROOT / "docs" / "pictures"

ANY_VIEW = ".o_view_controller, .o_form_view"
#: A list, and on a phone its cards.
ROWS = ".o_data_row, .o_kanban_record"
#: Screens that need no click: picture, address after ``/odoo/``, and what to wait for. ``{…}`` are
#: records of :func:`furnish`.
SCREENS = (
    ("board", "action-notify_routing.notify_board_action", ".o-notify-Board-figure"),
    ("matrix", "action-notify_routing.notify_scheme_action/{scheme}", ".o-notify-Matrix"),
    (
        "correspondence",
        "action-notify_routing_correspondence.correspondence_action/{letter}",
        ".o-mail-Chatter",
    ),
    ("trail", "action-notify_routing.notify_trail_action", ROWS),
    (
        "deadline",
        "action-notify_routing.notify_deadline_action/{deadline}",
        ".o_form_view",
    ),
    ("waiting", "action-notify_routing.notify_waiting_action", ".o_view_controller"),
    ("check", "action-notify_routing.notify_check_action", ".o_view_controller"),
    ("sender", "action-notify_routing.notify_sender_action/{sender}", ".o_form_view"),
    ("delivery", "action-notify_routing.notify_delivery_action", ".o_view_controller"),
    ("quarantine", "action-notify_routing.notify_quarantine_action", ROWS),
    ("mailbox", "action-mail.action_email_server_tree/{mailbox}", ".o_form_view"),
)
#: Screens that are looked at, and not shown in the README.
MORE_SCREENS = (
    (
        "matrix-big",
        "action-notify_routing.notify_scheme_action/{big_scheme}",
        ".o-notify-Matrix",
    ),
    *(
        (f"all-{model}", f"action-notify_routing.notify_{model}_action", ANY_VIEW)
        for model in (
            "subscription",
            "subscription_run",
            "scheme",
            "scheme_line",
            "scheme_new",
            "distribution_list",
            "event",
            "role",
            "schedule",
            "preference",
            "deadline_alert_line",
            "deadline_forecast",
            "intake",
            "return_key",
            "sender_look",
            "sender_start",
        )
    ),
    ("alerts-of-companies", "action-notify_routing.res_company_action_alerts", ANY_VIEW),
    ("trail-mine", "action-notify_routing.notify_trail_action_mine", ANY_VIEW),
    ("alert", "notify.deadline.alert/{alert}", ".o_form_view"),
    ("settings", "settings", "#notify_trail_days"),
    ("alias-domain", "action-mail.mail_alias_domain_action/{alias_domain}", ".o_form_view"),
    ("server", "action-base.action_ir_mail_server_list/{server}", ".o_form_view"),
    ("check-form", "action-notify_routing.notify_check_action/{check}", ".o_form_view"),
    ("trail-form", "action-notify_routing.notify_trail_action/{trail}", ".o_form_view"),
    ("delivery-form", "action-notify_routing.notify_delivery_action/{delivery}", ".o_form_view"),
    ("quarantine-form", "action-notify_routing.notify_quarantine_action/{kept}", ".o_form_view"),
    (
        "forecast",
        "action-notify_routing.notify_deadline_forecast_board",
        ANY_VIEW,
    ),
)
#: A language that is written from right to left; our words stay English in it.
RIGHT_TO_LEFT = "ar_001"


def furnish(company) -> dict[str, int]:
    """Make records to show beside those of the demo, and return their ids by name."""
    env, users = company.env, company.users
    # Its first chat would cover the screens of a phone.
    env["res.users"].search([]).odoobot_state = "disabled"
    furnish_quarantine(company)
    writers = env.ref("notify_routing_correspondence.group_correspondence_user")
    writers.user_ids += users["anna"] | users["ben"] | users["chloe"]
    letter = company.as_user(env["notify.correspondence"], "anna").create(
        {
            "subject": "Fire doors on the second floor",
            "description": "<p>Which class do the doors to the staircase need?</p>",
            "assignee_ids": [(6, 0, users["ben"].ids)],
            "distribution_ids": [(6, 0, users["anna"].partner_id.ids)],
            "received_from_ids": [(6, 0, company.partner.ids)],
            "state": "open",
        }
    )
    deadline = env["notify.deadline"].create(
        {
            "name": "Quotations that expire",
            "model_id": env["ir.model"]._get_id("sale.order"),
            "date_field": "validity_date",
            "role_ids": [(6, 0, env.ref("notify_routing.role_leader").ids)],
            "offset_ids": [
                (0, 0, {"when": "before", "days": 3}),
                (0, 0, {"when": "on"}),
                (0, 0, {"when": "after", "days": 1, "times": 2}),
            ],
        }
    )
    sender = env["notify.sender"].create(
        {
            "name": "Quotations",
            "mode": "fixed",
            "address": "sales@company.example",
            "name_pattern": "%(author)s via %(company)s",
        }
    )
    scheme = env.ref("notify_routing_correspondence.scheme_correspondence")
    return {
        "letter": letter.id,
        "deadline": deadline.id,
        "sender": sender.id,
        "scheme": scheme.id,
        "mailbox": env["fetchmail.server"].search([], limit=1).id,
    }


def furnish_quarantine(company) -> None:
    """Let messages come in that cannot be posted, each for another reason."""
    env, client = company.env, company.client
    mailbox = env["fetchmail.server"].search([], limit=1)
    mailbox.write({"notify_trusted_servers": "mx.company.example", "notify_idle": True})
    domain = env.company.alias_domain_id
    mode = domain.notify_return_mode
    domain.notify_return_mode = "plus"
    removed, kept = company.quotation(by="anna"), company.quotation(by="anna")
    for order in (removed, kept):
        company.post(order, "Here is our offer.", by="anna", to=[company.partner])
    company.send_queue()
    (lost,) = client.wait_for(subject=removed.sudo().name)
    (found,) = client.wait_for(subject=kept.sudo().name)
    removed.sudo().state = "cancel"
    removed.sudo().unlink()
    domain.notify_return_mode = mode
    company.commit()
    address = found["Reply-To"].addresses[0].addr_spec
    local, _at, host = address.partition("@")
    client.send("orders@company.example", "Two boats", "Please bring two boats to our yard.")
    client.reply(lost, "We take it.", quote=False)
    client.reply(found, "And one more.", to=f"{local[:-1]}{'32'[local[-1] == '3']}@{host}")
    client.send(
        address,
        "Discount",
        "Give them half of it for nothing, please.",
        from_address="chloe@company.example",
        extra_headers={
            "Authentication-Results": "mx.company.example; dmarc=fail header.from=company.example"
        },
    )
    company.fetch()


def furnish_past(company) -> None:
    """Let a day have passed: mails of each hour, and why some people were not told.

    Before the story, so that the lists still begin with what that tells.
    """
    env = company.env
    server = env["ir.mail_server"].search([], limit=1)
    message = env["mail.message"].search([], order="id", limit=1)
    env.cr.execute(
        """INSERT INTO notify_delivery (email, state, code, reply, mail_class, server_id, attempts,
                                        mail_message_id, subject, date, date_first, date_last,
                                        date_sent)
           SELECT (ARRAY['client@customer.example', 'anna@company.example', 'chloe@company.example',
                         'orders@supplier.example', 'office@architects.example'])
                      [1 + least(number %% 9, number %% 7, 4)],
                  CASE WHEN number %% 41 = 0 THEN 'failed' WHEN number %% 59 = 0 THEN 'bounced'
                       ELSE 'sent' END,
                  CASE WHEN number %% 41 = 0 OR number %% 59 = 0 THEN 550 ELSE 250 END,
                  CASE WHEN number %% 41 = 0 OR number %% 59 = 0 THEN 'no such user' ELSE 'OK' END,
                  'normal', %s, 1, %s, 'Company: your order S0' || number, past.moment,
                  past.moment, past.moment, past.moment + interval '1 second' * (number %% 3)
             FROM generate_series(1, 600) number,
                  LATERAL (SELECT now() AT TIME ZONE 'utc' - interval '1 hour' *
                           (23 * power(abs(sin(number)), 1.5)) AS moment) past""",
        [server.id, message.id],
    )
    env["notify.suppression"].create(
        [
            {
                "mail_message_id": message.id,
                "channel": "email",
                "reason": reason,
                "email": "anna@company.example",
            }
            for reason, count in (("bell", 24), ("own_act", 17), ("muted", 9), ("dedupe", 4))
            for _time in range(count)
        ]
    )


def furnish_more(company) -> dict[str, int]:
    """Make records of the screens that are only looked at, and return their ids by name."""
    env = company.env
    alert = _alert(company)
    model = env["ir.model"]._get_id("sale.order")
    events = env["notify.event"].search([("model_id", "in", (model, False))])
    events |= env["notify.event"].create(
        [
            {"name": f"Event number {n} of this kind", "code": f"event_{n}", "kind": "fired"}
            for n in range(20 - len(events))
        ]
    )
    roles = env["notify.role"].search([("model_id", "in", (model, False))], limit=12)
    roles |= env["notify.role"].create(
        [
            {
                "name": f"People of kind {n}",
                "code": f"role_{n}",
                "kind": "group",
                "group_id": env.ref("base.group_user").id,
            }
            for n in range(12 - len(roles))
        ]
    )
    big_scheme = env["notify.scheme"].create(
        {
            "name": "Everything",
            "model_id": model,
            "line_ids": [
                (0, 0, {"event_id": event.id, "role_id": role.id, "email": True})
                for event in events[:20]
                for role in roles
            ],
        }
    )
    return {
        "alert": alert.id,
        "big_scheme": big_scheme.id,
        "server": env["ir.mail_server"].search([], limit=1).id,
        "check": env["notify.check"].search([("kind", "=", "outgoing")], limit=1).id,
        "trail": env["notify.trail"].search([("stage", "=", "delivery")], limit=1).id,
        "delivery": env["notify.delivery"].search([("state", "=", "failed")], limit=1).id,
        "kept": env["notify.quarantine"].search([], limit=1).id,
        "alias_domain": env.company.alias_domain_id.id,
    }


def _alert(company):
    """Let two quotations expire today and one later; return the alert of them."""
    today = datetime.now(UTC).date()
    quotations = company.quotation(by="anna") | company.quotation(by="anna")
    quotations.sudo().validity_date = today
    company.quotation(by="anna").sudo().validity_date = today + timedelta(days=5)
    deadline = company.env["notify.deadline"].with_context(active_test=False).search(
        [("date_field", "=", "validity_date")]
    )  # fmt: skip
    deadline.action_unarchive()
    deadline._run_round(company.env.company, today)
    return company.env["notify.deadline.alert"].search([], limit=1)


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    modules = lint.node_modules()
    port = serve.free_port()
    others = addons.other("web_dark_mode") if options.dark else None
    folders = tuple(folder for folder in (paths.ROOT, others) if folder)
    # Odoo turns style sheets from right to left with a program of this name.
    os.environ["PATH"] += os.pathsep + str(modules / ".bin")
    with databases.postgres() as server:
        database = demo.prepare(server)
        if others:
            databases.install(
                server, database, ["web_dark_mode"], what="Installing dark mode", addons=folders
            )
        from .company import Company
        from .mailworld import MailWorld

        console.step("Playing the demo")
        with MailWorld() as world:
            with Company(database, world) as company:
                scene = _play(company, bool(options.to))
                if options.dark:
                    _darken(company.env)
                if options.rtl:
                    company.env["res.lang"]._activate_lang(RIGHT_TO_LEFT)
                    company.env["res.users"].search([]).lang = RIGHT_TO_LEFT
                company.commit()
            with serve.odoo_server(server, database, port, folders):
                console.step("Taking the pictures")
                scene |= {
                    "address": f"http://127.0.0.1:{port}",
                    "folder": str(options.to or FOLDER),
                    "phone": options.phone,
                    "dark": options.dark,
                    "only": options.only,
                }
                Path(scene["folder"]).mkdir(parents=True, exist_ok=True)
                return subprocess.call(
                    ["node", str(paths.ROOT / "machine_room/pictures.mjs"), json.dumps(scene)],
                    env=dict(
                        os.environ,
                        NOTIFY_NODE_MODULES=str(modules),
                        NOTIFY_CHROMIUM=debian.find("chromium") or "chromium",
                    ),
                    stdout=sys.stdout,
                )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("--dark", action="store_true", help="in dark mode")
    parser.add_argument("--phone", action="store_true", help="375 pixels wide")
    parser.add_argument("--rtl", action="store_true", help="from right to left")
    parser.add_argument("--to", type=Path, help="folder, for more screens than the README's")
    parser.add_argument("--only", nargs="*", help="names of the screens to take")
    options = parser.parse_args(arguments)
    if (options.dark or options.phone or options.rtl) and not options.to:
        parser.error("those are not the README's pictures: say where they go (--to FOLDER)")
    return options


def _darken(env) -> None:
    """Choose dark mode for everybody; this process does not know the addon's field."""
    for user in env["res.users"].search([("share", "=", False)]):
        env["res.users.settings"]._find_or_create_for_user(user)
    env.flush_all()
    env.cr.execute("UPDATE res_users_settings SET dark_mode = true")


def _play(company, more: bool) -> dict:
    """Play the demo and furnish it; return what there is to take pictures of."""
    furnish_past(company)
    story = demo.Story(company)
    demo.tell(story)
    order = company.env["sale.order"].search([], limit=1, order="id DESC")
    digest = _digest(company, order)
    ids = furnish(company)
    company.env["notify.check"]._sync()
    company.run_action("notify_routing.ir_cron_check")
    if more:
        ids |= furnish_more(company)
    return {
        "order": order.id,
        "team": company.team.id,
        "digest": str(digest),
        "screens": [
            {"name": name, "path": path.format(**ids), "wait": wait}
            for name, path, wait in SCREENS + (MORE_SCREENS if more else ())
        ],
    }


def _digest(company, order):
    """Let three messages wait for Anna; return a page with the digest that they would become."""
    anna = company.users["anna"]
    schedule = company.env.ref("notify_routing.schedule_weekdays")
    company.as_user(company.env["notify.preference"], "anna").set_my_time(
        {"schedule_id": schedule.id}
    )
    other = company.quotation(by="anna")
    company.follow(other, anna)
    for document, text in (
        (order, "The customer asks for two days more. I said yes, the yard is free until then."),
        (order, "And they would like it in blue."),
        (other, "Can you have a look at the discount before noon?"),
    ):
        company.post(document, text, by="chloe")
    order.sudo().action_confirm()
    company.commit()
    Review = company.env["notify.review"]
    Review._waiting(anna).notify_due = "2020-01-01 08:00:00"
    Review._release(Review._claim())
    mail = company.env["mail.mail"].search([("notify_review", "=", "digest")], limit=1)
    page = paths.CACHE / "digest.html"
    page.write_text(mail.body_html)
    # They go on waiting, for the picture of the preferences.
    company.env.cr.rollback()
    company.env.invalidate_all()
    return page


if __name__ == "__main__":
    console.main(main)
