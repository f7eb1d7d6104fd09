"""Held mail over real SMTP: what waits, what passes, and what leaves as one."""

import pytest

ANNA = "anna@company.example"
REVIEW = "notify_routing.ir_cron_review"
MODEL = "notify.correspondence"


@pytest.fixture(scope="module")
def daily(company):
    """Anna gets e-mail once a day; Chloé, who gets both, as well."""
    schedule = company.env.ref("notify_routing.schedule_daily")
    for login in ("anna", "chloe"):
        Preference = company.as_user(company.env["notify.preference"], login)
        Preference.set_my_time({"schedule_id": schedule.id})
    company.commit()
    return schedule


@pytest.fixture
def order(company, daily):
    order = company.empty(company.quotation(by="ben"))
    company.follow(order, company.users["anna"], company.partner)
    return order


def held(company):
    return company.env["notify.review"]._waiting(company.users["anna"])


def let_go(company, login="anna"):
    """Time passes until somebody's slot; return what the relay takes from then on."""
    Review = company.env["notify.review"]
    Review._waiting(company.users[login]).notify_due = "2020-01-01 08:00:00"
    with company.letters() as letters:
        company.run_action(REVIEW)
        company.send_queue()
    return letters


def to(letters):
    return sorted(address for letter in letters for address in letter.recipients)


