"""Externals who are told of internal events, because somebody of the company said so."""

import pytest


@pytest.fixture
def order(company):
    return company.empty(company.quotation(by="anna"))


def addresses(letters):
    """Return all envelope recipients, with repetitions."""
    return sorted(address for letter in letters for address in letter.recipients)


def follow_notes(company, order, by="anna", **context):
    """Subscribe the client to messages and notes, as the dialog of the followers does."""
    ids = [company.env.ref(f"mail.mt_{name}").id for name in ("comment", "note")]
    company.as_user(order, by).with_context(**context).message_subscribe(company.partner.ids, ids)
    company.commit()


def test_o17_note_is_internal_though_an_external_follows_notes(company, order):
    follow_notes(company, order)
    with company.letters() as letters:
        note = company.post(order, "Between us", by="anna", subtype="mail.mt_note")
    assert (addresses(letters), company.told(note)) == ([], {})
    with company.letters() as letters:
        company.post(order, "For everybody", by="anna")
    assert addresses(letters) == ["client@customer.example"]


def test_o17_note_reaches_the_external_whom_somebody_allowed_it(company, order):
    follow_notes(company, order, notify_internal_confirmed=True)
    with company.letters() as letters:
        note = company.post(order, "Between the three of us", by="anna", subtype="mail.mt_note")
    assert addresses(letters) == ["client@customer.example"]
    assert company.told(note) == {"Mister Client": "email"}
    assert "Between the three of us" in letters[0].email.get_body(("html",)).get_content()
    log = order.sudo().message_ids.filtered(lambda message: "will be told of" in message.body)
    assert len(log) == 1 and "Anna" in log.body and "Mister Client" in log.body


def test_o17_one_documents_consent_is_no_other_documents(company, order):
    follow_notes(company, order, notify_internal_confirmed=True)
    other = company.empty(company.quotation(by="anna"))
    follow_notes(company, other)
    with company.letters() as letters:
        company.post(other, "Between us", by="anna", subtype="mail.mt_note")
    assert addresses(letters) == []


def test_o17_consent_ends_with_the_following(company, order):
    follow_notes(company, order, notify_internal_confirmed=True)
    company.empty(order)
    follow_notes(company, order)
    with company.letters() as letters:
        company.post(order, "Between us", by="anna", subtype="mail.mt_note")
    assert addresses(letters) == []
