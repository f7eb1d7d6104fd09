from odoo.tests import tagged

from .test_scheme import SchemeCase


@tagged("post_install", "-at_install")
class TestSchemeAudit(SchemeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.creator = cls.env.ref("notify_routing.role_creator")
        cls.team_leader = cls.env.ref("notify_routing.role_leader")
        cls.env.flush_all()
        cls.env.cr.execute(
            "UPDATE notify_scheme SET create_date = create_date - interval '1 day' WHERE id = %s",
            [cls.scheme.id],
        )
        cls.env.invalidate_all()

    def notes(self):
        return [
            message.body
            for message in self.scheme.message_ids
            if "o_notify_changes" in (message.body or "")
        ]

    def test_clicks_in_the_matrix_are_one_note(self):
        for _click in range(2):
            self.scheme.cycle_cell(self.reply.id, self.creator.id)
        self.scheme.set_cell(self.reply.id, self.team_leader.id, {"email": True, "urgent": True})
        (note,) = self.notes()
        self.assertEqual(note.count("<li>"), 3)
        self.assertIn(f"{self.reply.name} · {self.creator.name}: no cell", note)
        self.assertIn("E-mail; Urgent", note)

    def test_somebody_elses_change_is_a_note_of_its_own(self):
        self.scheme.set_cell(self.reply.id, self.creator.id, {"email": True})
        other = self.scheme.with_user(self.manager)
        other.set_cells({f"{self.reply.id}-{self.creator.id}": False})
        first, second = reversed(self.notes())
        self.assertIn("E-mail", first)
        self.assertIn("E-mail → no cell", second)

    def test_writing_what_is_there_already_is_no_change(self):
        self.scheme.set_cell(self.reply.id, self.creator.id, {"email": True})
        before = self.notes()
        self.scheme.line_ids.write({"email": True})
        self.assertEqual(self.notes(), before)

    def test_a_copy_says_nothing_of_its_cells(self):
        self.scheme.set_cell(self.reply.id, self.creator.id, {"email": True})
        copy = self.scheme.copy({"active": False})
        self.assertFalse(
            [message for message in copy.message_ids if "o_notify_changes" in message.body]
        )
