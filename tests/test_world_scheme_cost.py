"""A scheme costs a post a few queries, however many people it speaks of, and other documents none.

The post is done twice in each setting; the second one, with warm caches and no record in memory, is
counted: as a worker does that has served this company before.
"""

import contextlib
import os

import pytest
from test_world_cost import _crowd, _environment, _people

#: Most queries that a scheme may add to a post.
ALLOWED = 3
MODEL = "notify.correspondence"


def _counted(env, do):
    """Return the queries of an act, the second time that it is done."""
    for _time in range(2):
        env.cr.flush()
        env.invalidate_all()
        before = env.cr.sql_log_count
        do()
        env.cr.flush()
        counted = env.cr.sql_log_count - before
    return counted


class Register:
    """A database with a scheme that tells people in every kind of role of a message."""

    def __init__(self, env, count):
        self.env = env
        group = env.ref("notify_routing_correspondence.group_correspondence_user")
        if count > 100:
            self.people = _crowd(env, count, group)
        else:
            self.people = _people(env, count, "inbox")
            self.people.user_ids.write({"group_ids": [(4, group.id)]})
        self.scheme = env.ref("notify_routing_correspondence.scheme_correspondence")
        reply = env.ref("notify_routing.event_reply")
        for name in ("creator", "follower", "distribution"):
            role = env.ref(f"notify_routing.role_{name}")
            self.scheme.set_cell(reply.id, role.id, {"prefer": True, "own_act": True})
        #: The scheme looks at the document in all the ways that it can.
        self.scheme.domain = "[('private', '=', False)]"

    def item(self, following):
        """Make an item with the people spread over the roles; they follow as well or do not.

        The item is a private matter of nobody: each of them may read it.
        """
        people = self.people
        creator = people[:1].user_ids
        item = (
            self.env[MODEL]
            .with_user(creator)
            .create(
                {
                    "subject": "Fire doors",
                    "state": "open",
                    "assignee_ids": [(6, 0, people[0::4].user_ids.ids)],
                    "distribution_ids": [(6, 0, people[1::4].ids)],
                    "received_from_ids": [(6, 0, people[2::4].ids)],
                }
            )
        )
        self.env["notify.distribution"].create(
            [{"res_model": MODEL, "res_id": item.id, "partner_id": id_} for id_ in people[3::4].ids]
        )
        item = item.sudo()
        item.message_unsubscribe(item.message_partner_ids.ids)
        if following:
            item.message_subscribe(people.ids)
        self.env.cr.flush()
        return item

    def post(self, document):
        """Return a post on a document by somebody who is told of nothing."""
        document = document.with_user(self.env.ref("base.user_admin"))
        document.invalidate_recordset()
        document = document.with_context(
            mail_post_autofollow_author_skip=True, mail_notify_force_send=False
        )
        return lambda: document.message_post(
            body="EI 60", message_type="comment", subtype_xmlid="mail.mt_comment"
        )

    @contextlib.contextmanager
    def without_scheme(self):
        self.scheme.active = False
        yield
        self.scheme.active = True


@pytest.fixture(scope="module", params=[1, 10, 1000])
def register(request):
    with _environment(os.environ["NOTIFY_TEMPLATE"]) as env:
        yield Register(env, request.param)


def _told(document):
    return document.message_ids[0].sudo().notification_ids.res_partner_id


@pytest.mark.parametrize("following", [True, False], ids=["followers", "roles_only"])
def test_a_scheme_adds_at_most_three_queries_to_a_post(register, record_property, following):
    """The same people are told by Odoo itself, as followers, and by the scheme, by their roles."""
    with register.without_scheme():
        followed = register.item(following=True)
        stock = _counted(register.env, register.post(followed))
        assert _told(followed) == register.people
    item = register.item(following)
    counted = _counted(register.env, register.post(item))
    assert _told(item) == register.people, "everybody is told, so the figures compare"
    record_property("queries", f"{len(register.people)} people: {stock} stock, {counted} scheme")
    assert counted - stock <= ALLOWED


def test_a_scheme_costs_other_document_types_nothing(register):
    document = register.env["res.partner"].create({"name": "Document"})
    document.message_subscribe(register.people.ids)
    with register.without_scheme():
        stock = _counted(register.env, register.post(document))
    assert _counted(register.env, register.post(document)) == stock
