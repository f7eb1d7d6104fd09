"""What the DNS says of a sender domain: may the relay send for it, and will receivers believe it?

SPF is read for the domain of the envelope, DKIM and DMARC for the domain of From. DMARC wants one
of the two to pass *and* to belong to the domain that people see (RFC 7489, 3.1).
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import checkdmarc.dmarc
import checkdmarc.spf
import checkdmarc.utils
import dns.exception
import dns.resolver

State = Literal["green", "amber", "red"]

#: Seconds for one question. A board of ten domains must not wait for minutes.
TIMEOUT = 3.0
#: Where keys commonly are, looked at if nobody said where.
SELECTORS = (
    *("default", "dkim", "mail", "google", "selector1", "selector2"),
    *("s1", "s2", "k1", "k2", "smtp", "mandrill", "mailjet", "pm", "scph0118"),
)
#: Submission host → what its provider asks to put into SPF; mail leaves from other hosts of it.
PROVIDERS = {
    "gmail.com": "include:_spf.google.com",
    "google.com": "include:_spf.google.com",
    "office365.com": "include:spf.protection.outlook.com",
    "outlook.com": "include:spf.protection.outlook.com",
    "sendgrid.net": "include:sendgrid.net",
    "mailgun.org": "include:mailgun.org",
    "amazonaws.com": "include:amazonses.com",
    "brevo.com": "include:spf.brevo.com",
    "sendinblue.com": "include:spf.brevo.com",
    "mailjet.com": "include:spf.mailjet.com",
    "postmarkapp.com": "include:spf.mtasv.net",
    "sparkpostmail.com": "include:sparkpostmail.com",
    "mandrillapp.com": "include:spf.mandrillapp.com",
    "ovh.net": "include:mx.ovh.com",
    "ionos.com": "include:_spf.perfora.net",
    "zoho.com": "include:zoho.com",
    "zoho.eu": "include:zoho.eu",
}


@dataclass(frozen=True, slots=True)
class Relay:
    """What is known of an outgoing server.

    :param host: name or address under which it is reached
    :param spf: the mechanism that authorises it, ``"include:sendgrid.net"``; empty: found out
    :param selectors: of its DKIM keys; empty: the common ones are tried
    """

    host: str
    spf: str = ""
    selectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    :param code: what it is, e.g. ``"spf_relay"``; its sentence is in ``notify.check``
    :param record: what the DNS says now, or the error
    :param publish: name and value of the TXT record that mends it
    """

    state: State
    code: str
    record: str = ""
    publish: tuple[str, str] | None = None


def resolver_at(address: str = "") -> dns.resolver.Resolver:
    """Return a resolver.

    :param address: ``"9.9.9.9"`` or ``"127.0.0.1:5353"``; empty is the machine's own
    :raise ValueError: if it is no address
    """
    if not address:
        resolver = dns.resolver.Resolver()
    else:
        host, _colon, port = (
            address.rpartition(":") if address.count(":") == 1 else (address, "", "")
        )
        ipaddress.ip_address(host)
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [host]
        resolver.port = int(port or 53)
    resolver.timeout = 1.0
    resolver.lifetime = TIMEOUT
    return resolver


def examine(
    domain: str, envelope_domain: str, relay: Relay, resolver: dns.resolver.Resolver
) -> list[Finding]:
    """Return what is found about mail from a domain that leaves through a relay.

    :param domain: of the address in From
    :param envelope_domain: of the envelope sender, i.e. of the bounce address
    """
    # What an administrator mended a minute ago must show; the library keeps answers for long.
    checkdmarc.utils.DNS_CACHE.clear()
    for name in dict.fromkeys((domain, envelope_domain)):
        missing = _existence(name, resolver)
        if missing:
            return [missing]
    spf = _spf(envelope_domain, relay, resolver)
    dkim = _dkim(domain, relay, resolver)
    return [spf, dkim, _dmarc(domain, envelope_domain, spf, dkim, resolver)]


def worst(findings: Sequence[Finding]) -> State:
    """Return the state of the worst finding; green if there is none."""
    states = {finding.state for finding in findings}
    return "red" if "red" in states else "amber" if "amber" in states else "green"


