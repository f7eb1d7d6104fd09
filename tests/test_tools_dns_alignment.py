"""SPF, DKIM and DMARC as a name server on loopback tells them."""

import importlib.util
import sys

import pytest

from machine_room import paths
from machine_room.mailworld.dns_stub import DnsStub

# Read as a file of its own: the package around it needs Odoo.
_spec = importlib.util.spec_from_file_location(
    "tools_dns_alignment", paths.ROOT / "notify_routing/tools/dns_alignment.py"
)
tools = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tools)

Relay, examine, resolver_at, spf_with, worst = (
    tools.Relay,
    tools.examine,
    tools.resolver_at,
    tools.spf_with,
    tools.worst,
)

RELAY = Relay("203.0.113.5", selectors=("odoo",))
KEY = {"TXT": ["v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"]}
GOOD = {
    "company.example": {
        "TXT": ["v=spf1 ip4:203.0.113.0/24 -all"],
        "MX": ["10 mx.company.example."],
        "SOA": ["ns.company.example. admin.company.example. 1 7200 3600 1209600 60"],
    },
    "mx.company.example": {"A": ["203.0.113.9"]},
    "odoo._domainkey.company.example": KEY,
    "_dmarc.company.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:info@company.example"]},
}


@pytest.fixture
def dns():
    with DnsStub(GOOD) as stub:
        yield stub


def look(dns, relay=RELAY, envelope="company.example"):
    """Return the findings as ``{code: finding}``, and the worst state."""
    findings = examine("company.example", envelope, relay, resolver_at(dns.address))
    return {finding.code: finding for finding in findings}, worst(findings)


def spf(dns, record):
    dns.zone["company.example"] = {**GOOD["company.example"], "TXT": [record] if record else []}


def test_all_in_order(dns):
    found, state = look(dns)
    assert set(found) == {"spf_ok", "dkim_ok", "dmarc_ok"}
    assert state == "green"


def test_n3_spf_that_does_not_name_the_relay_is_red_with_the_record_to_publish(dns):
    spf(dns, "v=spf1 mx -all")
    found, state = look(dns, Relay("smtp.relay.example", spf="ip4:203.0.113.77"))
    assert state == "red"
    assert found["spf_relay"].record == "v=spf1 mx -all"
    assert found["spf_relay"].publish == (
        "company.example",
        "v=spf1 mx ip4:203.0.113.77 -all",
    )


def test_n3_no_spf_at_all_is_red_with_the_record_to_publish(dns):
    spf(dns, None)
    found, state = look(dns, Relay("smtp.sendgrid.net", selectors=("odoo",)))
    assert state == "red"
    assert found["spf_missing"].publish == (
        "company.example",
        "v=spf1 include:sendgrid.net ~all",
    )


def test_spf_with_two_records_is_invalid(dns):
    dns.zone["company.example"] = {
        **GOOD["company.example"],
        "TXT": ["v=spf1 mx -all", "v=spf1 a -all"],
    }
    found, state = look(dns)
    assert "spf_invalid" in found and state == "red"


def test_spf_with_too_many_lookups_is_invalid(dns):
    spf(dns, "v=spf1 " + " ".join(f"include:{n}.company.example" for n in range(11)) + " -all")
    for number in range(11):
        dns.zone[f"{number}.company.example"] = {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}
    found, state = look(dns)
    assert "spf_invalid" in found and state == "red"


def test_relay_on_a_private_network_asks_for_its_public_side(dns):
    found, state = look(dns, Relay("10.1.2.3", selectors=("odoo",)))
    assert found["spf_unknown"].state == "amber" and state == "amber"


@pytest.mark.parametrize(
    ("record", "more"),
    [
        ("v=spf1 mx -all", {"mx.company.example": {"A": ["203.0.113.5"]}}),
        ("v=spf1 a:out.company.example -all", {"out.company.example": {"A": ["203.0.113.5"]}}),
        ("v=spf1 include:p.example -all", {"p.example": {"TXT": ["v=spf1 ip4:203.0.113.5 ~all"]}}),
        ("v=spf1 redirect=p.example", {"p.example": {"TXT": ["v=spf1 ip4:203.0.113.5 ~all"]}}),
    ],
)
def test_relay_is_found_wherever_the_record_points(dns, record, more):
    spf(dns, record)
    dns.zone.update(more)
    assert "spf_ok" in look(dns)[0]


