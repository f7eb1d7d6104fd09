"""Tokens in return addresses: what was signed is read, whatever was done to the address."""

import os
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.notify_routing.tools.address_token import (
    ADDRESS,
    ALPHABET,
    BOUNCE,
    KEY_NUMBERS,
    LENGTH,
    LOCAL_PART_LENGTH,
    PARTNER,
    SIGNATURE_LENGTH,
    Key,
    Token,
    address_hash,
    read,
    sign,
)

#: Set NOTIFY_FUZZ=10000 for a long run.
CASES = int(os.environ.get("NOTIFY_FUZZ", "300"))
NOW = datetime(2026, 3, 1, 12)
KEY = Key(7, b"k" * 32)
KEYS = {7: KEY}
DOMAIN = "company.example"
TOKEN = Token(PARTNER, 4711, 815)
WORD = sign(TOKEN, KEY)
TEN_DIGITS = 9_999_999_999

tokens = st.one_of(
    st.builds(Token, st.just(PARTNER), st.integers(1, TEN_DIGITS), st.integers(0, TEN_DIGITS)),
    st.builds(
        Token,
        st.just(ADDRESS),
        st.integers(1, TEN_DIGITS),
        address_hash=st.emails().map(address_hash),
    ),
    st.builds(Token, st.just(BOUNCE), st.integers(1, TEN_DIGITS)),
)


def state(text, keys=None, now=NOW):
    return read(text, KEYS if keys is None else keys, now, [DOMAIN]).state


@pytest.mark.parametrize(
    "text",
    [
        f"catchall+{WORD}@{DOMAIN}",
        f"catchall+{WORD}@{DOMAIN}".upper(),
        f"Catchall+{WORD.title()}@Company.Example",
        f'"catchall+{WORD}"@{DOMAIN}',
        f'"Anna via Company" <catchall+{WORD}@{DOMAIN}>',
        f"catchall+{WORD}@{DOMAIN} via relay.example",
        f"'catchall+{WORD}@{DOMAIN}'",
        f"SRS0=HHH=TT={DOMAIN}=catchall+{WORD}@forwarder.example",
        f"SRS1=GGG=first.example==HHH=TT={DOMAIN}=catchall+{WORD}@second.example",
        f"prvs=1234567890=bounce+{WORD}@{DOMAIN}",
        f"btv1==123456789ab==bounce+{WORD}@{DOMAIN}",
        f"list-bounces+catchall+{WORD}={DOMAIN}@list.example",
        f"catchall=2B{WORD}@{DOMAIN}",
        f"mailto:catchall%2B{WORD}@{DOMAIN}",
        f"{WORD}@reply.{DOMAIN}",
        f"a@b.example, Company <{WORD}@reply.{DOMAIN}>, c@d.example",
        f"catchall+{WORD}@{DOMAIN}.",
        WORD,
    ],
)
def test_forms_of_an_address_that_programs_and_forwarders_make(text):
    reading = read(text, KEYS, NOW, [DOMAIN])
    assert (reading.state, reading.token) == ("valid", TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"catchall@{DOMAIN}",
        f"catchall+newsletter@{DOMAIN}",
        f"reservations-department@{DOMAIN}",
        f"catchall+{WORD[:-5]}…@{DOMAIN}",
        "r0123456789abcdefghjk@elsewhere.example",
        f"r0123456789abcdefghjk@{DOMAIN}.elsewhere.example",
        f"r0123456789abcdefghjk@not{DOMAIN}",
    ],
)
def test_what_is_no_token_of_ours(text):
    assert state(text) == "none"


def test_every_changed_sign_is_noticed():
    for place, sign_ in enumerate(WORD):
        for other in set(ALPHABET) - {sign_}:
            changed = f"{WORD[:place]}{other}{WORD[place + 1 :]}"
            found = state(f"catchall+{changed}@{DOMAIN}")
            # Another first sign is no token at all; another second sign names a key that is gone.
            expected = {0: ("none", "tampered"), 1: ("expired",)}.get(place, ("tampered",))
            assert found in expected, changed


def test_signature_has_at_least_60_bits():
    assert SIGNATURE_LENGTH * 5 >= 60
    assert {sign(Token(BOUNCE, number), KEY)[-SIGNATURE_LENGTH:] for number in range(1, 500)}


def test_kinds_do_not_stand_for_each_other():
    as_bounce = BOUNCE + WORD[1:]
    assert state(f"bounce+{as_bounce}@{DOMAIN}") == "tampered"


