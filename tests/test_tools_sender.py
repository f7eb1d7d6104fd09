"""The most specific policy wins, and a name stays a name."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.notify_routing.tools.sender import (
    NAME_LENGTH,
    Policy,
    choose,
    clean_name,
    fill,
    unknown,
)

EVERYTHING = Policy(1)
SERVER = Policy(2, via_server_id=9)
COMPANY = Policy(3, company_id=5)
KIND = Policy(4, kind="alert")
MODEL = Policy(5, model="crm.lead")


def test_the_most_specific_policy_wins():
    policies = [EVERYTHING, SERVER, COMPANY, KIND, MODEL]
    for count, expected in ((5, MODEL), (4, KIND), (3, COMPANY), (2, SERVER), (1, EVERYTHING)):
        for ordered in (policies[:count], policies[:count][::-1]):
            assert choose(ordered, 5, "crm.lead", "alert", 9) == expected


def test_a_policy_for_something_else_does_not_count():
    others = [SERVER, COMPANY, KIND, MODEL]
    assert choose(others, 6, "sale.order", "person", 8) is None
    assert choose([SERVER], 5, None, "person", None) is None, "the server is not known yet"


def test_equal_ones_by_their_sequence():
    assert choose([Policy(1, 20), Policy(2, 10)], 1, None, "person").id == 2


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%(author)s via %(company)s", "Anna via Company"),
        ("%(company)s", "Company"),
        ("%(responsible)s", "Company"),
        ("100 % %(company)s", "100 % Company"),
        ("", ""),
    ],
)
def test_patterns(pattern, name):
    assert fill(pattern, {"author": "Anna", "company": "Company"}) == name


@pytest.mark.parametrize("pattern", ["%(nobody)s", "%(author)", "%(author)9999d", "%(__class__)s"])
def test_what_no_pattern_may_hold(pattern):
    assert unknown(pattern)


@pytest.mark.parametrize(
    "name",
    [
        "Anna\r\nBcc: everybody@else.example",
        "Anna\n\nBody",
        "=?utf-8?q?Anna=0ABcc:_x@y.example?=",
        "Anna\u2028Bcc: x@y.example",
        "Anna\x00\x85",
        "\u202eelpmaxe",
        "\udc80\ud800",
    ],
)
def test_names_that_try_to_be_more(name):
    cleaned = clean_name(name)
    assert cleaned == " ".join(cleaned.split())
    assert "=?" not in cleaned and cleaned.isprintable()


@given(st.text(max_size=200))
def test_no_name_makes_a_header(name):
    from odoo.tools import formataddr

    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((clean_name(name), "mail@company.example"))
    message.set_content("Text")
    lines = message.as_bytes().partition(b"\r\n\r\n")[0].split(b"\r\n")
    fields = [line.split(b":")[0].lower() for line in lines if not line.startswith((b" ", b"\t"))]
    assert set(fields) <= {
        b"from", b"content-type", b"content-transfer-encoding", b"mime-version",
    }  # fmt: skip
    assert [address.addr_spec for address in message["From"].addresses] == ["mail@company.example"]
    assert len(clean_name(name)) <= NAME_LENGTH