def test_include_of_the_relays_owner_counts(dns):
    spf(dns, "v=spf1 include:_spf.relay.example -all")
    dns.zone["_spf.relay.example"] = {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]}
    dns.zone["smtp.relay.example"] = {"A": ["192.0.2.7"]}
    found, _state = look(dns, Relay("smtp.relay.example", selectors=("odoo",)))
    assert "spf_ok" in found


def test_a_mechanism_that_refuses_is_no_permission(dns):
    spf(dns, "v=spf1 -ip4:203.0.113.5 mx -all")
    found, state = look(dns, Relay("203.0.113.5", spf="ip4:203.0.113.5"))
    assert "spf_relay" in found and state == "red"


def test_dkim_key_that_is_missing_or_withdrawn_is_red(dns):
    del dns.zone["odoo._domainkey.company.example"]
    found, state = look(dns)
    assert found["dkim_missing"].publish[0] == "odoo._domainkey.company.example"
    assert state == "red"
    dns.zone["odoo._domainkey.company.example"] = {"TXT": ["v=DKIM1; p="]}
    assert "dkim_revoked" in look(dns)[0]


def test_without_a_selector_the_common_ones_are_tried(dns):
    relay = Relay("203.0.113.5")
    found, state = look(dns, relay)
    assert "dkim_unknown" in found and state == "amber"
    dns.zone["selector2._domainkey.company.example"] = KEY
    assert "dkim_ok" in look(dns, relay)[0]


def test_no_dmarc_is_amber_with_the_record_to_publish(dns):
    del dns.zone["_dmarc.company.example"]
    found, state = look(dns)
    assert state == "amber"
    assert found["dmarc_missing"].publish == (
        "_dmarc.company.example",
        "v=DMARC1; p=none; rua=mailto:postmaster@company.example",
    )


def test_dmarc_that_cannot_be_read_is_red(dns):
    dns.zone["_dmarc.company.example"] = {"TXT": ["v=DMARC1; p=perhaps"]}
    found, state = look(dns)
    assert "dmarc_invalid" in found and state == "red"


def test_envelope_of_another_domain_needs_dkim(dns):
    dns.zone["bounces.example"] = {"TXT": ["v=spf1 ip4:203.0.113.5 -all"]}
    assert "dmarc_ok" in look(dns, envelope="bounces.example")[0], "DKIM is aligned"
    found, state = look(dns, Relay("203.0.113.5"), envelope="bounces.example")
    assert "dmarc_unaligned" in found and state == "red"


def test_strict_alignment_wants_the_very_domain(dns):
    dns.zone["mail.company.example"] = {"TXT": ["v=spf1 ip4:203.0.113.5 -all"]}
    relay = Relay("203.0.113.5")
    assert "dmarc_ok" in look(dns, relay, envelope="mail.company.example")[0]
    dns.zone["_dmarc.company.example"] = {"TXT": ["v=DMARC1; p=reject; aspf=s"]}
    assert "dmarc_unaligned" in look(dns, relay, envelope="mail.company.example")[0]


def test_domain_that_does_not_exist_is_red(dns):
    dns.zone.clear()
    found, state = look(dns)
    assert set(found) == {"domain_missing"} and state == "red"


def test_name_server_that_fails_decides_nothing(dns):
    dns.mood = "broken"
    found, state = look(dns)
    assert set(found) == {"dns_silent"} and state == "amber"


def test_what_was_mended_shows_at_once(dns):
    spf(dns, "v=spf1 -all")
    assert "spf_relay" in look(dns, Relay("x.example", spf="mx"))[0]
    spf(dns, "v=spf1 mx -all")
    assert "spf_ok" in look(dns, Relay("x.example", spf="mx"))[0]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 -all", "v=spf1 a -all"),
        ("v=spf1 mx", "v=spf1 mx a"),
        ("v=spf1 redirect=p.example", "v=spf1 a redirect=p.example"),
        ("v=spf1 ~ALL", "v=spf1 a ~ALL"),
    ],
)
def test_mechanism_goes_before_the_end_of_the_search(record, expected):
    assert spf_with(record, "a") == expected


@pytest.mark.parametrize("address", ["nonsense", "dns.example", "127.0.0.1:x"])
def test_a_resolver_that_is_no_address_is_refused(address):
    with pytest.raises(ValueError):
        resolver_at(address)