def test_a3_a4_several_held_leave_as_one_mail(company, order):
    with company.letters() as letters:
        for number in range(3):
            company.post(order, f"Number {number}", by="ben")
    assert to(letters) == ["client@customer.example"] * 3, "the customer does not wait"
    assert len(held(company)) == 3
    (letter,) = let_go(company)
    assert letter.recipients == [ANNA]
    assert letter.email["Subject"] == f"3 news on {order.sudo().name}"
    text = letter.email.get_body(("plain",)).get_content()
    rich = letter.email.get_body(("html",)).get_content()
    places = [text.index(f"Number {number}") for number in range(3)]
    assert places == sorted(places)
    assert all(f"Number {number}" in rich for number in range(3))
    assert letter.email["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.email["List-Unsubscribe"].startswith("<http")
    assert not held(company)
    rows = order.sudo().message_ids.notification_ids.filtered("notify_left")
    assert set(rows.mapped("notification_status")) == {"sent"}
    assert let_go(company) == []


def test_a4_exactly_one_held_leaves_as_it_is(company, order):
    message = company.post(order, "Only this", by="ben")
    (letter,) = let_go(company)
    assert letter.recipients == [ANNA]
    assert letter.email["Message-Id"].strip() == message.message_id.strip()
    assert "Only this" in letter.email.get_body(("html",)).get_content()
    assert letter.email["Reply-To"].addresses[0].addr_spec == "catchall@company.example"


def test_a5_a_later_change_rewrites_nothing(company, order):
    company.post(order, "Still a quotation", by="ben")
    company.post(order, "Hurry", by="ben")
    order.sudo().action_confirm()
    company.commit()
    letter = next(entry for entry in let_go(company) if entry.recipients == [ANNA])
    assert "Still a quotation" in letter.email.get_body(("plain",)).get_content()


@pytest.mark.parametrize("kind", ["user", "outsider"])
def test_a7_a_direct_message_ignores_the_schedule(company, order, kind):
    person = company.partner if kind == "outsider" else company.users["anna"].partner_id
    with company.letters() as letters:
        company.post(order, "For you", by="ben", to=[person])
    assert person.email in to(letters)
    let_go(company)


def test_both_is_unread_at_once_and_mailed_later(company, order):
    company.follow(order, company.users["chloe"])
    with company.letters() as letters:
        message = company.post(order, "In two ways", by="ben")
    assert "chloe@company.example" not in to(letters)
    assert company.unread("chloe", message)
    assert to(let_go(company, "chloe")) == ["chloe@company.example"]
    assert company.unread("chloe", message), "the mail does not read it"
    let_go(company)


def test_n10_access_revoked_while_held(company, order):
    message = company.post(order, "Secret by now", by="ben")
    rule = company.env["ir.rule"].create(
        {
            "name": "Not this one",
            "model_id": company.env["ir.model"]._get_id("sale.order"),
            "domain_force": [("id", "!=", order.id)],
        }
    )
    company.commit()
    try:
        assert let_go(company) == []
    finally:
        rule.unlink()
        company.commit()
    dropped = company.env["notify.suppression"].search([("mail_message_id", "=", message.id)])
    assert (dropped.partner_id.name, dropped.reason) == ("Anna", "no_access")
    assert let_go(company) == [], "and it does not come back"


# ------------------------------------------------------------
# BURSTS
# ------------------------------------------------------------


class Depot:
    """Items that tell Dora, an outsider on the distribution list, of files: after five minutes."""

    def __init__(self, company):
        self.company = company
        env = company.env
        group = env.ref("notify_routing_correspondence.group_correspondence_user")
        company.users["ben"].write({"group_ids": [(4, group.id)]})
        scheme = env.ref("notify_routing_correspondence.scheme_correspondence")
        role = env.ref("notify_routing_correspondence.role_correspondence_distribution")
        event = env.ref("notify_routing.event_file_added")
        scheme.set_cell(event.id, role.id, {"email": True, "wait": 5})
        self.dora = env["res.partner"].create({"name": "Dora", "email": "dora@build.example"})
        company.commit()

    def item(self):
        item = self.company.as_user(self.company.env[MODEL], "ben").create(
            {"subject": "Drawings", "distribution_ids": [(4, self.dora.id)]}
        )
        item.action_issue()
        self.company.commit()
        return item

    def upload(self, item, name):
        file = item.env["ir.attachment"].create(
            {"name": name, "raw": name.encode(), "res_model": MODEL, "res_id": item.id}
        )
        self.company.commit()
        return file

    def end_of_window(self):
        rows = self.company.env["mail.notification"].search(
            [("res_partner_id", "=", self.dora.id), ("notify_due", "!=", False)]
        )
        assert len(set(rows.mapped("notify_due"))) <= 1, "one window"
        rows.notify_due = "2020-01-01 08:00:00"
        with self.company.letters() as letters:
            self.company.run_action(REVIEW)
            self.company.send_queue()
        return letters


@pytest.fixture(scope="module")
def depot(company):
    return Depot(company)


def test_n11_ten_files_in_ten_requests_are_one_mail(company, depot):
    item = depot.item()
    with company.letters() as letters:
        for number in range(10):
            depot.upload(item, f"A-{number}.pdf")
    assert letters == []
    (letter,) = depot.end_of_window()
    assert letter.recipients == ["dora@build.example"]
    text = letter.email.get_body(("plain",)).get_content()
    assert all(f"A-{number}.pdf" in text for number in range(10))
    assert "my-notifications" not in text, "she has no preferences"
    assert letter.email["List-Unsubscribe"] is None


def test_n12_deleted_files_drop_out_and_nothing_left_is_no_mail(company, depot):
    item = depot.item()
    files = [depot.upload(item, f"A-{number}.pdf") for number in range(3)]
    files[1].unlink()
    (letter,) = depot.end_of_window()
    text = letter.email.get_body(("plain",)).get_content()
    assert [f"A-{number}.pdf" in text for number in range(3)] == [True, False, True]
    item = depot.item()
    for number in range(2):
        depot.upload(item, f"B-{number}.pdf").unlink()
    company.commit()
    assert depot.end_of_window() == []
    dropped = company.env["notify.suppression"].search(
        [("partner_id", "=", depot.dora.id), ("mail_message_id.res_id", "=", item.id)]
    )
    assert dropped.mapped("reason").count("gone") == 2


def test_n12_document_deleted_while_held(company, depot):
    item = depot.item()
    depot.upload(item, "A.pdf")
    name = item.sudo().display_name
    item.sudo().unlink()
    company.commit()
    assert depot.end_of_window() == []
    gone = company.env["notify.suppression"].search([("document_name", "=", name)])
    assert (gone.partner_id, gone.reason) == (depot.dora, "gone")
