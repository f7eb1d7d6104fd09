"""What tests of incoming mail share: a document about which its client got a mail, a mailbox."""

import pytest


@pytest.fixture
def order(company):
    """A quotation that the client follows, and of which they got a mail."""
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.partner)
    company.post(order, "What do you think?", by="anna")
    company.send_queue()
    return order


@pytest.fixture
def server(company):
    return company.env["fetchmail.server"].search([], limit=1)
