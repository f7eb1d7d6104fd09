"""A company that works with Odoo: a database of its own, connected to the mail world.

Everything commits, mail really leaves and really arrives; the demo and the tests of the mail world
both live here::

    with MailWorld() as world, Company(server, "demo", world) as company:
        order = company.quotation(user="anna")
        company.post(order, "Here is our offer", by="anna")
        company.send_queue()
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from typing import Any

import odoo
from odoo.modules.registry import Registry

from .mailworld import Customer, MailWorld, Transaction

#: Login → (name, channel). Chloé leads the team.
PEOPLE = {
    "anna": ("Anna", "email"),
    "ben": ("Ben", "inbox"),
    "chloe": ("Chloé", "both"),
}
DOMAIN = "company.example"
CLIENT = ("Mister Client", "client@customer.example")


class Company:
    """An Odoo database and its people.

    :param str database: name of a database with the addon installed
    :param MailWorld world: where its mail goes and comes from
    """

    def __init__(self, database: str, world: MailWorld):
        self.database = database
        self.world = world
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Company:
        self.registry = Registry(self.database)
        cursor = self._stack.enter_context(contextlib.closing(self.registry.cursor()))
        self.env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
        self._stack.callback(self._forget)
        self.client: Customer = self.world.customer(CLIENT[1], CLIENT[0])
        self._connect()
        self._hire()
        self.commit()
        return self

    def __exit__(self, *_error) -> None:
        self._stack.close()

    def _forget(self) -> None:
        self.env.cr.rollback()
        Registry.delete(self.database)
        odoo.sql_db.close_db(self.database)

    # ------------------------------------------------------------
    # SET-UP
    # ------------------------------------------------------------

    def _connect(self) -> None:
        relay, dovecot = self.world.relay, self.world.dovecot
        env = self.env
        env["ir.mail_server"].create(
            {
                "name": "Relay",
                "smtp_host": relay.host,
                "smtp_port": relay.port,
                "smtp_encryption": "none",
                "from_filter": DOMAIN,
            }
        )
        domain = env["mail.alias.domain"].create(
            {
                "name": DOMAIN,
                "catchall_alias": "catchall",
                "bounce_alias": "bounce",
                "default_from": "notifications",
            }
        )
        env["res.company"].search([]).alias_domain_id = domain
        env.company.write({"name": "Company", "email": f"info@{DOMAIN}"})
        env["fetchmail.server"].create(
            {
                "name": "Mailbox",
                "server_type": "imap",
                "server": dovecot.host,
                "port": dovecot.port,
                "user": "odoo",
                "password": dovecot.password,
                "state": "done",
            }
        )

    def _hire(self) -> None:
        env = self.env
        groups = env.ref("base.group_user") | env.ref("base.group_partner_manager")
        groups |= env.ref("sales_team.group_sale_salesman_all_leads")
        leader = groups | env.ref("sales_team.group_sale_manager")
        self.users = {}
        #: Everybody's own mailbox, beside the one that Odoo fetches from.
        self.people: dict[str, Customer] = {}
        for login, (name, channel) in PEOPLE.items():
            user = env["res.users"].with_context(no_reset_password=True).create(
                {
                    "name": name,
                    "login": login,
                    "password": login,
                    "email": f"{login}@{DOMAIN}",
                    "group_ids": [(6, 0, (leader if login == "chloe" else groups).ids)],
                    "notify_channel": channel,
                    "tz": "Europe/Paris",
                }
            )  # fmt: skip
            self.users[login] = user
            self.people[login] = self.world.customer(f"{login}@{DOMAIN}", name)
        self.partner = env["res.partner"].create({"name": CLIENT[0], "email": CLIENT[1]})
        self.team = env["crm.team"].create(
            {
                "name": "Europe",
                "user_id": self.users["chloe"].id,
                "member_ids": [(6, 0, [self.users["anna"].id, self.users["ben"].id])],
            }
        )
        # Rendering a PDF needs a program that this machine may lack, and is not our subject.
        env.ref("sale.email_template_edi_sale").report_template_ids = False
        self.product = env["product.product"].create(
            {"name": "Boat", "list_price": 1000, "type": "service"}
        )

    # ------------------------------------------------------------
    # WORK
    # ------------------------------------------------------------

    def commit(self) -> None:
        """End the transaction, as a request of the web client does; mail of it leaves now."""
        self.env.cr.commit()
        self.env.invalidate_all()

    def as_user(self, record, login: str):
        return record.with_user(self.users[login])

    def quotation(self, by: str = "anna", **values):
        """Make a quotation for the client, as somebody who clicks *New* does."""
        order = self.as_user(self.env["sale.order"], by).create(
            {
                "partner_id": self.partner.id,
                "team_id": self.team.id,
                "user_id": self.users[by].id,
                "order_line": [(0, 0, {"product_id": self.product.id})],
                **values,
            }
        )
        self.commit()
        return order

    def post(
        self,
        document,
        body: str,
        by: str,
        subtype: str = "mail.mt_comment",
        to: Iterable[Any] = (),
        **values,
    ):
        """Write a message in the chatter and let it leave.

        :param to: partners or users to whom the message is addressed
        """
        partner_ids = [who.partner_id.id if who._name == "res.users" else who.id for who in to]
        message = self.as_user(document, by).message_post(
            body=body,
            message_type="comment",
            subtype_xmlid=subtype,
            partner_ids=partner_ids,
            **values,
        )
        self.commit()
        return message.sudo()

    def follow(self, document, *who, subtypes=()) -> None:
        """Make people follow a document; with subtypes it counts as chosen."""
        partners = [
            person.partner_id.id if person._name == "res.users" else person.id for person in who
        ]
        ids = [self.env.ref(xmlid).id for xmlid in subtypes]
        document.sudo().message_subscribe(partners, ids or None)
        self.commit()

    def empty(self, document):
        """Take all followers off a document and return it."""
        document.sudo().message_unsubscribe(document.sudo().message_partner_ids.ids)
        self.commit()
        return document

    def run_action(self, xmlid: str) -> None:
        """Run a scheduled action as its worker does."""
        self.commit()
        self.env.ref(xmlid).method_direct_trigger()
        self.commit()

    def send_queue(self) -> None:
        self.run_action("mail.ir_cron_mail_scheduler_action")

    def fetch(self) -> None:
        self.run_action("mail.ir_cron_mail_gateway_action")

    def queue_only(self) -> None:
        """Let every mail wait for the scheduled action."""
        self.env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "0")
        self.commit()

    # ------------------------------------------------------------
    # LOOK
    # ------------------------------------------------------------

    @contextlib.contextmanager
    def letters(self):
        """Collect the mails that the relay takes within the block.

        :return: a list that is filled at the end of the block
        """
        start = len(self.world.relay.journal)
        taken: list[Transaction] = []
        yield taken
        taken.extend(entry for entry in self.world.relay.journal[start:] if entry.accepted)

    def unread(self, login: str, message) -> bool:
        """Tell whether a message counts in somebody's Inbox."""
        Message = self.as_user(self.env["mail.message"], login)
        return bool(Message.search_count([("needaction", "=", True), ("id", "=", message.id)]))

    def told(self, message) -> dict[str, str]:
        """Return who was told of a message and how: ``{"Anna": "email", "Chloé": "both"}``."""
        return {
            row.res_partner_id.name or row.mail_email_address: (
                "both" if row.notify_in_app else row.notification_type
            )
            for row in message.notification_ids
        }


@contextlib.contextmanager
def outside_of_tests():
    """Let Odoo send and commit as in production, though pytest-odoo prepared it for tests."""
    from odoo.tools import config

    thread = threading.current_thread()
    testing = getattr(thread, "testing", False)
    enabled = config["test_enable"]
    thread.testing, config["test_enable"] = False, False
    odoo.modules.module.current_test = None
    try:
        yield
    finally:
        thread.testing, config["test_enable"] = testing, enabled
