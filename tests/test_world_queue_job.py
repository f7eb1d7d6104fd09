"""Jobs of OCA's job queue send and route in the mail world."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from workers import wait_until

from machine_room import addons, databases, paths
from machine_room.mailworld import Refuse


@pytest.fixture(autouse=True)
def queue(company):
    company.queue_only()
    for model in ("queue.job", "notify.delivery", "mail.mail"):
        company.env[model].search([]).unlink()
    company.commit()


@pytest.fixture
def order(company):
    return company.empty(company.quotation(by="anna"))


def jobs(company, *states):
    company.commit()
    return company.env["queue.job"].search([("state", "in", states)] if states else [])


def run_jobs(company):
    """Do what the runner and its request do, for the jobs that wait; return these."""
    from odoo.addons.queue_job.controllers.main import RunJobController
    from odoo.addons.queue_job.job import Job

    waiting = jobs(company, "pending")
    for record in waiting:
        job = Job.load(company.env, record.uuid)
        job.set_enqueued()
        job.store()
        company.commit()
        RunJobController._runjob(
            company.env, RunJobController._acquire_job(company.env, record.uuid)
        )
        company.commit()
    return waiting


def test_a_job_sends_what_the_scheduled_action_would_send(company, order):
    message = company.post(order, "Hello", by="anna", to=[company.partner])
    with company.letters() as before:
        company.send_queue()
        company.send_queue()
    assert not before
    with company.letters() as letters:
        (job,) = run_jobs(company)
    assert [letter.recipients for letter in letters] == [["client@customer.example"]]
    assert job.state == "done" and job.channel == "root.notify"
    company.env.invalidate_all()
    assert message.notification_ids.notification_status == "sent"


def test_attempts_are_counted_by_the_ledger_and_not_by_the_job(company, order):
    company.world.relay.rule(Refuse("451 4.3.0 try again", at="RCPT", times=1))
    company.post(order, "Hello", by="anna", to=[company.partner])
    company.send_queue()
    (job,) = run_jobs(company)
    assert (job.state, job.retry) == ("done", 1)
    assert not jobs(company, "pending")
    (row,) = company.env["notify.delivery"].search([])
    assert (row.state, row.code) == ("retrying", 451)


def test_a_job_that_fails_loses_nothing_and_the_next_one_sends(company, order, monkeypatch):
    company.post(order, "Hello", by="anna", to=[company.partner])
    company.send_queue()

    def fail(self):
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(type(company.env["notify.delivery"]), "_drain", fail)
        with pytest.raises(ValueError, match="broken"):
            run_jobs(company)
        company.env.cr.rollback()
    (job,) = jobs(company)
    assert (job.state, job.retry) == ("failed", 1)
    company.send_queue()
    with company.letters() as letters:
        run_jobs(company)
    assert len(letters) == 1


def test_a_job_whose_time_is_up_leaves_the_rest_to_the_next(company, order, monkeypatch):
    from odoo.addons.notify_routing_queue_job.models import queue_job

    monkeypatch.setattr(queue_job, "SECONDS", 0)
    people = company.env["res.partner"].create(
        [{"name": str(number), "email": f"p{number}@customer.example"} for number in range(3)]
    )
    for partner in people:
        company.post(order, "Hello", by="anna", to=[partner])
    monkeypatch.setattr(
        type(company.env["notify.delivery"])._claim, "__defaults__", (1,), raising=False
    )
    with company.letters() as letters:
        for _time in range(3):
            company.send_queue()
            run_jobs(company)
    assert len(letters) == 3


def test_answers_are_routed_by_a_job(company, order):
    company.post(order, "Hello", by="anna", to=[company.partner])
    company.send_queue()
    run_jobs(company)
    (letter,) = company.client.wait_for(subject=order.name)
    company.client.reply(letter, "Thank you for the offer")
    company.fetch()
    company.env.invalidate_all()
    assert not order.message_ids.filtered(lambda m: "Thank you for" in m.body)
    (job,) = run_jobs(company)
    assert job.identity_key == "notify_routing.intake"
    company.env.invalidate_all()
    assert len(order.message_ids.filtered(lambda m: "Thank you for" in m.body)) == 1


@contextmanager
def serving(company, tmp_path):
    """Run an Odoo server with the runner of jobs, as the README says to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = databases.config_file(
        databases.configured(),
        (paths.ROOT, addons.fetched(addons.OTHERS)),
        http_port=port,
        db_name=company.database,
        max_cron_threads=1,
        server_wide_modules="base,rpc,web,queue_job",
    )
    log = tmp_path / "odoo.log"
    command = [*databases.odoo(file), "--logfile", str(log)]
    environment = {**os.environ, "ODOO_QUEUE_JOB_CHANNELS": "root:4,root.notify:2"}
    with subprocess.Popen(command, env=environment, cwd=paths.CACHE) as server:
        try:
            wait_until(lambda: log.exists() and "runner ready" in log.read_text())
            yield
        finally:
            server.terminate()


def test_a_server_with_a_runner_sends_and_routes(company, order, tmp_path):
    with serving(company, tmp_path):
        company.post(order, "Hello", by="anna", to=[company.partner])
        company.env["notify.delivery"]._trigger()
        company.commit()
        (letter,) = company.client.wait_for(subject=order.name, timeout=180)
        company.client.reply(letter, "We take it")
        company.env.ref("mail.ir_cron_mail_gateway_action")._trigger()
        company.commit()
        wait_until(lambda: len(jobs(company, "done")) == 2)
    company.env.invalidate_all()
    assert len(order.message_ids.filtered(lambda m: "We take it" in m.body)) == 1


UNINSTALL = """
addon = env["ir.module.module"].search([("name", "=", "notify_routing_queue_job")])
addon.button_immediate_uninstall()
"""
SEND = """
env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
env.cr.commit()
"""


def shell(company, script):
    """Run a script in an Odoo of its own."""
    command = [
        sys.executable,
        "-m",
        "odoo",
        "shell",
        "-c",
        os.environ["NOTIFY_CONFIG"],
        "--no-http",
    ]
    result = subprocess.run(
        [*command, "-d", company.database], input=script, capture_output=True, text=True
    )
    assert result.returncode == 0 and "Traceback" not in result.stderr, result.stderr[-3000:]


def test_zz_without_the_addon_the_scheduled_actions_work_again(company, order):
    """Last, for it changes the database."""
    company.post(order, "Hello", by="anna", to=[company.partner])
    company.send_queue()
    assert jobs(company, "pending")
    company.commit()
    shell(company, UNINSTALL)
    company.env.cr.execute("SELECT count(*) FROM queue_job WHERE state = 'pending'")
    assert company.env.cr.fetchone() == (0,)
    company.env.cr.execute(
        "SELECT complete_name FROM queue_job_channel WHERE complete_name LIKE 'root.notify%'"
    )
    assert not company.env.cr.fetchall()
    company.env.cr.commit()
    with company.letters() as letters:
        shell(company, SEND)
    assert len(letters) == 1
