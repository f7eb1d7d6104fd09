"""A manager changes a scheme or a default while somebody else's post is under way."""

import pytest
from workers import transaction

MODEL = "notify.correspondence"


@pytest.fixture
def item_id(registry):
    """A correspondence item with an assignee and a follower of a default; its scheme speaks."""
    from odoo.tests.common import new_test_user

    with transaction(registry) as env:
        people = [
            new_test_user(
                env,
                f"{name}{env['res.users'].search_count([])}",
                "base.group_user,notify_routing_correspondence.group_correspondence_user",
            )
            for name in ("anna", "ben")
        ]
        env["notify.subscription"].create(
            {"scope": "user", "user_id": people[1].id, "level": "everything"}
        )
        item = env[MODEL].create(
            {"subject": "Doors", "state": "open", "assignee_ids": [(6, 0, people[0].ids)]}
        )
        item.message_subscribe(people[1].partner_id.ids)
        follower = item.message_follower_ids.filtered(
            lambda follower: follower.partner_id == people[1].partner_id
        )
        assert follower.notify_origin == "user"
    return item.id


def reply(env, item_id):
    """Post what the scheme tells everybody of, up to the moment before the commit."""
    document = env[MODEL].browse(item_id)
    message = document.message_post(
        body="EI 60", message_type="comment", subtype_xmlid="mail.mt_comment"
    )
    env.flush_all()
    return message


def test_scheme_whose_lines_are_deleted_during_a_post(registry, item_id):
    with transaction(registry) as poster:
        message = reply(poster, item_id)
        decided = message.notification_ids.notify_line_id
        assert decided, "the scheme decided"
        with transaction(registry) as manager:
            manager["notify.scheme.line"].browse(decided.ids).unlink()
    with transaction(registry) as env:
        message = env["mail.message"].browse(message.id)
        assert message.notification_ids.res_partner_id, "everybody was told"
        why = message.with_user(env.ref("base.user_admin")).read_why()
        assert len(why["rows"]) == len(message.notification_ids)
        with_scheme = env["notify.scheme"].search([("model", "=", MODEL)])
        env["notify.scheme.line"].search([("scheme_id", "in", with_scheme.ids)]).unlink()
        later = reply(env, item_id)
        assert not later.notification_ids.notify_line_id, "the next post follows the new scheme"


def test_scheme_being_changed_by_a_manager_who_has_not_saved_yet(registry, item_id):
    with transaction(registry) as manager:
        scheme = manager["notify.scheme"].search([("model", "=", MODEL)], limit=1)
        scheme.quiet_domain = "[('state', '=', 'closed')]"
        manager.flush_all()
        with transaction(registry) as poster:
            assert reply(poster, item_id).id
    with transaction(registry) as env:
        assert reply(env, item_id).id


def test_default_that_is_deleted_during_a_post(registry, item_id):
    with transaction(registry) as poster:
        message = reply(poster, item_id)
        default = message.notification_ids.notify_subscription_id
        assert default
        with transaction(registry) as manager:
            manager["notify.subscription"].browse(default.ids).unlink()
    with transaction(registry) as env:
        message = env["mail.message"].browse(message.id)
        rows = message.with_user(env.ref("base.user_admin")).read_why()["rows"]
        told = message.notification_ids.res_partner_id
        assert {row["partner_id"] for row in rows} == set(told.ids)
        assert "own default" in {row["because"] for row in rows}
