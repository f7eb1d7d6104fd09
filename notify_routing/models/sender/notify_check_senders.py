import itertools
import smtplib
from email.message import EmailMessage
from typing import Any, NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, formataddr

from ...tools import sender as policies
from ...tools import smtp_probe
from .ir_mail_server import HEADER, pack
from .notify_check import Verdict
from .notify_check_outgoing import Unusable

#: Addresses between two commits.
STEP = 50
#: Names in a sentence; the evidence has them all.
FEW = 3


class Way(NamedTuple):
    """How somebody's mail leaves.

    :param server: ``ir.mail_server``, empty where Odoo's configuration file names it
    :param name: of the person, or of the policy with an address of its own
    :param smtp_from: From as the queue chooses it
    :param wish: what a policy asks for, see ``notify.sender._wish``; None without one
    """

    server: Any
    name: str
    email_from: str
    smtp_from: str
    wish: dict | None = None

    @property
    def key(self):
        """What tells it apart for the server: two people on one address are asked about once."""
        if not self.wish:
            return self.server.id, email_normalize(self.email_from)
        shown = (email_normalize(self.wish[name]) for name in ("from", "instead"))
        return self.server.id, *shown, self.wish["envelope"]

    def shown_from(self):
        """Return From as the receiver gets to see it."""
        if not self.wish:
            return self.smtp_from
        from_filter = (
            self.server.from_filter if self.server else self.server._get_default_from_filter()
        )
        return self.server._notify_accepted(self.wish, from_filter) or self.smtp_from


class NotifyCheck(models.Model):
    """Does the server take the address of everybody who sends? Asked without sending anything."""

    _inherit = "notify.check"

    def _check_senders(self):
        """Ask each server for the addresses that would leave through it, all in one session."""
        company = self.company_id
        ways = {}
        for way in self._ways(company, self._senders(company)):
            ways.setdefault(way.server, []).append(way)
        total = sum(len(people) for people in ways.values())
        done = 0
        outcome = {"accepted": [], "later": [], "refused": [], "silent": []}
        for server, people in ways.items():
            probe = _Probe(self, server, company)
            try:
                for way in people:
                    kind, line = probe.ask(way)
                    outcome[kind].append((way.name, line))
                    done += 1
                    if not done % STEP:
                        yield done, total
            except (Unusable, UserError, smtplib.SMTPException, OSError) as error:
                done += len(people)
                outcome["silent"].append((server.name or "", str(error)))
            finally:
                probe.close()
        return self._senders_verdict(outcome, total)

    @api.model
    def _senders_verdict(self, outcome, total):
        lines = [line for kind in ("refused", "later", "silent") for _n, line in outcome[kind]]
        evidence = "\n".join(lines)
        if outcome["refused"]:
            sentence = self.env._(
                "The outgoing server refuses %(count)s of %(total)s sender addresses: %(names)s. "
                "Have its provider validate them or their domains; or let these people send from "
                "one address that is validated.",
                count=len(outcome["refused"]),
                total=total,
                names=self._few([name for name, _line in outcome["refused"]]),
            )
            return Verdict("red", sentence, evidence)
        if outcome["silent"]:
            sentence = self.env._(
                "Could not be asked: %(names)s does not work. Mend the outgoing server first.",
                names=self._few([name for name, _line in outcome["silent"]]),
            )
            return Verdict("amber", sentence, evidence)
        if outcome["later"]:
            sentence = self.env._(
                "The server wants to be asked later about %(count)s of %(total)s sender addresses. "
                "Run this again in an hour.",
                count=len(outcome["later"]),
                total=total,
            )
            return Verdict("amber", sentence, evidence)
        if not total:
            return Verdict("amber", self.env._("Nobody here has an e-mail address."))
        sentence = self.env._("All %(total)s sender addresses are accepted.", total=total)
        return Verdict("green", sentence, "\n".join(line for _n, line in outcome["accepted"]))

    @api.model
    def _few(self, names):
        """Return the first names, and how many more there are: ``Anna, Ben, Chloé and 4 more``."""
        text = ", ".join(names[:FEW])
        if len(names) > FEW:
            more = len(names) - FEW
            text = self.env._("%(names)s and %(count)s more", names=text, count=more)
        return text

    @api.model
    def _ways(self, company, senders):
        """Return how the mails of some senders leave, as sender policies and the queue have it.

        :param senders: see :meth:`_senders`
        :rtype: list[Way]
        """
        book = [
            policy
            for policy in self.env["notify.sender"]._book()
            if policy.company_id in (None, company.id)
        ]
        ways = {}
        for name, email_from, user in senders:
            for policy, server, smtp_from in self._decisions(book, company, email_from, user):
                way = self._way(policy, company, server, name, email_from, smtp_from)
                ways.setdefault(way.key, way)
        return list(ways.values())

    @api.model
    def _decisions(self, book, company, email_from, user):
        """Return what is decided for any mail of one sender.

        :param list book: policies that may apply
        :return: ``[(policy or None, server, From as the queue chooses it), …]``, each once
        """
        wanted, found = {}, {}
        models_named = {None, *(policy.model for policy in book)}
        for model, kind in itertools.product(models_named, policies.KINDS if book else [None]):
            first = policies.choose(book, company.id, model, kind)
            server_id = first.server_id if first else None
            if server_id not in wanted:
                wanted[server_id] = self._way_out(email_from, company, user, server_id)
            server, smtp_from = wanted[server_id]
            policy = policies.choose(book, company.id, model, kind, server.id)
            if server.owner_user_id:
                # As notify.sender._of has it.
                policy = None
            found[policy, server.id] = (policy, server, smtp_from)
        for policy in book:
            # Mail comes to such a server in other ways too: a template may name it.
            server = self.env["ir.mail_server"].sudo().browse(policy.via_server_id)
            if server.active and not server.owner_user_id:
                server = self._for_company(server, company)
                found.setdefault((policy, server.id), (policy, server, email_from))
        return list(found.values())

    @api.model
    def _way(self, policy, company, server, name, email_from, smtp_from):
        if not policy:
            return Way(server, name, email_from, smtp_from)
        Sender = self.env["notify.sender"].sudo()
        values = dict.fromkeys(policies.PLACEHOLDERS, name) | {"company": company.name}
        wish = Sender._wish_for(policy, values, email_from, email_from)
        if policy.mode in ("fixed", "on_address"):
            name = Sender.browse(policy.id).name
        return Way(server, name, email_from, smtp_from, wish)

    @api.model
    def _senders(self, company):
        """Return every From address of a company. Hook for those who make others.

        :return: ``[(name, From, user or None), …]``, each address once
        """
        domain = company.alias_domain_id
        found = [
            (address, formataddr((company.name, address)), None)
            for address in (email_normalize(company.email), domain.default_from_email)
            if address
        ]
        # Whoever belongs to several companies is asked about in the one they work in first.
        users = self.env["res.users"].sudo().search(
            [("share", "=", False), ("company_id", "=", company.id), ("email", "!=", False)]
        )  # fmt: skip
        found += [(user.name, user.email_formatted, user) for user in users]
        seen = set()
        return [
            entry
            for entry in found
            if (address := email_normalize(entry[1])) and not (address in seen or seen.add(address))
        ]


