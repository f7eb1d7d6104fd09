from odoo import api, models
from odoo.fields import Domain
from odoo.tools import email_domain_extract

from ...tools import dns_alignment
from .notify_check import Verdict


class NotifyCheck(models.Model):
    """What the DNS says of the domains that we send from."""

    _inherit = "notify.check"

    @api.model
    def _checks(self):
        return super()._checks() + [
            {
                "kind": "dns",
                "key": f"dns:{domain}",
                "target": domain,
                "topic": "domain",
                "sequence": 40,
                "res_model": "ir.mail_server" if server else False,
                "res_id": server.id,
                "hours": 24,
                "is_scheduled": True,
            }
            for domain, (server, _company, _envelope) in self._from_domains().items()
        ]

    @api.model
    def _from_domains(self):
        """Return how mail of each From domain leaves: ``{domain: (server, company, envelope)}``.

        ``envelope`` is ``bounce``, or ``from`` where a policy has bounces go to the From address.
        Domains that nobody outside gets to see, as Odoo puts its own From in their place, are left
        out.
        """
        found = {}
        personal = self.env["ir.mail_server"].sudo().search(Domain.TRUE).owner_user_id
        for company in self.env["res.company"].sudo().search(Domain.TRUE):
            examples = {}
            for sender in self._senders(company):
                _name, email_from, user = sender
                own = user if user and user in personal else None
                examples.setdefault((email_domain_extract(email_from), own), sender)
            for way in self._ways(company, examples.values()):
                envelope = way.wish["envelope"] if way.wish else "bounce"
                found.setdefault(
                    email_domain_extract(way.shown_from()), (way.server, company, envelope)
                )
        found.pop(False, None)
        return dict(sorted(found.items()))

    def _check_dns(self):
        """SPF names the relay, DKIM has a key, and DMARC is content with them."""
        found = self._from_domains().get(self.target)
        if not found:
            return Verdict("green", self.env._("Nobody sends from this domain any more."))
        server, company, envelope_mode = found
        try:
            resolver = dns_alignment.resolver_at(self._resolver_address())
        except ValueError:
            sentence = self.env._(
                "“%(address)s” is no address of a name server. Correct it in the settings.",
                address=self._resolver_address(),
            )
            return Verdict("amber", sentence)
        envelope = (
            self.target if envelope_mode == "from" else self._envelope_domain(server, company)
        )
        relay = dns_alignment.Relay(
            server.smtp_host or "localhost",
            (server.notify_spf or "").strip(),
            tuple((server.notify_dkim_selectors or "").replace(",", " ").split()),
        )
        findings = dns_alignment.examine(self.target, envelope, relay, resolver)
        return self._dns_verdict(findings, envelope)

    @api.model
    def _resolver_address(self):
        get_param = self.env["ir.config_parameter"].sudo().get_param
        return (get_param("notify_routing.dns_resolver") or "").strip()

    def _envelope_domain(self, server, company):
        """Return the domain that SPF is looked up for: the bounce address's, where it may be."""
        bounce = company.alias_domain_id.bounce_email
        if bounce and server._match_from_filter(bounce, server.from_filter):
            return email_domain_extract(bounce)
        return self.target

    def _dns_verdict(self, findings, envelope):
        sentences = self._dns_sentences(envelope)
        bad = [finding for finding in findings if finding.state != "green"]
        said = [
            sentences[finding.code]
            # What is red goes first.
            for finding in sorted(bad, key=lambda finding: finding.state != "red")
        ]
        evidence = [f"{finding.code}: {finding.record or '–'}" for finding in findings]
        records = [
            f"{name}  TXT  {value}" for name, value in (f.publish for f in findings if f.publish)
        ]
        return Verdict(
            dns_alignment.worst(findings),
            " ".join(said) or self.env._("SPF, DKIM and DMARC are in order."),
            "\n".join(evidence),
            "\n".join(records),
        )

    def _dns_sentences(self, envelope):
        """Return the sentence of each finding of ``dns_alignment`` that is not green."""
        domain = self.target
        return {
            "domain_missing": self.env._(
                "This domain does not exist in the DNS. Register it, or send from another one."
            ),
            "dns_silent": self.env._(
                "The name server does not answer, so nothing is known. Run this again, "
                "or enter another name server in the settings."
            ),
            "spf_missing": self.env._(
                "%(domain)s has no SPF record: receivers cannot tell who may send for "
                "it. Publish the record below.",
                domain=envelope,
            ),
            "spf_invalid": self.env._(
                "The SPF record of %(domain)s cannot be read by receivers. Have one "
                "record only, correct it, and keep it under ten look-ups.",
                domain=envelope,
            ),
            "spf_relay": self.env._(
                "The SPF record of %(domain)s does not let your outgoing server send. "
                "Replace it by the record below.",
                domain=envelope,
            ),
            "spf_unknown": self.env._(
                "From here one cannot see from which address your outgoing server "
                "sends to the world. Enter its SPF mechanism on the outgoing server."
            ),
            "dkim_missing": self.env._(
                "There is no DKIM key under the selector of your outgoing server. "
                "Publish the one that its provider shows."
            ),
            "dkim_revoked": self.env._(
                "The DKIM key was withdrawn. Publish the current one, or enter its "
                "selector on the outgoing server."
            ),
            "dkim_unknown": self.env._(
                "No DKIM key was found under the usual selectors. Enter the selector "
                "on the outgoing server; if mail is not signed yet, turn that on at "
                "the provider."
            ),
            "dmarc_missing": self.env._(
                "There is no DMARC record: large providers ask for one. Publish the record below."
            ),
            "dmarc_invalid": self.env._(
                "The DMARC record cannot be read by receivers. Correct it."
            ),
            "dmarc_unaligned": self.env._(
                "The envelope is of %(envelope)s, not of %(domain)s, and no DKIM "
                "key of %(domain)s was found: DMARC fails. Sign with DKIM, or use "
                "a bounce address of this domain.",
                envelope=envelope,
                domain=domain,
            ),
            "dmarc_unsure": self.env._(
                "Whether DMARC passes is not sure as long as the above is not."
            ),
            "dmarc_fails": self.env._(
                "DMARC fails, as neither SPF nor DKIM passes: receivers treat the mail as forged."
            ),
        }
