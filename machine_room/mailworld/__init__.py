"""The mail world around Odoo: a relay, mailboxes that Dovecot serves, and people who answer.

All of it speaks SMTP and IMAP on loopback, and is gone at the end::

    with MailWorld({"*@company.example": "odoo"}) as world:
        customer = world.customer("customer@client.example", "Carla Customer")
        …  # Odoo sends through world.relay, and fetches mailbox "odoo" from world.dovecot
        (letter,) = customer.wait_for(subject="Quotation")
        customer.reply(letter, "Thank you!")
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from . import home
from .certificate import Certificate, self_signed
from .customer import Customer, Letter
from .cut_line import CutLine
from .dovecot import Dovecot
from .journal import Recipient, Transaction
from .maildirs import Maildirs
from .relay import Relay
from .rules import Delay, Drop, ForeignFrom, Refuse, Rewrite, Rule

__all__ = [
    "Certificate",
    "Customer",
    "CutLine",
    "Delay",
    "Dovecot",
    "Drop",
    "ForeignFrom",
    "Letter",
    "MailWorld",
    "Maildirs",
    "Recipient",
    "Refuse",
    "Relay",
    "Rewrite",
    "Rule",
    "Transaction",
]


class MailWorld:
    """Relays, mailboxes and people.

    ``relay`` is the company's: Odoo sends through it, and tests set its rules. ``outside`` is
    everybody else's: it takes all mail, so that a rule against Odoo's mail does not hit the
    answers. Both fill the same mailboxes.

    :param dict owners: address or pattern → mailbox, see :class:`Maildirs`
    :param options: of ``relay``, see :class:`Relay`
    """

    def __init__(self, owners: Mapping[str, str | None] | None = None, **options):
        self.owners = {"*@company.example": "odoo"} if owners is None else owners
        self.options = options
        self.folder: Path
        self.certificate: Certificate
        self.maildirs: Maildirs
        self.dovecot: Dovecot
        self.relay: Relay
        self.outside: Relay
        self._stack = ExitStack()

    def start(self) -> MailWorld:
        with ExitStack() as stack:
            self.folder = home.make()
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.certificate = self_signed(self.folder)
            self.maildirs = Maildirs(self.folder / "mail", self.owners)
            self.dovecot = Dovecot(
                self.maildirs, self.folder, secrets.token_urlsafe(12), certificate=self.certificate
            )
            stack.enter_context(self.dovecot)
            self._stack = stack.pop_all()
        try:
            self.relay = self.add_relay(**self.options)
            self.outside = self.add_relay()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> MailWorld:
        return self.start()

    def __exit__(self, *_error) -> None:
        self.stop()

    def add_relay(self, **options) -> Relay:
        """Start one more relay, say of a second company, that fills the same mailboxes."""
        relay = Relay(self.maildirs, **{"certificate": self.certificate, **options})
        self._stack.callback(relay.stop)
        return relay.start()

    def customer(self, address: str, name: str = "", *, mailbox: str | None = None) -> Customer:
        """Return a person at an address, whose mail goes to their own mailbox from now on."""
        mailbox = mailbox or address.lower()
        self.maildirs.owners[address.lower()] = mailbox
        return Customer(address, name, relay=self.outside, dovecot=self.dovecot, mailbox=mailbox)
