"""What is wrong with an address, without asking anybody."""

import importlib.util
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine_room import paths

# Read as a file of its own: the package around it needs Odoo.
_spec = importlib.util.spec_from_file_location(
    "tools_email_faults", paths.ROOT / "notify_routing/tools/email_faults.py"
)
tools = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tools)


@pytest.mark.parametrize(
    "text",
    [
        "anna@company.example",
        "Anna <anna@company.example>",
        '"Anna, of Company" <anna.b+c@company.example>',
        "o'brien@company.example",
        "anna@bücher.example",
        "用户@例子.广告",
        "a@b.co, c@d.org",
        "a@b.co; c@d.org",
        '"with blank"@company.example',
        "x" * 64 + "@company.example",
        "anna@127.example",
    ],
)
def test_n1_good_addresses_have_no_fault(text):
    assert tools.fault_of(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "missing"),
        (None, "missing"),
        ("   ", "missing"),
        ("anna", "no_at"),
        ("anna.company.example", "no_at"),
        ("anna @company.example", "blank"),
        ("anna@com pany.example", "blank"),
        ("anna..b@company.example", "local"),
        (".anna@company.example", "local"),
        ("anna.@company.example", "local"),
        ("@company.example", "local"),
        ("x" * 65 + "@company.example", "local"),
        ("anna@", "domain"),
        ("anna@-company.example", "domain"),
        ("anna@company..example", "domain"),
        ("anna@company.example.", "domain"),
        ("anna@" + "x" * 64 + ".example", "domain"),
        ("anna@10.0.0.1", "domain"),
        ("anna@company", "no_dot"),
        ("anna@company.invalid", "reserved"),
        ("good@company.example, bad@company", "no_dot"),
    ],
)
def test_n1_bad_addresses_are_told_with_the_reason(text, fault):
    assert tools.fault_of(text)[0] == fault


@given(st.text(max_size=80))
def test_any_text_has_an_answer(text):
    found = tools.fault_of(text)
    assert found is None or found[1] in text


@given(st.from_regex(r"\A[a-z0-9]{1,20}(\.[a-z0-9]{1,9})?@[a-z0-9]{1,20}\.[a-z]{2,8}\Z"))
def test_plain_addresses_are_good(address):
    name = address.rpartition(".")[2]
    expected = ("reserved", address) if name in ("local", "invalid") else None
    assert tools.fault_of(address) in (expected, None)
