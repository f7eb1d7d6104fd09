import contextlib
import ipaddress
import smtplib

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...tools import smtp_probe
from .notify_check import Verdict


class NotifyCheck(models.Model):
    """Outgoing servers: can they be reached, are they safe, and do they take our addresses?"""

    _inherit = "notify.check"

    @api.model
    def _checks(self):
        checks = super()._checks()
        for company in self.env["res.company"].sudo().search(Domain.TRUE):
            about = {"target": company.name, "topic": "outgoing", "company_id": company.id}
            about |= {"res_model": "res.company", "res_id": company.id}
            checks += [
                {
                    **about,
                    "kind": "company",
                    "key": f"company:{company.id}",
                    "sequence": 10,
                    "hours": 0,
                    "is_scheduled": True,
                },
                {
                    **about,
                    "kind": "senders",
                    "key": f"senders:{company.id}",
                    "sequence": 30,
                    "hours": 24,
                    # A provider may mind hundreds of questions a day.
                    "is_scheduled": False,
                },
            ]
        for server in self.env["ir.mail_server"].sudo().search(Domain.TRUE):
            checks.append(
                {
                    "kind": "outgoing",
                    "key": f"outgoing:{server.id}",
                    "target": server.name,
                    "topic": "outgoing",
                    "sequence": 20,
                    "res_model": "ir.mail_server",
                    "res_id": server.id,
                    "hours": 0,
                    "is_scheduled": True,
                }
            )
        return checks

    # ------------------------------------------------------------
    # WAYS OUT
    # ------------------------------------------------------------

    @api.model
    def _way_out(self, email_from, company, user=None, wanted_id=None):
        """Return the server for an address, and From as it will be, as the queue chooses them.

        :param user: whose personal server may be used
        :param wanted_id: of the server that a sender policy asks for
        :return: ``(ir.mail_server, in the context of the company's alias domain; From)``; the
            server is empty where Odoo's configuration file names it
        """
        Server = self._for_company(self.env["ir.mail_server"].sudo(), company)
        owners = [self.env["res.users"], user or self.env["res.users"]]
        servers = Server.search(Domain.TRUE).filtered(lambda server: server.owner_user_id in owners)
        wanted = servers.filtered(lambda server: server.id == wanted_id)
        if wanted and not servers._notify_owned_by(email_from):
            servers = wanted
        server, smtp_from = Server._find_mail_server(email_from, servers)
        return (server or Server), smtp_from

    @api.model
    def _for_company(self, servers, company):
        """Return servers in the context of a company's alias domain, as mails are sent."""
        domain = company.alias_domain_id
        if not domain:
            return servers
        return servers.with_context(
            domain_notifications_email=domain.default_from_email,
            domain_bounce_address=domain.bounce_email,
        )

    @api.model
    @contextlib.contextmanager
    def _session(self, server, smtp_from):
        """Open the session that mail of an address goes through, and close it at the end.

        :raise UserError: with a sentence that says what to do
        """
        try:
            session = server._connect__(mail_server_id=server.id or None, smtp_from=smtp_from)
        except UserError:
            raise
        except Exception as error:
            raise Unusable(smtp_probe.trouble_of(error), str(error)) from error
        if session is None:
            raise UserError(self.env._("Odoo does not send mail while tests run."))
        try:
            yield session
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                session.quit()

    @api.model
    def _trouble(self, trouble, server, evidence):
        """Return the verdict on a server that cannot be used.

        :param trouble: see ``smtp_probe.trouble_of``
        """
        name = server.name or self.env._("of Odoo's configuration file")
        return Verdict(
            "red",
            self.env._(
                "The server “%(server)s” cannot be used: %(trouble)s",
                server=name,
                trouble=self._trouble_sentences().get(trouble, evidence),
            ),
            evidence,
        )

    @api.model
    def _trouble_sentences(self):
        """Return what each trouble is and what mends it, ``{code: sentence}``."""
        return {
            "unknown_host": self.env._("its host name is not known. Correct the name."),
            "no_answer": self.env._(
                "it does not answer. Check host name and port, and that a firewall lets Odoo reach "
                "it; many hosting providers block port 25."
            ),
            "certificate_expired": self.env._(
                "its certificate has expired. Its operator has to renew it; until then only an "
                "encryption without validation works, which anybody on the way can read."
            ),
            "certificate_name": self.env._(
                "its certificate was made for another name. Enter the host name that the "
                "certificate bears, or have its operator get one for this name."
            ),
            "certificate_untrusted": self.env._(
                "nobody whom this machine trusts vouches for its certificate. Have its operator "
                "get one from a public authority, or add your own authority to this machine's."
            ),
            "tls_missing": self.env._(
                "encryption is required, but it does not offer STARTTLS on this port. Try port "
                "587, or SSL/TLS on port 465."
            ),
            "tls_other": self.env._(
                "it does not understand SSL/TLS on this port. Choose TLS (STARTTLS) instead, or "
                "port 465."
            ),
            "tls_required": self.env._(
                "it only takes mail over an encrypted connection. Choose TLS (STARTTLS) as "
                "connection encryption."
            ),
            "login_refused": self.env._(
                "it refuses user name or password. Enter them again; some providers ask for an "
                "application password."
            ),
            "login_missing": self.env._(
                "it and Odoo do not agree on how to log in. Check whether a user name is needed, "
                "and the connection encryption: some servers offer a login only when encrypted."
            ),
            "closed": self.env._(
                "it hung up without a word. Check port and connection encryption: a port for "
                "SSL/TLS does so when it is addressed without."
            ),
        }

    # ------------------------------------------------------------
    # A COMPANY, A SERVER
    # ------------------------------------------------------------

    def _check_company(self):
        """There is a server for the company's mail, and it can be reached."""
        company = self.company_id
        email_from = company.alias_domain_id.default_from_email or company.email_formatted
        if not email_from:
            return Verdict(
                "red",
                self.env._(
                    "The company has neither an e-mail address nor an e-mail domain: its mail has "
                    "no sender. Enter an address, and choose an e-mail domain."
                ),
            )
        server, smtp_from = self._way_out(email_from, company)
        if not server and not self.env["ir.mail_server"].sudo().search_count([], limit=1):
            missing = self.env._(
                "No outgoing server is set up, and the one of Odoo's configuration file does not "
                "work. Nothing leaves; mail waits in the queue. Add an outgoing server."
            )
            try:
                with self._session(server, smtp_from):
                    return self._sends_by(server, smtp_from)
            except (UserError, Unusable) as error:
                return Verdict("red", missing, str(error))
        try:
            with self._session(server, smtp_from):
                return self._sends_by(server, smtp_from)
        except Unusable as error:
            return self._trouble(error.trouble, server, str(error))

    @api.model
    def _sends_by(self, server, smtp_from):
        name = server.name or self.env._("of Odoo's configuration file")
        return Verdict(
            "green",
            self.env._(
                "Mail leaves by the server “%(server)s”, as %(sender)s.",
                server=name,
                sender=smtp_from,
            ),
        )

    def _check_outgoing(self):
        """One server: reached, encrypted as wanted, logged in, and takes mail for others."""
        server = self.env["ir.mail_server"].sudo().browse(self.res_id)
        try:
            sender, recipient = server._get_test_email_from(), server._get_test_email_to()
            with self._session(server, sender) as session:
                offered = session.has_extn("starttls")
                answer = smtp_probe.ask(session, sender, recipient)
        except Unusable as error:
            return self._trouble(error.trouble, server, str(error))
        except (smtplib.SMTPException, OSError) as error:
            return self._trouble(smtp_probe.trouble_of(error), server, str(error))
        evidence = f"MAIL FROM:<{sender}> RCPT TO:<{recipient}>: {answer}"
        if answer.temporary:
            sentence = self.env._("The server answers, but wants us to come back later.")
            return Verdict("amber", sentence, evidence)
        if not answer.accepted:
            return self._refusal(server, answer, sender, recipient, evidence)
        return self._safety(server, offered, evidence)

    @api.model
    def _refusal(self, server, answer, sender, recipient, evidence):
        trouble = smtp_probe.trouble_of_answer(answer)
        if trouble != "refused":
            return self._trouble(trouble, server, evidence)
        if answer.stage == "MAIL":
            sentence = self.env._(
                "The server does not take mail from %(sender)s. Have its provider validate the "
                "address or its domain, or correct “FROM Filtering”.",
                sender=sender,
            )
        else:
            sentence = self.env._(
                "The server does not take mail to others (%(recipient)s). Enter a user name, or "
                "have its operator allow this machine to relay.",
                recipient=recipient,
            )
        return Verdict("red", sentence, evidence)

    @api.model
    def _safety(self, server, offered, evidence):
        """Return the verdict on a server that works: can others read or forge what it is told?"""
        encryption = server.smtp_encryption
        if encryption in ("starttls_strict", "ssl_strict"):
            sentence = self.env._("Works, and is encrypted and validated.")
            return Verdict("green", sentence, evidence)
        if encryption != "none":
            sentence = self.env._(
                "Works, encrypted, but anybody on the way can pose as this server. Choose the "
                "encryption with validation."
            )
            return Verdict("amber", sentence, evidence)
        if _is_near(server.smtp_host):
            sentence = self.env._("Works; not encrypted, which is fine on this machine.")
            return Verdict("green", sentence, evidence)
        if server.smtp_user:
            sentence = self.env._(
                "Works, but user name and password travel readable for anybody on the way. Choose "
                "an encryption."
            )
            return Verdict("red", sentence, evidence)
        sentence = self.env._("Works, but everybody on the way can read the mails.")
        if offered:
            sentence += " " + self.env._("The server offers encryption: choose TLS (STARTTLS).")
        return Verdict("amber", sentence, evidence)


class Unusable(Exception):
    """A server cannot be used.

    :param trouble: see ``smtp_probe.trouble_of``
    """

    def __init__(self, trouble, text):
        super().__init__(text)
        self.trouble = trouble


def _is_near(host):
    """Tell whether a host is this machine."""
    if (host or "").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
