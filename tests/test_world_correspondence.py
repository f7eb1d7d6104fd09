"""Registered correspondence: who is told of what, action by action, over real SMTP."""

import pytest

from machine_room.push_endpoint import PushEndpoint

ROLES = ("creator", "assignee", "distribution", "received_from")
ALL = set(ROLES)

#: The matrix of the source: for each action, the roles that get a mail.
MATRIX = {
    "create_and_issue": ALL,
    "assignee_added": {"assignee"},
    "distribution_added": {"distribution"},
    "received_from_added": {"received_from"},
    "overdue": {"assignee"},
    "reply": ALL,
    "closed": ALL,
}


class Office:
    """A project office: one person in each role, all told by e-mail."""

    def __init__(self, company):
        self.company = company
        env = company.env
        group = env.ref("notify_routing_correspondence.group_correspondence_user")
        for user in company.users.values():
            user.write({"group_ids": [(4, group.id)], "notify_channel": "email"})
        Partner = env["res.partner"]
        self.people = {
            "creator": company.users["anna"].partner_id,
            "assignee": company.users["ben"].partner_id,
            "distribution": Partner.create({"name": "Dora", "email": "dora@build.example"}),
            "received_from": Partner.create({"name": "Rudi", "email": "rudi@build.example"}),
        }
        self.kind = env.ref("notify_routing_correspondence.type_rfi")
        self.kind.closed_mail = True
        company.commit()

    def item(self, state="open", roles=ROLES):
        """Make an item with one person in each of the roles, and let all mail of it leave."""
        values = {"subject": "Fire doors", "type_id": self.kind.id}
        if "assignee" in roles:
            values["assignee_ids"] = [(6, 0, self.people["assignee"].user_ids.ids)]
        if "distribution" in roles:
            values["distribution_ids"] = [(6, 0, self.people["distribution"].ids)]
        if "received_from" in roles:
            values["received_from_ids"] = [(6, 0, self.people["received_from"].ids)]
        item = self.company.as_user(self.company.env["notify.correspondence"], "anna").create(
            values
        )
        if state != "draft":
            item.action_issue()
        self.company.commit()
        if state == "closed":
            item.action_close()
            self.company.commit()
        return item

    def act(self, action, state="open"):
        """Do one action on an item that is prepared for it.

        :return: ``(item, letters)``
        """
        company = self.company
        with company.letters() as letters:
            if action == "create_and_issue":
                item = self.item(state)
        if action == "create_and_issue":
            return item, letters
        without = action.removesuffix("_added") if action.endswith("_added") else None
        item = self.item(state, [role for role in ROLES if role != without])
        with company.letters() as letters:
            getattr(self, f"do_{action}")(item)
            company.commit()
        return item, letters

    def do_assignee_added(self, item):
        item.assignee_ids = [(4, self.people["assignee"].user_ids.id)]

    def do_distribution_added(self, item):
        item.distribution_ids = [(4, self.people["distribution"].id)]

    def do_received_from_added(self, item):
        item.received_from_ids = [(4, self.people["received_from"].id)]

    def do_overdue(self, item):
        item.sudo().date_due = "2020-01-01"
        item.sudo()._cron_overdue()

    def do_reply(self, item):
        item.message_post(body="EI 60", message_type="comment", subtype_xmlid="mail.mt_comment")

    def do_closed(self, item):
        item.action_close()

    def roles_of(self, letters):
        """Return the roles whose people got a mail, with repetitions."""
        address = {person.email: role for role, person in self.people.items()}
        return sorted(address[to] for letter in letters for to in letter.recipients)


@pytest.fixture(scope="module")
def office(company):
    return Office(company)


@pytest.mark.parametrize("action", MATRIX)
def test_p2_matrix_28_cells(office, action):
    _item, letters = office.act(action)
    assert office.roles_of(letters) == sorted(MATRIX[action]), "each once, and nobody else"


@pytest.mark.parametrize("action", MATRIX)
def test_p1_a_draft_sends_no_mail(office, action):
    if action == "closed":
        office.kind.closed_mail = False
    _item, letters = office.act(action, state="draft")
    office.kind.closed_mail = True
    assert letters == []


def test_p1_an_open_item_does_send(office):
    _item, letters = office.act("reply", state="open")
    assert letters


