"""Fixtures of the tests that live in the mail world: a database, a relay, mailboxes, people."""

import os
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from machine_room import databases
from machine_room.mailworld import MailWorld

# A busy machine is slow, and says nothing about the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="module")
def world():
    """A relay and mailboxes on loopback."""
    with MailWorld() as mail_world:
        yield mail_world


@pytest.fixture
def short_folder():
    """A folder with a path short enough for sockets, as pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="mw-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def company(world):
    """A database of its own, with the addon installed, connected to the mail world."""
    from machine_room.company import Company, outside_of_tests

    server = databases.configured()
    name = f"world_{uuid.uuid4().hex[:8]}"
    with outside_of_tests():
        server.copy(os.environ["NOTIFY_TEMPLATE"], name)
        try:
            with Company(name, world) as odoo_company:
                yield odoo_company
        finally:
            server.drop(name)


@pytest.fixture
def order(company):
    """A quotation that nobody follows; files of tests have one that suits them better."""
    return company.empty(company.quotation(by="anna"))


@pytest.fixture
def letter(company, order):
    """What the client got about the quotation."""
    return company.client.wait_for(subject=order.sudo().name)[-1]


@pytest.fixture(scope="module")
def registry():
    """A database of its own, in which everything commits."""
    import odoo
    from odoo.modules.registry import Registry

    from machine_room.company import outside_of_tests

    server = databases.configured()
    name = f"workers_{uuid.uuid4().hex[:8]}"
    server.copy(os.environ["NOTIFY_TEMPLATE"], name)
    try:
        with outside_of_tests():
            yield Registry(name)
    finally:
        Registry.delete(name)
        odoo.sql_db.close_db(name)
        server.drop(name)


@pytest.fixture(autouse=True)
def calm(request):
    """Leave no rule of the relay, and no half transaction, to the next test."""
    yield
    if "company" in request.fixturenames:
        request.getfixturevalue("world").relay.reset()
        request.getfixturevalue("company").env.cr.rollback()
        request.getfixturevalue("company").env.invalidate_all()