def test_keys_rotate_and_end():
    old = Key(6, b"o" * 32, NOW + timedelta(days=1))
    word = sign(TOKEN, old)
    keys = {6: old, 7: KEY}
    assert read(f"c+{word}@{DOMAIN}", keys, NOW).token == TOKEN
    assert state(f"c+{word}@{DOMAIN}", keys, NOW + timedelta(days=1)) == "expired"
    assert state(f"c+{word}@{DOMAIN}", {7: KEY}) == "expired"
    assert state(f"c+{word}@{DOMAIN}", {6: Key(6, b"another" * 5)}) == "tampered"
    assert state(f"c+{word}@{DOMAIN}", {}) == "expired"


def test_a_valid_one_wins_over_a_tampered_and_that_over_an_expired_one():
    tampered = f"c+{WORD[:-1]}{'0' if WORD[-1] != '0' else '1'}@{DOMAIN}"
    expired = f"c+{sign(TOKEN, Key(3, b'x'))}@{DOMAIN}"
    valid = f"c+{WORD}@{DOMAIN}"
    assert state(f"{expired}, {tampered}, {valid}") == "valid"
    assert state(f"{expired}, {tampered}") == "tampered"
    assert state(f"{tampered}, a@elsewhere.example") == "tampered"
    assert state(expired) == "expired"


def test_lengths_hold_for_ten_digit_ids():
    longest = sign(Token(PARTNER, TEN_DIGITS, TEN_DIGITS), Key(31, b"k"))
    hashed = sign(Token(ADDRESS, TEN_DIGITS, address_hash="z" * 8), Key(31, b"k"))
    assert len(f"catchall+{longest}") <= LOCAL_PART_LENGTH
    assert len(f"catchall+{hashed}") <= LOCAL_PART_LENGTH
    assert len(f"catchall+{longest}@{'d' * 63}") <= 254
    assert max(len(longest), len(hashed)) == LENGTH
    # A million messages and partners leave 34 characters for a domain.
    usual = sign(Token(PARTNER, 10**6, 10**6), KEY)
    assert len(f"catchall+{usual}@{'d' * 34}") <= 68


def test_an_address_has_one_name_however_it_is_written():
    assert address_hash(" Client@Customer.Example ") == address_hash("client@customer.example")
    assert address_hash("client@customer.example") != address_hash("client2@customer.example")
    assert len({address_hash(f"{n}@customer.example") for n in range(2000)}) == 2000


@pytest.mark.parametrize(
    "token",
    [
        Token("x", 1),
        Token(PARTNER, 0),
        Token(PARTNER, -1),
        Token(PARTNER, 1, -1),
        Token(PARTNER, 2**70),
    ],
)
def test_what_no_token_can_say(token):
    with pytest.raises(ValueError, match=r"token|large"):
        sign(token, KEY)


@settings(max_examples=CASES)
@given(tokens, st.integers(0, KEY_NUMBERS - 1), st.integers(0, 2**50))
def test_what_was_signed_is_read(token, number, upper):
    key = Key(number, b"secret")
    word = "".join(
        sign_.upper() if upper >> place & 1 else sign_
        for place, sign_ in enumerate(sign(token, key))
    )
    reading = read(f'"Some Name" <catchall+{word}@{DOMAIN}>', {number: key}, NOW, [DOMAIN])
    assert (reading.state, reading.token) == ("valid", token)


SIGNS = [*ALPHABET * 4, *'+@=.<>" ', "İ", "\udc80", "\0", f"@{DOMAIN}", f"c+{WORD[:9]}"]
# Octets are drawn much faster than lists of signs.
garbage = st.binary(max_size=50).map(
    lambda octets: (
        "".join(SIGNS[octet % len(SIGNS)] for octet in octets)
        if len(octets) > 15
        else octets.decode("utf-8", "surrogateescape") + f"@{DOMAIN}"
    )
)


@settings(max_examples=10_000)
@given(garbage)
def test_garbage_is_never_valid_and_never_an_exception(text):
    assert state(text) in ("none", "tampered", "expired")


changes = st.tuples(st.integers(0, 50), st.integers(0, 3), st.text(max_size=3))


@settings(max_examples=CASES)
@given(st.lists(changes, min_size=1, max_size=4))
def test_a_mangled_token_is_never_read_as_another(mangled):
    text = f"catchall+{WORD}@{DOMAIN}"
    for place, cut, instead in mangled:
        text = text[:place] + instead + text[place + cut :]
    reading = read(text, KEYS, NOW, [DOMAIN])
    assert reading.token in (None, TOKEN)
