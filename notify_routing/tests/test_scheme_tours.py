from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tests.common import HttpCase

from .common import NotifyCase


class SchemeCase(NotifyCase):
    """A scheme for contacts: notes tell the followers by e-mail."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.event_note = cls.env.ref("notify_routing.event_note")
        cls.event_reply = cls.env.ref("notify_routing.event_reply")
        cls.creator = cls.env.ref("notify_routing.role_creator")
        cls.follower_role = cls.env.ref("notify_routing.role_follower")
        cls.scheme = cls.env["notify.scheme"].create(
            {
                "name": "Contacts",
                "model_id": cls.env["ir.model"]._get_id("res.partner"),
                "line_ids": [
                    (
                        0,
                        0,
                        {
                            "event_id": cls.event_note.id,
                            "role_id": cls.follower_role.id,
                            "email": True,
                        },
                    )
                ],
            }
        )

    def cell(self, event=None, role=None):
        return self.scheme.line_ids.filtered(
            lambda line: (
                line.event_id == (event or self.event_note)
                and line.role_id == (role or self.creator)
            )
        )


class TestMatrix(SchemeCase):
    def test_cell_steps_through_the_channels(self):
        seen = []
        for _step in range(6):
            self.scheme.cycle_cell(self.event_note.id, self.creator.id)
            seen.append([name for name in ("prefer", "email", "inbox") if self.cell()[name]])
        both = ["email", "inbox"]
        self.assertEqual(seen, [["prefer"], ["email"], ["inbox"], both, [], ["prefer"]])

    def test_step_leaves_flags_alone(self):
        self.scheme.set_cell(
            self.event_note.id, self.creator.id, {"prefer": True, "push": True, "urgent": True}
        )
        self.scheme.cycle_cell(self.event_note.id, self.creator.id)
        self.assertTrue(self.cell().email and self.cell().push and self.cell().urgent)

    def test_every_change_can_be_undone(self):
        before = self.scheme.read_matrix()["cells"]
        changes = [
            self.scheme.set_cell(self.event_note.id, self.creator.id, {"email": True}),
            self.scheme.set_cell(self.event_note.id, self.follower_role.id, False),
        ]
        for change in reversed(changes):
            self.scheme.set_cells(change["before"])
        words = {key: cell["words"] for key, cell in self.scheme.read_matrix()["cells"].items()}
        self.assertEqual(words, {key: cell["words"] for key, cell in before.items()})

    def test_only_what_fits_can_be_added(self):
        lead = self.env["ir.model"]._get_id("crm.team")
        self.env["notify.role"].create(
            {"name": "Alien", "code": "alien", "kind": "creator", "model_id": lead}
        )
        matrix = self.scheme.read_matrix()
        self.assertEqual([event["code"] for event in matrix["events"]], ["note"])
        self.assertNotIn("alien", [role["code"] for role in matrix["addable"]["roles"]])
        self.assertIn("creator", [role["code"] for role in matrix["addable"]["roles"]])

    def test_reset_brings_back_what_came(self):
        with self.assertRaises(UserError):
            self.scheme.action_reset_shipped()
        self.scheme.remember_shipped()
        self.scheme.set_cell(self.event_note.id, self.creator.id, {"email": True})
        self.scheme.set_cell(self.event_note.id, self.follower_role.id, {"email": False})
        self.scheme.action_reset_shipped()
        self.assertEqual(self.scheme.line_ids.role_id, self.follower_role)
        self.assertTrue(self.scheme.line_ids.email)

    def test_compare_tells_the_cells_that_differ(self):
        other = self.scheme.copy({"name": "Other"})
        self.assertEqual(self.scheme.compare(other.id)["rows"], [])
        other.set_cell(self.event_note.id, self.creator.id, {"prefer": True})
        self.assertEqual(
            self.scheme.compare(other.id)["rows"],
            [
                {
                    "event": "Note",
                    "role": "Creator",
                    "mine": False,
                    "theirs": "As the Person Prefers",
                }
            ],
        )

    def test_ready_made_schemes_all_work(self):
        New = self.env["notify.scheme.new"]
        for key, _name in New._select_ready_made():
            wizard = New.create({"ready_made": key, "name": key})
            if wizard.any_model:
                wizard.model_id = self.env["ir.model"]._get("crm.team")
            scheme = self.env["notify.scheme"].browse(wizard.action_create()["res_id"])
            self.assertEqual(len(scheme.line_ids), len(New._ready_made()[key]["cells"]), key)
            self.assertFalse(scheme.active)
            scheme._frozen()

    def test_ready_made_uses_what_is_there_the_second_time(self):
        New = self.env["notify.scheme.new"]
        key = New._select_ready_made()[0][0]
        wizards = New.create([{"ready_made": key, "name": name} for name in ("A", "B")])
        first, second = (
            self.env["notify.scheme"].browse(wizard.action_create()["res_id"]) for wizard in wizards
        )
        self.assertEqual(first.line_ids.event_id, second.line_ids.event_id)


@tagged("post_install", "-at_install")
class TestSchemeTours(HttpCase, SchemeCase):
    def tour(self, name):
        self.chloe.group_ids |= self.env.ref("notify_routing.group_notify_manager")
        self.start_tour(f"/odoo/notification-schemes/{self.scheme.id}", name, login="chloe")

    def test_matrix_in_the_browser(self):
        self.scheme.set_cell(self.event_note.id, self.creator.id, {"email": True, "inbox": True})
        self.tour("notify_scheme_matrix")
        leader = self.cell(role=self.env.ref("notify_routing.role_leader"))
        self.assertTrue(leader.prefer)
        self.assertTrue(self.cell(role=self.follower_role).urgent)
        self.assertFalse(self.cell(role=self.follower_role).mandatory)

    def test_compare_in_the_browser(self):
        self.scheme.set_cell(self.event_note.id, self.creator.id, {"push": False})
        other = self.scheme.copy({"name": "Other"})
        other.set_cell(self.event_note.id, self.creator.id, {"email": True})
        other.set_cell(self.event_note.id, self.follower_role.id, False)
        self.tour("notify_scheme_compare")
