"""Two hosts with a filestore each drain one queue: no mail twice, none without its attachment."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from workers import wait_until

from machine_room import databases, paths

PLAIN, FILES = 300, 15
CONTENT = b"content of %s"
PROBE = "probe"


@pytest.fixture(autouse=True)
def queue(company):
    """Begin with an empty queue that waits for a worker."""
    company.queue_only()
    company.env["notify.delivery"].search([]).unlink()
    company.env["mail.mail"].search([]).unlink()
    company.commit()


@pytest.fixture
def other_disk(tmp_path):
    """A data folder that only the other host can read."""
    return tmp_path / "data"


@contextmanager
def other_host(company, disk):
    """Run a worker of the queue on another host: a process with a data folder of its own."""
    server = databases.configured()
    config = databases.config_file(server, data_dir=disk, log_level="error")
    command = [sys.executable, "-m", "machine_room.queue_worker", company.database]
    environment = {**os.environ, "NOTIFY_CONFIG": str(config)}
    with subprocess.Popen(command, env=environment, cwd=paths.ROOT) as worker:
        try:
            probe, _files = queue_mails(company, PROBE)
            wait_until(lambda: are_gone(company, probe))
            yield
        finally:
            worker.kill()
    wait_until(lambda: is_alone(company))


def queue_mails(company, *names, content=None, due=False):
    """Queue a mail to each name, with a file if there is content; return mails and files."""
    env = company.env
    files = env["ir.attachment"].create(
        [{"name": f"{name}.txt", "raw": content % name.encode()} for name in names]
        if content
        else []
    )
    mails = env["mail.mail"].create(
        [
            {
                "email_from": "anna@company.example",
                "email_to": f"{name}@customer.example",
                "subject": name,
                "body_html": "<p>x</p>",
                "auto_delete": True,
                "attachment_ids": [(6, 0, files.ids[number : number + 1])],
                "scheduled_date": due,
            }
            for number, name in enumerate(names)
        ]
    )
    company.commit()
    return mails, files


def other_path(company, file, disk):
    return disk / "filestore" / company.database / file.store_fname


def move(company, files, disk):
    """Bring files to the disk of the other host."""
    for file in files:
        target = other_path(company, file, disk)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file._full_path(file.store_fname), target)


def bring_back(company, file, disk):
    shutil.move(other_path(company, file, disk), file._full_path(file.store_fname))


def time_passes(company):
    """Let be due what waits."""
    company.env.cr.execute(
        """
        UPDATE mail_mail SET scheduled_date = scheduled_date - interval '1 hour';
        UPDATE notify_delivery SET date_next = date_next - interval '1 hour'
        """
    )
    company.commit()


def is_alone(company):
    """Tell whether the database has noticed that the other host is gone."""
    company.commit()
    company.env.cr.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = %s"
        " AND state <> 'idle' AND pid <> pg_backend_pid()",
        [company.database, "client backend"],
    )
    return company.env.cr.fetchone() == (0,)


def are_gone(company, mails):
    """Tell whether mails have left, and nothing is to be done about them."""
    company.commit()
    return not mails.exists()


def rows(company, *domain):
    company.commit()
    return company.env["notify.delivery"].search(list(domain))


def contents(letters):
    """Return address → contents of the files in its mail; fails if an address got two mails."""
    found = {}
    for letter in letters:
        (address,) = letter.recipients
        if address.startswith(PROBE):
            continue
        assert address not in found, f"{address} got two mails"
        files = [part.get_content() for part in letter.email.iter_attachments()]
        found[address] = [text.strip() for text in files]
    return found


def test_a_mail_waits_for_the_host_that_has_its_file(company, other_disk):
    _mails, (file,) = queue_mails(company, "letter", content=CONTENT)
    queue_mails(company, "plain")
    move(company, file, other_disk)
    with company.letters() as letters:
        company.send_queue()
    assert contents(letters) == {"plain@customer.example": []}
    (row,) = rows(company, ("state", "!=", "sent"))
    assert (row.state, row.attempts) == ("retrying", 1)
    assert "letter.txt" in row.reply and "cannot be read" in row.reply
    assert row.mail_mail_id.state == "outgoing" and row.mail_mail_id.scheduled_date
    bring_back(company, file, other_disk)
    time_passes(company)
    with company.letters() as letters:
        company.send_queue()
    assert contents(letters) == {"letter@customer.example": ["content of letter"]}
    company.env.invalidate_all()
    assert (row.state, row.attempts) == ("sent", 2) and not row.mail_mail_id


def test_what_odoo_sends_at_once_waits_too(company, other_disk):
    mail, (file,) = queue_mails(company, "letter", content=CONTENT)
    move(company, file, other_disk)
    with company.letters() as letters:
        mail.send()
        company.commit()
    assert not letters
    assert mail.state == "exception" and "letter.txt" in mail.failure_reason
    (row,) = rows(company)
    assert row.state == "retrying" and row.date_next
    bring_back(company, file, other_disk)
    time_passes(company)
    with company.letters() as letters:
        company.send_queue()
    assert contents(letters) == {"letter@customer.example": ["content of letter"]}


def test_two_hosts_drain_the_queue_together(company, other_disk):
    here = [f"here{number}" for number in range(FILES)]
    there = [f"there{number}" for number in range(FILES)]
    plain = [f"plain{number}" for number in range(PLAIN)]
    with company.letters() as letters:
        with other_host(company, other_disk):
            for names, content in ((plain, None), (here, CONTENT), (there, CONTENT)):
                _mails, files = queue_mails(company, *names, content=content, due="2100-01-01")
                if names is there:
                    move(company, files, other_disk)
            company.env.cr.execute("UPDATE mail_mail SET scheduled_date = NULL")
            company.commit()
            # The other one has its first batch, and there are more.
            wait_until(lambda: rows(company, ("email", "=like", "plain%")))
            company.env["notify.delivery"]._drain()
            # All that is left has its file on the disk of the other one, and waits.
            wait_until(
                lambda: (
                    rows(company, ("state", "=", "retrying")).mail_mail_id
                    == company.env["mail.mail"].search([])
                )
            )
        time_passes(company)
        company.env["notify.delivery"]._drain()
        company.commit()
        time_passes(company)
        with other_host(company, other_disk):
            wait_until(lambda: are_gone(company, company.env["mail.mail"].search([])))
    found = contents(letters)
    assert len(found) == PLAIN + 2 * FILES
    for name in plain:
        assert found[f"{name}@customer.example"] == []
    for name in (*here, *there):
        assert found[f"{name}@customer.example"] == [f"content of {name}"]
    workers = set(rows(company, ("email", "=like", "plain%")).mapped("worker"))
    assert len(workers) == 2, "both hosts have sent together"