def _existence(domain: str, resolver: dns.resolver.Resolver) -> Finding | None:
    try:
        resolver.resolve(domain, "SOA", raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Finding("red", "domain_missing", domain)
    except (dns.exception.DNSException, OSError) as error:
        return Finding("amber", "dns_silent", f"{domain}: {error}")
    return None


# ------------------------------------------------------------
# SPF
# ------------------------------------------------------------


def _spf(domain: str, relay: Relay, resolver: dns.resolver.Resolver) -> Finding:
    addresses = _addresses(relay.host, resolver)
    mechanism = relay.spf.strip() or _provider(relay.host) or _own_mechanism(addresses)
    try:
        record = checkdmarc.spf.query_spf_record(domain, resolver=resolver)["record"]
    except checkdmarc.spf.SPFRecordNotFound:
        publish = (domain, spf_with("v=spf1 ~all", mechanism)) if mechanism else None
        return Finding("red", "spf_missing", "", publish)
    except checkdmarc.spf.SPFError as error:
        return Finding("red", "spf_invalid", str(error))
    except (dns.exception.DNSException, OSError) as error:
        return Finding("amber", "dns_silent", str(error))
    try:
        parsed = checkdmarc.spf.parse_spf_record(record, domain, resolver=resolver)["parsed"]
    except checkdmarc.spf.SPFError as error:
        return Finding("red", "spf_invalid", f"{record}\n{error}")
    claim = _claim(relay.host, mechanism, addresses, resolver)
    if claim.first(parsed) == "pass" or mechanism in record.split():
        return Finding("green", "spf_ok", record)
    if not mechanism:
        return Finding("amber", "spf_unknown", record)
    return Finding("red", "spf_relay", record, (domain, spf_with(record, mechanism)))


def spf_with(record: str, mechanism: str) -> str:
    """Return an SPF record that also has a mechanism, before the first that ends the search.

    ``spf_with("v=spf1 mx -all", "ip4:192.0.2.1")`` is ``"v=spf1 mx ip4:192.0.2.1 -all"``.
    """
    terms = record.split()
    place = next(
        (
            index
            for index, term in enumerate(terms)
            if term.lower().lstrip("+-~?") == "all" or term.lower().startswith("redirect=")
        ),
        len(terms),
    )
    return " ".join([*terms[:place], mechanism, *terms[place:]])


def _provider(host: str) -> str:
    name = host.lower().rstrip(".")
    return next(
        (
            mechanism
            for known, mechanism in PROVIDERS.items()
            if name == known or name.endswith(f".{known}")
        ),
        "",
    )


def _own_mechanism(addresses: Sequence[str]) -> str:
    """Return the mechanism for a relay's addresses; none if they are not those the world sees."""
    public = [address for address in addresses if ipaddress.ip_address(address).is_global]
    if not public:
        return ""
    return " ".join(f"ip{ipaddress.ip_address(address).version}:{address}" for address in public)


def _addresses(host: str, resolver: dns.resolver.Resolver) -> list[str]:
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [answer.to_text() for answer in resolver.resolve(host, kind)]
        except (dns.exception.DNSException, OSError):
            continue
    return found


def _claim(
    host: str, mechanism: str, addresses: Sequence[str], resolver: dns.resolver.Resolver
) -> _Claim:
    wanted = mechanism.removeprefix("+").lower()
    # A mechanism may name an address that lies within a network of the record.
    named = [term[4:].partition("/")[0] for term in wanted.split() if term[:4] in ("ip4:", "ip6:")]
    owner = "" if host in addresses else checkdmarc.utils.get_base_domain(host)
    return _Claim(wanted, owner, (*addresses, *named), resolver)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a term of a record is compared with."""

    mechanism: str
    owner: str
    addresses: tuple[str, ...]
    resolver: dns.resolver.Resolver

    def first(self, parsed: dict) -> str | None:
        """Return what the first term that is meant says: ``pass``, ``fail``, … or None."""
        for term in parsed["mechanisms"]:
            if self._is_meant(term):
                return term["action"]
        redirect = parsed.get("redirect")
        if redirect and redirect.get("parsed"):
            return self.first(redirect["parsed"])
        return parsed.get("all")

    def _is_meant(self, term: dict) -> bool:
        kind, value = term["mechanism"], str(term.get("value") or "").lower()
        if f"{kind}:{value}" == self.mechanism:
            return True
        if kind == "include":
            # Who includes a domain of the relay's owner authorises all that owner's hosts.
            same = self.owner and checkdmarc.utils.get_base_domain(value) == self.owner
            return bool(same) or (bool(term.get("parsed")) and self.first(term["parsed"]) == "pass")
        networks = self._networks(kind, term)
        return any(
            _contains(network, address) for network in networks for address in self.addresses
        )

    def _networks(self, kind: str, term: dict) -> list[str]:
        if kind in ("ip4", "ip6"):
            return [term["value"]]
        if kind == "a":
            return term.get("addresses") or []
        if kind == "mx":
            hosts = [host["hostname"] for host in term.get("hosts") or []]
            return [found for host in hosts for found in _addresses(host, self.resolver)]
        return []


def _contains(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


# ------------------------------------------------------------
# DKIM
# ------------------------------------------------------------


def _dkim(domain: str, relay: Relay, resolver: dns.resolver.Resolver) -> Finding:
    for selector in relay.selectors or SELECTORS:
        name = f"{selector}._domainkey.{domain}"
        try:
            texts = [
                b"".join(answer.strings).decode("utf-8", "replace")
                for answer in resolver.resolve(name, "TXT")
            ]
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            texts = []
        except (dns.exception.DNSException, OSError) as error:
            return Finding("amber", "dns_silent", str(error))
        tags = _key_tags(texts)
        if tags.get("p"):
            return Finding("green", "dkim_ok", f"{name}: {texts[0][:60]}…")
        if "p" in tags:
            # RFC 6376, 3.6.1: an empty key is one that was withdrawn.
            return Finding("red", "dkim_revoked", name)
        if relay.selectors:
            return Finding("red", "dkim_missing", name, (name, "v=DKIM1; k=rsa; p=…"))
    return Finding("amber", "dkim_unknown", ", ".join(SELECTORS))


def _key_tags(texts: Sequence[str]) -> dict[str, str]:
    """Return the tags of the first text that is a DKIM key, ``{"p": "MIG…"}``; else nothing."""
    for text in texts:
        pairs = (part.partition("=") for part in text.split(";"))
        tags = {name.strip(): "".join(value.split()) for name, _sign, value in pairs}
        if "p" in tags and tags.get("v", "DKIM1") == "DKIM1":
            return tags
    return {}


# ------------------------------------------------------------
# DMARC
# ------------------------------------------------------------


def _dmarc(
    domain: str,
    envelope_domain: str,
    spf: Finding,
    dkim: Finding,
    resolver: dns.resolver.Resolver,
) -> Finding:
    try:
        found = checkdmarc.dmarc.query_dmarc_record(domain, resolver=resolver)
        record = found["record"]
        tags = checkdmarc.dmarc.parse_dmarc_record(record, found["location"], resolver=resolver)[
            "tags"
        ]
    except checkdmarc.dmarc.DMARCRecordNotFound:
        value = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"
        return Finding("amber", "dmarc_missing", "", (f"_dmarc.{domain}", value))
    except checkdmarc.dmarc.DMARCError as error:
        return Finding("red", "dmarc_invalid", str(error))
    except (dns.exception.DNSException, OSError) as error:
        return Finding("amber", "dns_silent", str(error))
    strict = tags["aspf"]["value"] == "s"
    aligned = _aligned(domain, envelope_domain, strict)
    if dkim.code == "dkim_ok" or (aligned and spf.code == "spf_ok"):
        return Finding("green", "dmarc_ok", record)
    if not aligned:
        code = "dmarc_unaligned"
    elif "amber" in (spf.state, dkim.state) and spf.state != "red":
        return Finding("amber", "dmarc_unsure", record)
    else:
        code = "dmarc_fails"
    enforced = tags["p"]["value"] != "none"
    return Finding("red" if enforced else "amber", code, record)


def _aligned(domain: str, other: str, strict: bool) -> bool:
    if strict:
        return domain.lower() == other.lower()
    base = checkdmarc.utils.get_base_domain
    return base(domain) == base(other)
