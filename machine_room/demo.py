"""``make demo``: the main job, from a quotation to the customer's answer, checked step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import console, databases, tests

if TYPE_CHECKING:
    from .company import Company

DATABASE = "demo"
LOGINS = "Logins: anna / anna, ben / ben, chloe / chloe (team leader), admin / admin"


@dataclass
class Story:
    """What happens, what was expected, and what became of it."""

    company: Company
    misses: list[str] = field(default_factory=list)
    messages: list[tuple[str, Any]] = field(default_factory=list)

    def step(self, text: str) -> None:
        console.say(f"\n▸ {text}")

    def expect(self, what: str, found: object, expected: object) -> None:
        """Say whether something is as expected, and remember it if not."""
        if found == expected:
            console.say(f"   ✓ {what}")
        else:
            console.say(f"   ✗ {what}: expected {expected}, found {found}")
            self.misses.append(what)

    def told(self, title: str, message, expected: dict[str, str]) -> None:
        """Check who was told of a message, and how."""
        self.messages.append((title, message))
        self.expect(f"told: {_people(expected)}", self.company.told(message), expected)


def _people(told: dict[str, str]) -> str:
    return ", ".join(f"{name} ({channel})" for name, channel in sorted(told.items())) or "nobody"


# ------------------------------------------------------------
# THE STORY
# ------------------------------------------------------------


def tell(story: Story) -> None:
    """Play the scenario."""
    company = story.company
    env, users = company.env, company.users

    story.step("Chloé decides that team Europe follows its quotations, Discussions only")
    env["notify.subscription.table"].with_user(users["chloe"]).set_team(
        company.team.id, False, "sale.order", "discussions", auto_follow=True
    )
    company.commit()

    story.step("Anna makes a quotation for Mister Client")
    order = company.quotation(by="anna").sudo()
    followers = set(order.message_partner_ids.mapped("name"))
    story.expect(
        "followed by Anna, Ben and Chloé, not by the customer", followers, {"Anna", "Ben", "Chloé"}
    )

    story.step("Anna writes a message, before the customer is included")
    message = company.post(order, "Let us be quick with this one.", by="anna")
    story.told("before the customer", message, {"Ben": "inbox", "Chloé": "both"})

    story.step("Chloé sends the quotation with its template")
    message = _send_quotation(company, order)
    story.told(
        "the quotation", message, {"Mister Client": "email", "Anna": "email", "Ben": "inbox"}
    )
    (letter,) = company.client.wait_for(subject=order.name)
    story.expect(
        "From is the salesperson, Anna",
        letter["From"].addresses[0].addr_spec,
        "anna@company.example",
    )
    story.expect(
        "Reply-To is the catchall",
        letter["Reply-To"].addresses[0].addr_spec,
        "catchall@company.example",
    )

    story.step("The customer starts to follow; Anna writes to everybody")
    company.follow(order, company.partner)
    message = company.post(order, "Do you have any question?", by="anna")
    story.told(
        "after the customer is included",
        message,
        {"Mister Client": "email", "Ben": "inbox", "Chloé": "both"},
    )

    story.step("The customer answers from a mail program; the answer is fetched over IMAP")
    letter = company.client.wait_for(subject=order.name, count=2)[-1]
    company.client.reply(letter, "Yes: can you deliver in June?")
    company.fetch()
    company.send_queue()
    answers = order.message_ids.filtered(lambda message: "deliver in June" in message.body)
    story.expect("the answer is on the quotation, once", len(answers), 1)
    story.told(
        "the customer's answer", answers[:1], {"Anna": "email", "Ben": "inbox", "Chloé": "both"}
    )

    story.step("Ben mutes the quotation with the bell; Anna goes on")
    bell = company.as_user(env["notify.bell"], "ben")
    state = bell.set_bell("sale.order", order.id, "mute")
    company.commit()
    story.expect(
        "the bell says: muted, his choice",
        (state["level"], state["because"]),
        ("mute", "your choice"),
    )
    message = company.post(order, "June is fine.", by="anna")
    story.told("while Ben is muted", message, {"Mister Client": "email", "Chloé": "both"})

    story.step("Anna mentions Ben in a note")
    message = _mention(company, order, users["ben"])
    story.told("a note that mentions Ben", message, {"Ben": "inbox"})
    state = bell.read_bell("sale.order", order.id)
    story.expect("the quotation stays muted for Ben", state["level"], "mute")


def _send_quotation(company: Company, order):
    action = company.as_user(order, "chloe").action_quotation_send()
    Composer = company.as_user(company.env["mail.compose.message"], "chloe")
    composer = Composer.with_context(**action["context"]).create(
        {"template_id": company.env.ref("sale.email_template_edi_sale").id}
    )
    _mails, messages = composer._action_send_mail()
    company.commit()
    return messages.sudo()


def _mention(company: Company, order, user):
    from markupsafe import Markup

    body = Markup(
        '<p><a href="#" data-oe-model="res.partner" data-oe-id="%(id)s">@%(name)s</a>'
        " please call him.</p>"
    ) % {"id": user.partner_id.id, "name": user.name}
    return company.post(order, body, by="anna", subtype="mail.mt_note", to=[user])


# ------------------------------------------------------------
# THE TRAIL
# ------------------------------------------------------------

COLUMNS: dict[str, Callable[[dict], str]] = {
    "person": lambda row: row["name"] + (" (external)" if row["external"] else ""),
    "channel": lambda row: row["channel"],
    "because": lambda row: row["because"] or row["reason"] or "",
    "state": lambda row: row["state_name"],
    "From": lambda row: row.get("from", ""),
    "Reply-To": lambda row: row.get("reply_to", ""),
    "SMTP answer": lambda row: row.get("answer", ""),
}


def print_trail(story: Story) -> None:
    """Print every message × person, with what the relay said of it."""
    company = story.company
    relay = {
        (entry.email["Message-Id"], address): entry
        for entry in company.world.relay.journal
        for address in entry.recipients
    }
    table = []
    for title, message in story.messages:
        for row in message.read_why()["rows"]:
            entry = relay.get((message.message_id, row["email"]))
            if entry:
                row |= {
                    "from": entry.email["From"].addresses[0].addr_spec,
                    "reply_to": entry.email["Reply-To"].addresses[0].addr_spec,
                    "answer": f"{entry.code} {entry.text}"[:12],
                }
            table.append((title, [column(row) for column in COLUMNS.values()]))
    widths = [
        max(len(name), *(len(cells[position]) for _title, cells in table))
        for position, name in enumerate(COLUMNS)
    ]
    console.say("\nWho was told of what, how and why:")
    console.say(
        "   " + "  ".join(name.ljust(width) for name, width in zip(COLUMNS, widths, strict=True))
    )
    last = None
    for title, cells in table:
        if title != last:
            console.say(f"  {title}")
            last = title
        console.say(
            "   " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        )


def main() -> int:
    started = time.monotonic()
    with databases.postgres() as server:
        database = prepare(server)
        from .company import Company
        from .mailworld import MailWorld

        console.step("Starting the relay and the IMAP server")
        with MailWorld() as world, Company(database, world) as company:
            console.say(
                f"   relay 127.0.0.1:{world.relay.port}, IMAP 127.0.0.1:{world.dovecot.port}"
            )
            story = Story(company)
            tell(story)
            print_trail(story)
    if story.misses:
        raise console.Trouble(
            f"{len(story.misses)} expectations were missed: {'; '.join(story.misses)}."
        )
    console.say(f"\n✓ Everything was as expected ({time.monotonic() - started:.0f} s).")
    console.say("Look at it in the web client: make serve, then http://127.0.0.1:8069")
    console.say(LOGINS)
    return 0


def prepare(server: databases.Postgres) -> str:
    """Make the demo's database afresh, point Odoo at it and return its name."""
    server.copy(tests.addon_template(server), DATABASE)
    configure(server)
    return DATABASE


def configure(server: databases.Postgres) -> None:
    """Let this process work with Odoo on a server."""
    import odoo
    from odoo.tools import config

    config.parse_config(
        ["-c", str(databases.config_file(server, log_level="error"))], setup_logging=True
    )
    odoo.netsvc.init_logger()


if __name__ == "__main__":
    console.main(main)
