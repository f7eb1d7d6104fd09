"""People whom a message cannot reach, and people who are in each other's way: real commits."""

import threading

import psycopg2
import pytest

import odoo
from odoo.exceptions import ValidationError
from odoo.service.model import retrying

# ------------------------------------------------------------
# NO ADDRESS
# ------------------------------------------------------------


@pytest.mark.parametrize(("login", "stays"), [("anna", False), ("chloe", True)])
def test_user_without_an_address(company, order, login, stays):
    """The row says that it failed; who is told in Odoo as well still has it there.

    The reason is “invalid”, not “missing”: that is what Odoo says, and what its own suites demand.
    """
    user = company.users[login]
    address = user.email
    # Somebody else in the same mail, who must get it.
    admin = company.env.ref("base.user_admin")
    admin.write({"email": "admin@company.example", "notification_type": "email"})
    company.follow(order, user, admin, company.partner)
    user.partner_id.email = False
    company.commit()
    try:
        with company.letters() as letters:
            message = company.post(order, "Where are you?", by="ben")
            company.send_queue()
        row = message.notification_ids.filtered(
            lambda notification: notification.res_partner_id == user.partner_id
        )
        assert (row.notification_status, row.failure_type) == ("exception", "mail_email_invalid")
        assert company.unread(login, message) is stays
        assert sorted(entry.recipients for entry in letters) == [
            ["admin@company.example"],
            ["client@customer.example"],
        ]
        assert set((message.notification_ids - row).mapped("notification_status")) == {"sent"}
    finally:
        user.partner_id.email = address
        company.commit()


# ------------------------------------------------------------
# TWO AT ONCE
# ------------------------------------------------------------


@pytest.fixture
def line(company):
    line = company.env["notify.subscription"].create(
        {"scope": "team", "user_id": False, "team_id": company.team.id, "level": "everything"}
    )
    company.commit()
    yield line
    company.env["notify.subscription"].search([]).unlink()
    company.commit()


class Manager(threading.Thread):
    """Somebody with a transaction of their own, as a request of the web client has it.

    :param act: called with the environment; again when the request is to be repeated
    :param barrier: where all wait after the first time they acted, so that nobody committed yet
    """

    def __init__(self, company, act, barrier):
        super().__init__(daemon=True)
        self.company = company
        self.act = act
        self.barrier = barrier
        self.tries = 0
        self.error = None

    def run(self):
        with self.company.registry.cursor() as cursor:
            env = odoo.api.Environment(cursor, odoo.SUPERUSER_ID, {})
            try:
                retrying(lambda: self.once(env), env)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
                cursor.rollback()
                self.error = error

    def once(self, env):
        self.tries += 1
        if self.tries == 1:
            # Both have looked at the world before either changes it.
            env.cr.execute("SELECT 1 FROM notify_subscription")
            self.barrier.wait(10)
        self.act(env)


def at_once(company, *acts):
    """Let people act at the same time; return them."""
    barrier = threading.Barrier(len(acts))
    managers = [Manager(company, act, barrier) for act in acts]
    for manager in managers:
        manager.start()
    for manager in managers:
        manager.join(60)
        assert not manager.is_alive()
    company.env.cr.rollback()
    company.env.invalidate_all()
    return managers


def test_two_managers_change_the_same_line(company, line):
    """Both choices are made, one after the other, and each as a whole."""
    note, comment = (company.env.ref(f"mail.mt_{name}").id for name in ("note", "comment"))
    choices = {"custom": [note], "discussions": [comment, note]}

    def choose(level):
        return lambda env: (
            env["notify.subscription"]
            .browse(line.id)
            .write({"level": level, "subtype_ids": [(6, 0, choices[level])]})
        )

    managers = at_once(company, choose("custom"), choose("discussions"))
    assert [manager.error for manager in managers] == [None, None]
    assert sorted(manager.tries for manager in managers) == [1, 2], "the second one was repeated"
    assert set(line.subtype_ids.ids) == set(choices[line.level]), "nothing is half written"


def test_two_managers_make_the_same_line(company, line):
    """The second one is told in words, and changes nothing."""
    levels = ("mentions", "custom")
    note = company.env.ref("mail.mt_note").id

    def make(level):
        return lambda env: env["notify.subscription"].create(
            {
                "scope": "company",
                "user_id": False,
                "company_id": company.env.company.id,
                "level": level,
                "subtype_ids": [(6, 0, [note])] if level == "custom" else [],
            }
        )

    managers = at_once(company, *map(make, levels))
    errors = [manager.error for manager in managers if manager.error]
    (error,) = errors
    assert isinstance(error, ValidationError)
    assert "There is already a default for this person, team or company" in str(error)
    made = company.env["notify.subscription"].search([("scope", "=", "company")])
    assert len(made) == 1
    assert made.level == levels[[manager.error for manager in managers].index(None)]
    assert made.subtype_ids.ids == ([note] if made.level == "custom" else [])
    (book_line,) = (entry for entry in made._book().lines if entry.scope == "company")
    assert (book_line.id, book_line.level) == (made.id, made.level), "nobody cached the other one"


def test_line_is_deleted_while_somebody_starts_to_follow(company, order, line):
    """The one who follows is repeated and follows by Odoo's default; nothing fails."""
    ben = company.users["ben"].partner_id

    def follow(env):
        # The cache still has the line, as in a worker that was not told yet.
        env["sale.order"].browse(order.id).message_subscribe(ben.ids)

    def delete(env):
        env["notify.subscription"].browse(line.id).unlink()

    managers = at_once(company, follow, delete)
    assert [manager.error for manager in managers] == [None, None]
    follower = company.env["mail.followers"].search(
        [("res_model", "=", "sale.order"), ("res_id", "=", order.id)]
    )
    assert follower.partner_id == ben
    assert not follower.notify_subscription_id
    assert follower.notify_origin in ("team", "odoo"), "before the line went, or after"


def test_stale_cache_of_another_worker(company, order, line):
    """A team is deleted past this worker's cache: who follows next gets what is left."""
    other = psycopg2.connect(company.env.cr._cnx.dsn)
    team = company.env["crm.team"].create(
        {"name": "Short-lived", "user_id": company.users["ben"].id}
    )
    company.env["notify.subscription"].create(
        {"scope": "team", "user_id": False, "team_id": team.id, "level": "mentions"}
    )
    company.commit()
    assert team.id in {entry.team_id for entry in line._book().lines}
    with other, other.cursor() as cursor:
        cursor.execute("DELETE FROM crm_team WHERE id = %s", [team.id])
    other.close()
    company.env.cr.rollback()
    company.env.invalidate_all()
    assert team.id in {entry.team_id for entry in line._book().lines}, "nobody told this worker"
    company.follow(order, company.users["ben"])
    follower = company.env["mail.followers"].search(
        [("res_model", "=", "sale.order"), ("res_id", "=", order.id)]
    )
    assert follower.notify_subscription_id == line, "of Ben's other team"
