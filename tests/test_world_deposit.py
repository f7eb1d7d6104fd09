"""Files on a document: depositing or replacing one tells the scheme's people over real SMTP."""

import pytest

MODEL = "notify.correspondence"


class Depot:
    """Items with a scheme that tells followers and the distribution list of files."""

    def __init__(self, company):
        self.company = company
        env = company.env
        group = env.ref("notify_routing_correspondence.group_correspondence_user")
        for user in company.users.values():
            user.write({"group_ids": [(4, group.id)], "notify_channel": "email"})
        self.scheme = env.ref("notify_routing_correspondence.scheme_correspondence")
        roles = [
            env.ref("notify_routing.role_follower"),
            env.ref("notify_routing_correspondence.role_correspondence_distribution"),
        ]
        for name in ("file_added", "file_changed"):
            event = env.ref(f"notify_routing.event_{name}")
            for role in roles:
                self.scheme.set_cell(event.id, role.id, {"prefer": True})
        self.dora = env["res.partner"].create({"name": "Dora", "email": "dora@build.example"})
        company.commit()

    def item(self):
        """Make an open item: Ben follows it, Dora is on its distribution list."""
        item = self.company.as_user(self.company.env[MODEL], "anna").create(
            {"subject": "Drawings", "distribution_ids": [(4, self.dora.id)]}
        )
        item.action_issue()
        self.company.commit()
        ben = self.company.users["ben"]
        self.company.follow(item, ben, subtypes=["mail.mt_comment", "mail.mt_note"])
        return item

    def upload(self, item, name="A-204.pdf", content=b"first", **values):
        """Attach a file as the chatter's upload route does."""
        attachment = (
            item.env["ir.attachment"]
            .sudo()
            .create({"name": name, "raw": content, "res_model": MODEL, "res_id": item.id, **values})
        )
        attachment._post_add_create()
        return attachment


@pytest.fixture(scope="module")
def depot(company):
    return Depot(company)


@pytest.fixture
def letters(company):
    """Collect what leaves at the commits of a test: ``letters()`` returns it."""
    journal = company.world.relay.journal

    def since():
        company.commit()
        return [entry for entry in journal[since.start :] if entry.accepted]

    since.start = len(journal)
    return since


def _to(letters):
    return sorted(address for letter in letters for address in letter.recipients)


EVERYBODY = ["ben@company.example", "dora@build.example"]


def _rows(item, code):
    """Return who was told of an event on an item, according to the rows that Odoo keeps."""
    item.invalidate_recordset()
    rows = item.sudo().message_ids.notification_ids
    rows = rows.filtered(lambda row: row.notify_event_id.code == code)
    return sorted(rows.res_partner_id.mapped("email"))


def test_n8_depositing_a_file_tells_the_subscribers(company, depot, letters):
    item = depot.item()
    letters.start = len(company.world.relay.journal)
    depot.upload(item)
    sent = letters()
    assert _to(sent) == EVERYBODY, "each once; Anna did it herself"
    assert all("A-204.pdf" in letter.email.get_body().get_content() for letter in sent)
    assert _rows(item, "file_added") == EVERYBODY


def test_n8_replacing_a_file_tells_the_subscribers(company, depot, letters):
    item = depot.item()
    file = depot.upload(item)
    company.commit()
    letters.start = len(company.world.relay.journal)
    file.write({"raw": b"second"})
    assert _to(letters()) == EVERYBODY
    assert _rows(item, "file_changed") == EVERYBODY


def test_n8_a_file_that_was_sent_with_a_message_can_be_replaced_later(company, depot, letters):
    item = depot.item()
    message = company.post(item, "Here", by="anna", attachments=[("A-204.pdf", b"first")])
    letters.start = len(company.world.relay.journal)
    message.attachment_ids.write({"raw": b"second"})
    assert _to(letters()) == EVERYBODY


def test_the_same_content_again_tells_nobody(company, depot, letters):
    file = depot.upload(depot.item())
    company.commit()
    letters.start = len(company.world.relay.journal)
    file.write({"raw": b"first"})
    assert letters() == []


def test_several_files_of_one_transaction_are_one_message(company, depot, letters):
    item = depot.item()
    letters.start = len(company.world.relay.journal)
    for number in range(3):
        depot.upload(item, name=f"A-{number}.pdf")
    sent = letters()
    assert _to(sent) == EVERYBODY
    assert all(
        f"A-{number}.pdf" in letter.email.get_body().get_content()
        for letter in sent
        for number in range(3)
    )


def test_a_new_file_that_is_written_again_is_deposited_and_not_replaced(company, depot, letters):
    item = depot.item()
    letters.start = len(company.world.relay.journal)
    depot.upload(item).write({"raw": b"second"})
    assert _to(letters()) == EVERYBODY
    assert _rows(item, "file_added") == EVERYBODY
    assert _rows(item, "file_changed") == []


@pytest.mark.parametrize("pending", [True, False], ids=["uploaded_before", "given_with_it"])
def test_a_file_that_comes_with_a_message_is_no_second_event(company, depot, letters, pending):
    item = depot.item()
    values = {"attachments": [("A-204.pdf", b"first")]}
    if pending:
        place = {"res_model": "mail.compose.message", "res_id": 0}
        file = company.as_user(company.env["ir.attachment"], "anna").create(
            {"name": "A-204.pdf", "raw": b"first", **place}
        )
        company.commit()
        values = {"attachment_ids": file.ids}
    letters.start = len(company.world.relay.journal)
    item.message_post(body="Here", message_type="comment", subtype_xmlid="mail.mt_note", **values)
    assert _to(letters()) == ["ben@company.example"], "once, by the note: it is internal"
    assert _rows(item, "file_added") == []


def test_a_file_that_is_deleted_before_the_commit_tells_nobody(company, depot, letters):
    item = depot.item()
    letters.start = len(company.world.relay.journal)
    depot.upload(item).unlink()
    assert letters() == []


def test_a_transaction_that_is_rolled_back_tells_nobody(company, depot, letters):
    item = depot.item()
    letters.start = len(company.world.relay.journal)
    depot.upload(item)
    company.env.cr.rollback()
    company.env.invalidate_all()
    assert letters() == []
    depot.upload(item)
    assert _to(letters()) == EVERYBODY, "the next transaction is not affected"


@pytest.mark.parametrize(
    "values",
    [{"res_field": "description"}, {"original_id": 1}],
    ids=["behind_a_field", "copy_for_a_text"],
)
def test_files_that_are_no_deposit_tell_nobody(company, depot, letters, values):
    item = depot.item()
    if "original_id" in values:
        values = {"original_id": depot.upload(item).id}
    company.commit()
    letters.start = len(company.world.relay.journal)
    depot.upload(item, name="image.png", **values)
    assert letters() == []


def test_an_image_put_into_a_text_tells_nobody(company, depot, letters):
    item = depot.item()
    letters.start = len(company.world.relay.journal)
    depot.upload(item.with_context(notify_in_text=True), name="image.png")
    assert letters() == []


def test_a_file_of_a_document_type_without_scheme_is_stocks_matter(company, letters):
    company.follow(company.partner, company.users["ben"])
    letters.start = len(company.world.relay.journal)
    company.as_user(company.env["ir.attachment"], "anna").create(
        {"name": "x", "raw": b"x", "res_model": "res.partner", "res_id": company.partner.id}
    )
    assert letters() == []
