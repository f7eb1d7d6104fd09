"""Deadline alerts in the mail world: real commits, real workers, mail over a real relay."""

import datetime
import threading

import pytest

import odoo
from odoo.fields import Command

JOB = "notify_routing.ir_cron_deadline"


class Alerts:
    """A database with two companies whose hour of alerts has just come, and a deadline."""

    def __init__(self, company):
        self.company = company
        env = company.env
        self.first = env.company
        self.second = env["res.company"].create(
            {"name": "Shipyard", "email": "office@company.example"}
        )
        self.second.alias_domain_id = self.first.alias_domain_id
        self.first.notify_alert_email = "alerts@company.example"
        self.second.notify_alert_email = "dock@company.example"
        company.users["ben"].write(
            {
                "notify_channel": "email",
                "company_ids": [Command.link(self.second.id)],
                "company_id": self.second.id,
            }
        )
        company.users["anna"].notify_channel = "email"
        self.deadline = env["notify.deadline"].create(
            {
                "name": "Offer ends",
                "active": True,
                "model_id": env["ir.model"]._get_id("sale.order"),
                "date_field": "validity_date",
                "role_ids": [Command.set(env.ref("notify_routing.role_responsible").ids)],
                "offset_ids": [Command.create({"when": "on"})],
            }
        )
        company.commit()

    def offer(self, by="anna", **values):
        """Make an offer that ends today."""
        company = self.company
        order = company.quotation(
            by=by, **{"validity_date": datetime.datetime.now(datetime.UTC).date(), **values}
        )
        return company.empty(order)

    def set_clock(self, companies=None):
        """Let the hour of some companies be now, and their last alerts have left yesterday."""
        now = datetime.datetime.now(datetime.UTC)
        for each in self.first | self.second:
            each.write({"notify_alert_tz": "UTC", "notify_alert_hour": now.hour + now.minute / 60})
            yesterday = now.date() - datetime.timedelta(days=1)
            due = companies is None or each in companies
            each.notify_alert_day = yesterday if due else now.date()
        self.company.commit()

    def run(self, companies=None):
        self.set_clock(companies)
        with self.company.letters() as letters:
            self.company.run_action(JOB)
            self.company.send_queue()
        return letters


def sender(letter):
    """Return the address in the From header."""
    (address,) = letter.email["From"].addresses
    return address.addr_spec


@pytest.fixture(scope="module")
def alerts(company):
    return Alerts(company)


@pytest.fixture(autouse=True)
def tidy(company, alerts):
    """No offer of a test is due in the next one."""
    yield
    company.env["sale.order"].search([]).validity_date = False
    company.commit()


def test_k2_two_companies_two_from_addresses(company, alerts):
    alerts.offer("anna")
    alerts.offer("ben", company_id=alerts.second.id, team_id=False)
    letters = alerts.run()
    assert {(sender(letter), *letter.recipients) for letter in letters} == {
        ("alerts@company.example", "anna@company.example"),
        ("dock@company.example", "ben@company.example"),
    }


def test_k2_without_an_address_of_its_own_the_company_s_e_mail(company, alerts):
    alerts.second.notify_alert_email = False
    company.commit()
    try:
        alerts.offer("ben", company_id=alerts.second.id, team_id=False)
        (letter,) = alerts.run()
        assert sender(letter) == "office@company.example"
    finally:
        alerts.second.notify_alert_email = "dock@company.example"
        company.commit()


def test_k6_each_company_at_its_own_hour(company, alerts):
    alerts.offer("anna")
    alerts.offer("ben", company_id=alerts.second.id, team_id=False)
    (letter,) = alerts.run(alerts.second)
    assert letter.recipients == ["ben@company.example"]
    (letter,) = alerts.run(alerts.first)
    assert letter.recipients == ["anna@company.example"]


def test_a6_a_job_of_its_own_that_fails_alone(company, alerts):
    """With the sending job off, the alerts are made; with the deadlines' job off, mail leaves."""
    alerts.offer("anna")
    job = company.env.ref(JOB)
    assert job != company.env.ref("mail.ir_cron_mail_scheduler_action")
    alerts.set_clock()
    company.env.cr.execute(
        "UPDATE notify_deadline SET domain = '[(' WHERE id = %s", [alerts.deadline.id]
    )
    company.commit()
    order = alerts.offer("anna", validity_date=False)
    company.follow(order, company.partner)
    with company.letters() as letters:
        company.run_action(JOB)
        company.post(order, "An answer", by="ben")
        company.send_queue()
    assert [letter.recipients for letter in letters] == [["client@customer.example"]]
    assert "filter" in alerts.deadline.fault or "cannot be followed" in alerts.deadline.fault
    alerts.deadline.domain = False
    company.commit()
    (letter,) = alerts.run()
    assert letter.recipients == ["anna@company.example"]


def test_two_workers_alert_once(company, alerts):
    """Both read the same documents before either has told anybody."""
    order = alerts.offer("anna")
    alerts.set_clock()
    both = threading.Barrier(2)
    failures = []

    def work():
        try:
            with company.registry.cursor() as cr:
                env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
                env["notify.deadline"].search_count([])
                both.wait(30)
                env["notify.deadline"]._cron_alert()
        except Exception as error:  # noqa: BLE001  looked at when both are done
            failures.append(error)

    with company.letters() as letters:
        workers = [threading.Thread(target=work) for _number in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        company.commit()
        company.send_queue()
    assert failures == []
    assert [letter.recipients for letter in letters] == [["anna@company.example"]]
    lines = company.env["notify.deadline.alert.line"].search([("res_id", "=", order.id)])
    assert len(lines) == 1
    company.run_action(JOB)
    with company.letters() as letters:
        company.send_queue()
    assert letters == []


def test_what_was_committed_before_a_crash_is_not_told_again(company, alerts, monkeypatch):
    """The worker dies after its first batch: the next one tells the others, and only them."""
    from odoo.addons.notify_routing.models.schedule import notify_deadline_round

    monkeypatch.setattr(notify_deadline_round, "BATCH", 1)
    for login in ("anna", "chloe"):
        alerts.offer(login)
    alerts.set_clock()
    with company.registry.cursor() as cr:
        env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
        cron = company.registry["ir.cron"]

        def die(self, *args, **kwargs):
            self.env.cr.commit()
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(cron, "_commit_progress", die)
            with pytest.raises(SystemExit):
                env["notify.deadline"]._cron_alert()
            cr.rollback()
    with company.letters() as letters:
        company.run_action(JOB)
        company.send_queue()
    assert sorted(to for letter in letters for to in letter.recipients) == [
        "anna@company.example",
        "chloe@company.example",
    ]


def test_many_people_in_few_queries(company, alerts):
    """Who is alerted of 200 documents is found out with hardly more queries than of 20."""
    from odoo.tools import mute_logger

    def queries(count):
        orders = company.env["sale.order"].create(
            [
                {
                    "partner_id": company.partner.id,
                    "user_id": company.users["anna"].id,
                    "validity_date": datetime.datetime.now(datetime.UTC).date(),
                }
                for _number in range(count)
            ]
        )
        company.env.flush_all()
        company.env.invalidate_all()
        with mute_logger("odoo"):
            before = company.env.cr.sql_log_count
            items = alerts.deadline._items(alerts.first, datetime.datetime.now(datetime.UTC).date())
            taken = company.env.cr.sql_log_count - before
        assert len({item.res_id for item in items} & set(orders.ids)) == count
        return taken

    few, many = queries(20), queries(200)
    assert many <= few + 10, f"{few} queries for 20 documents, {many} for 220"
