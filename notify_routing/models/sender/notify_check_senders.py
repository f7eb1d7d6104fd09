import smtplib
from email.message import EmailMessage

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, formataddr

from ...tools import smtp_probe
from .notify_check import Verdict
from .notify_check_outgoing import Unusable

#: Addresses between two commits.
STEP = 50
#: Names in a sentence; the evidence has them all.
FEW = 3


class NotifyCheck(models.Model):
    """Does the server take the address of everybody who sends? Asked without sending anything."""

    _inherit = "notify.check"

    def _check_senders(self):
        """Ask each server for the addresses that would leave through it, all in one session."""
        company = self.company_id
        ways = self._sender_ways()
        total = sum(len(people) for people in ways.values())
        done = 0
        outcome = {"accepted": [], "later": [], "refused": [], "silent": []}
        for server, people in ways.items():
            probe = _Probe(self, server, company)
            try:
                for name, email_from, smtp_from in people:
                    kind, line = probe.ask(name, email_from, smtp_from)
                    outcome[kind].append((name, line))
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

    def _sender_ways(self):
        """Return who sends through which server.

        :return: ``{server: [(name, From as written, From as the queue chooses it), …]}``
        """
        ways = {}
        for name, email_from, user in self._senders(self.company_id):
            server, smtp_from = self._way_out(email_from, self.company_id, user)
            ways.setdefault(server, []).append((name, email_from, smtp_from))
        return ways

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

    def ask(self, name, email_from, smtp_from):
        """Return whether somebody's mail is taken: ``("refused", "Ben: ben@… — 550 5.7.1 no")``."""
        lines = {"refused": [], "later": [], "accepted": []}
        try:
            addresses = self._addresses(email_from, smtp_from)
        except (AssertionError, UnicodeError) as error:
            return "refused", f"{name}: {email_from} — {error.args[-1]}"
        for address in addresses:
            answer = self._answer(address)
            kind = "accepted" if answer.accepted else "later" if answer.temporary else "refused"
            lines[kind].append(f"{name}: {address} — {answer}")
        # The worst answer counts.
        kind = next(kind for kind, said in lines.items() if said)
        return kind, "\n".join(lines[kind])

    def _addresses(self, email_from, smtp_from):
        """Return what the server gets to see: From and the envelope sender, as Odoo makes them."""
        session = self._opened(smtp_from)
        message = EmailMessage()
        message["From"] = email_from
        message["To"] = self.recipient or email_from
        session.smtp_from = smtp_from
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