def test_p3_only_the_new_ones_on_the_distribution_list(company, office):
    Partner = company.env["res.partner"]
    first, second = (
        Partner.create(
            [{"name": f"D{number}", "email": f"d{number}@build.example"} for number in numbers]
        )
        for numbers in (range(5), range(5, 7))
    )
    item = office.item(roles=())
    item.distribution_ids = first
    company.commit()
    with company.letters() as letters:
        item.distribution_ids |= second
        company.commit()
    assert sorted(to for letter in letters for to in letter.recipients) == [
        "d5@build.example",
        "d6@build.example",
    ]


@pytest.mark.parametrize(("switched", "mails"), [(False, 0), (True, 4)])
def test_p6_closed_mails_are_switched_per_type(office, switched, mails):
    office.kind.closed_mail = switched
    _item, letters = office.act("closed")
    office.kind.closed_mail = True
    assert len(letters) == mails


def test_p6_closed_mails_are_off_by_default(company):
    kind = company.env["notify.correspondence.type"].create({"name": "Memo", "code": "MEM"})
    assert kind.closed_mail is False
    company.env.cr.rollback()


def test_p7_a_closed_item_sends_only_the_closing_mail(company, office):
    company.users["ben"].notify_channel = "both"
    company.commit()
    try:
        item = office.item()
        with company.letters() as closing:
            item.action_close()
            company.commit()
        with company.letters() as later:
            office.do_reply(item)
            company.commit()
        message = item.message_ids[0]
        assert len(closing) == 4
        assert later == []
        assert company.unread("ben", message), "in-app is not affected"
        assert company.told(message.sudo()) == {"Ben": "inbox"}
    finally:
        company.users["ben"].notify_channel = "email"
        company.commit()


@pytest.fixture(scope="module")
def push_service():
    """What the vendors of browsers run."""
    with PushEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def devices(company, push_service):
    """Register a browser for each user: ``{login: Device}``."""
    env = company.env
    env["mail.push.device"].get_web_push_vapid_public_key()
    mine = {login: push_service.device(login) for login in company.users}
    rows = env["mail.push.device"].create(
        [
            {"partner_id": company.users[login].partner_id.id, **device.registration}
            for login, device in mine.items()
        ]
    )
    company.commit()
    yield mine
    rows.exists().unlink()
    company.commit()


@pytest.fixture
def ben_allows(company, devices):
    """Ben allowed pushes of correspondence; returns his device."""
    _allow(company, "ben", True)
    yield devices["ben"]
    _allow(company, "ben", False)


def _allow(company, login, allowed):
    company.as_user(company.env["notify.preference"], login).set_my_push(
        "notify.correspondence", allowed
    )
    company.commit()


@pytest.mark.parametrize(("ticked", "count"), [(False, 0), (True, 1)])
def test_p5_push_is_opt_in_per_user_and_type(company, office, devices, ticked, count):
    _allow(company, "ben", ticked)
    item = office.item(roles=["distribution"])
    office.do_assignee_added(item)
    company.commit()
    assert len(devices["ben"].received) == count


def test_p5_the_push_names_the_document(company, office, ben_allows, push_service):
    item = office.item(roles=["distribution"])
    office.do_assignee_added(item)
    company.commit()
    (push,) = ben_allows.received
    assert item.name in push["title"]
    assert push["options"]["data"]["model"] == "notify.correspondence"
    assert push["options"]["data"]["res_id"] == item.id
    assert push_service.refused == []


@pytest.mark.parametrize("action", MATRIX)
def test_p4_only_the_assignment_pushes(company, office, devices, action):
    for login in company.users:
        _allow(company, login, True)
    item = office.item(roles=[role for role in ROLES if f"{role}_added" != action])
    for device in devices.values():
        device.received.clear()
    if action == "create_and_issue":
        office.item()
    else:
        getattr(office, f"do_{action}")(item)
    company.commit()
    pushed = sorted(login for login, device in devices.items() for _push in device.received)
    assert pushed == (["ben"] if action in ("assignee_added", "create_and_issue") else [])


@pytest.mark.parametrize(
    ("answer", "kept"), [(410, False), (404, False), (500, True), (None, True)], ids=str
)
def test_p5_a_device_that_does_not_answer_well_breaks_nothing(
    company, office, ben_allows, answer, kept
):
    item = office.item(roles=["distribution"])
    ben_allows.answer = answer
    with company.letters() as letters:
        office.do_assignee_added(item)
        company.commit()
    assert office.roles_of(letters) == ["assignee"], "the mail leaves all the same"
    devices = company.env["mail.push.device"].search([("endpoint", "=", ben_allows.url)])
    assert bool(devices) is kept, "only a device that is gone is forgotten"