class _Probe:
    """Asks one server for many addresses, in one session as long as the server keeps it."""

    def __init__(self, check, server, company):
        self.check = check
        self.server = server
        self.recipient = company.alias_domain_id.catchall_email or email_normalize(company.email)
        self.session = None
        self.answers = {}

    def ask(self, way):
        """Return whether somebody's mail is taken: ``("refused", "Ben: ben@… — 550 5.7.1 no")``."""
        lines = {"refused": [], "later": [], "accepted": []}
        try:
            addresses = self._addresses(way)
        except (AssertionError, UnicodeError) as error:
            return "refused", f"{way.name}: {way.email_from} — {error.args[-1]}"
        for address in addresses:
            answer = self._answer(address)
            kind = "accepted" if answer.accepted else "later" if answer.temporary else "refused"
            lines[kind].append(f"{way.name}: {address} — {answer}")
        # The worst answer counts.
        kind = next(kind for kind, said in lines.items() if said)
        return kind, "\n".join(lines[kind])

    def _addresses(self, way):
        """Return what the server gets to see: From and the envelope sender, as Odoo makes them."""
        session = self._opened(way.smtp_from)
        message = EmailMessage()
        message["From"] = way.email_from
        message["To"] = self.recipient or way.email_from
        if way.wish:
            message[HEADER] = pack(way.wish)
        session.smtp_from = way.smtp_from
        envelope, _to, message = self.server._prepare_email_message__(message, session)
        return dict.fromkeys(filter(None, (email_normalize(message["From"]), envelope)))

    def _answer(self, address):
        if address not in self.answers:
            try:
                answer = self._ask_in_session(address)
            except smtplib.SMTPServerDisconnected:
                # Many servers hang up after some refusals.
                self.close()
                answer = self._ask_in_session(address)
            self.answers[address] = answer
        return self.answers[address]

    def _ask_in_session(self, address):
        try:
            return smtp_probe.ask(self._opened(address), address, self.recipient or address)
        except UnicodeError as error:
            return smtp_probe.Answer(553, str(error), "MAIL")

    def _opened(self, smtp_from):
        if self.session is None:
            self.context = self.check._session(self.server, smtp_from)
            self.session = self.context.__enter__()
        return self.session

    def close(self):
        if self.session is not None:
            self.session = None
            self.context.__exit__(None, None, None)
