import secrets
import smtplib
from datetime import timedelta
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import email_domain_extract

from ..sender.notify_check import Verdict
from ..sender.notify_check_outgoing import Unusable

#: Probes between two commits.
STEP = 20
#: Minutes within which a probe must come back, if nobody said otherwise.
PATIENCE = 10

BOUNCE = """\
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="probe"

--probe
Content-Type: text/plain; charset="us-ascii"

Odoo checks whether bounces arrive.

--probe
Content-Type: message/delivery-status

Reporting-MTA: dns; odoo.invalid

Final-Recipient: rfc822; %(address)s
Action: failed
Status: 5.0.0

--probe--
"""


class NotifyCheck(models.Model):
    """Round trips: a probe leaves by the outgoing server and must come back by the mailbox."""

    _inherit = "notify.check"

    kind = fields.Selection(
        selection_add=[
            ("arrival", "Addresses reach Odoo"),
            ("plus", "Addresses that bear a token reach Odoo"),
            ("bounce", "Bounces reach Odoo"),
        ],
        ondelete={"arrival": "cascade", "plus": "cascade", "bounce": "cascade"},
    )
    probe_ids = fields.One2many("notify.check.probe", "check_id", readonly=True)

    @api.model
    def _checks(self):
        checks = super()._checks()
        for domain in self.env["mail.alias.domain"].sudo().search(Domain.TRUE):
            for number, kind in enumerate(("arrival", "plus", "bounce")):
                checks.append(
                    {
                        "kind": kind,
                        "key": f"{kind}:{domain.id}",
                        "target": domain.name,
                        "topic": "incoming",
                        "sequence": 60 + number,
                        "res_model": "mail.alias.domain",
                        "res_id": domain.id,
                        "hours": 24,
                        # Sends mail, so somebody has to want it.
                        "is_scheduled": False,
                    }
                )
        return checks

    # ------------------------------------------------------------
    # ADDRESSES
    # ------------------------------------------------------------

    def _domain(self):
        """Return the alias domain that the check is about."""
        return self.env["mail.alias.domain"].sudo().browse(self.res_id)

    def _check_arrival(self):
        """Catchall and every alias of a domain."""
        domain = self._domain()
        aliases = self.env["mail.alias"].sudo().search(
            [("alias_domain_id", "=", domain.id), ("alias_name", "!=", False)]
        )  # fmt: skip
        addresses = [domain.catchall_email, *aliases.mapped("alias_full_name")]
        return self._send_probes([("address", address) for address in addresses])

    def _await_arrival(self):
        if not self._is_over():
            return None
        missing = self.probe_ids.filtered(lambda probe: not probe.arrived_at)
        evidence = "\n".join(probe._line() for probe in missing | self.probe_ids)
        if not missing:
            sentence = self.env._(
                "All %(count)s addresses of %(domain)s reach Odoo.",
                count=len(self.probe_ids),
                domain=self.target,
            )
            return Verdict("green", sentence, evidence)
        sentence = self.env._(
            "%(count)s of %(total)s addresses do not reach Odoo within %(minutes)s minutes: "
            "%(names)s. Make them aliases of the mailbox that Odoo fetches from, or have all "
            "unknown addresses of the domain delivered to it; look into its spam folder too.",
            count=len(missing),
            total=len(self.probe_ids),
            minutes=self._patience(),
            names=self._few(missing.mapped("address")),
        )
        return Verdict("red", sentence, evidence)

    def _check_plus(self):
        """Whether addresses can bear a token: behind a plus sign, or as any name of the domain."""
        domain = self._domain()
        most = self.env["notify.return.address"]._alias_length()
        long = [name for name in (domain.catchall_alias, domain.bounce_alias) if len(name) > most]
        if long and domain.notify_return_mode == "plus":
            sentence = self.env._(
                "“%(alias)s” is too long: with a token it would not be an address any more, so "
                "mail goes out without. Shorten it to %(most)s characters, or give answers a "
                "domain of their own.",
                alias=long[0],
                most=most,
            )
            return Verdict("amber", sentence)
        word = secrets.token_hex(8)
        return self._send_probes(
            [
                ("plus", f"{domain.catchall_alias}+{word}@{domain.name}"),
                ("wildcard", f"r{word}@{domain.notify_return_domain or domain.name}"),
            ]
        )

    def _await_plus(self):
        if not self._is_over():
            return None
        works = set(self.probe_ids.filtered("arrived_at").mapped("purpose"))
        evidence = "\n".join(probe._line() for probe in self.probe_ids)
        return Verdict(*self._return_address_verdict(works), evidence)

    def _return_address_verdict(self, works):
        """Return state and sentence.

        :param set works: of ``plus``, ``wildcard``
        """
        domain = self._domain()
        mode = domain.notify_return_mode
        if mode != "plain" and mode not in works:
            return "red", self.env._(
                "Answers are lost: they are to come to %(example)s, which does not reach Odoo. "
                "Have your provider deliver it to the mailbox that Odoo fetches from; until then "
                "choose “As Odoo does” as return addresses.",
                example=f"{domain.catchall_alias}+…@{self.target}"
                if mode == "plus"
                else f"…@{domain.notify_return_domain}",
            )
        if mode == "wildcard":
            return "green", self.env._(
                "Any name of %(domain)s reaches Odoo: answers find their document even if a relay "
                "rewrites their headers.",
                domain=domain.notify_return_domain,
            )
        if "plus" in works:
            more = self.env._(" So does any name of the domain.") if "wildcard" in works else ""
            return "green", self.env._(
                "Plus-addresses such as %(example)s reach Odoo: answers can find their document "
                "even if a relay rewrites their headers.%(more)s",
                example=f"{domain.catchall_alias}+…@{self.target}",
                more=more,
            )
        if "wildcard" in works:
            return "green", self.env._(
                "Any name of %(domain)s reaches Odoo, but not plus-addresses: use the domain as a "
                "wildcard for return addresses.",
                domain=domain.notify_return_domain or self.target,
            )
        return "amber", self.env._(
            "Only plain addresses reach Odoo: an answer is found by its headers, which some relays "
            "rewrite. Have your provider turn on plus-addressing (sub-addressing), or deliver all "
            "unknown addresses of the domain to the mailbox."
        )

    def _check_bounce(self):
        """A bounce, with the null sender as real ones have it."""
        return self._send_probes([("bounce", self._domain().bounce_email)])

    def _await_bounce(self):
        if not self._is_over():
            return None
        evidence = "\n".join(probe._line() for probe in self.probe_ids)
        if all(self.probe_ids.mapped("arrived_at")):
            return Verdict("green", self.env._("Bounces reach Odoo."), evidence)
        sentence = self.env._(
            "A bounce to %(address)s does not reach Odoo: who cannot be reached goes unseen. Make "
            "it an alias of the mailbox that Odoo fetches from; look into its spam folder too.",
            address=self._domain().bounce_email,
        )
        return Verdict("red", sentence, evidence)

    # ------------------------------------------------------------
    # SEND
    # ------------------------------------------------------------

    def _patience(self):
        """Return for how many minutes a probe is waited for."""
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.check_patience")
        return int(value) if (value or "").isdigit() and int(value) else PATIENCE

    def _is_over(self):
        """Tell whether there is nothing to wait for any more."""
        coming = self.probe_ids.filtered(lambda probe: not probe.arrived_at and not probe.answer)
        return not coming or self.deadline <= fields.Datetime.now()

    def _send_probes(self, addresses):
        """Send a probe to each address in one session, then wait; see ``_work`` for the yields.

        :param addresses: ``[(purpose, address), …]``
        """
        self.probe_ids.unlink()
        domain = self._domain()
        company = domain.company_ids[:1] or self.env.company
        email_from = domain.default_from_email or company.email_formatted
        if not email_from:
            return Verdict(
                "amber", self.env._("There is no address to send from. Enter a default From.")
            )
        probes = self.env["notify.check.probe"].create(
            [
                {"check_id": self.id, "purpose": purpose, "address": address}
                for purpose, address in addresses
            ]
        )
        yield 0, len(probes)
        server, smtp_from = self._way_out(email_from, company)
        try:
            with self._session(server, smtp_from) as session:
                for number, probe in enumerate(probes, 1):
                    self._send_probe(session, server, email_from, probe)
                    if not number % STEP:
                        yield number, len(probes)
        except (Unusable, UserError, smtplib.SMTPException, OSError) as error:
            sentence = self.env._("No probe could be sent. Mend the outgoing server first.")
            return Verdict("amber", sentence, str(error))
        return self._wait()

    @api.model
    def _send_probe(self, session, server, email_from, probe):
        message = EmailMessage() if probe.purpose != "bounce" else _bounce(probe.address)
        message["From"] = email_from
        message["To"] = probe.address
        message["Subject"] = probe._subject()
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=email_domain_extract(email_from))
        # Nobody shall answer this.
        message["Auto-Submitted"] = "auto-generated"
        if probe.purpose != "bounce":
            message.set_content(
                self.env._(
                    "Odoo checks whether mail to %(address)s arrives.", address=probe.address
                )
            )
        envelope, _to, message = server._prepare_email_message__(message, session)
        content = message.as_bytes(policy=SMTP)
        senders = ["", envelope] if probe.purpose == "bounce" else [envelope]
        for sender in senders:
            try:
                session.sendmail(sender, [probe.address], content)
            except smtplib.SMTPServerDisconnected:
                raise
            except smtplib.SMTPRecipientsRefused as error:
                code, text = error.recipients[probe.address]
                probe.answer = f"{code} {text.decode('utf-8', 'replace')}"
            except smtplib.SMTPResponseException as error:
                text = error.smtp_error
                text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
                # Many providers do not take the null sender from customers: then ours.
                probe.answer = f"{error.smtp_code} {text}"
            else:
                probe.write({"sent_at": fields.Datetime.now(), "answer": False})
                return

    def _wait(self):
        """Fetch soon and often, and look at the deadline at the latest."""
        now = fields.Datetime.now()
        self.deadline = now + timedelta(minutes=self._patience())
        fetch = self.env.ref("mail.ir_cron_mail_gateway_action").sudo()
        minutes = range(self._patience())
        fetch._trigger([now + timedelta(minutes=minute) for minute in minutes])
        self.env.ref("notify_routing.ir_cron_check").sudo()._trigger(self.deadline)
        sentence = self.env._(
            "%(count)s probes are on their way; they must come back until %(deadline)s (UTC).",
            count=len(self.probe_ids),
            deadline=self.deadline,
        )
        return Verdict("waiting", sentence)


def _bounce(address):
    """Return a delivery status notification that does not say of which mail it is."""
    return message_from_string(BOUNCE % {"address": address}, policy=SMTP)
