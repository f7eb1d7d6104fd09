from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

#: What a click on a cell steps through: the channels of each step.
STEPS = (("prefer",), ("email",), ("inbox",), ("email", "inbox"), ())
#: What the steps are about; push and the flags stay as they are.
STEP_FIELDS = ("prefer", "email", "inbox")


class NotifyScheme(models.Model):
    """The matrix as people see and change it. A cell's key is event-role: ``"1-2"``."""

    _inherit = "notify.scheme"

    shipped_cells = fields.Json(
        copy=False, help="The cells as the scheme came, so that one can go back to them."
    )
    line_count = fields.Integer("Cells", compute="_compute_line_count")

    @api.depends("line_ids")
    def _compute_line_count(self):
        counts = dict(
            self.env["notify.scheme.line"]._read_group(
                [("scheme_id", "in", self.ids)], ["scheme_id"], ["__count"]
            )
        )
        for scheme in self:
            scheme.line_count = counts.get(scheme._origin, 0)

    # ------------------------------------------------------------
    # READ
    # ------------------------------------------------------------

    def read_matrix(self):
        """Return the matrix: the events and roles that the scheme uses, and their cells.

        :return: e.g. ``{
            "events": [{"id": 1, "name": "Issued", "code": "issued", "hint": "A field changes"}],
            "roles": [{"id": 2, "name": "Creator", "code": "creator", "hint": "creator_id"}],
            "cells": {"1-2": {"id": 9, "prefer": True, "email": False, "inbox": False,
                              "push": False, "mandatory": False, …, "words": "As …"}},
            "addable": {"events": […], "roles": […]},
            "fields": {"prefer": {"name": "As the Person Prefers", "help": "…"}, …},
            "can_edit": True,
        }``; what is addable fits the document type and is not used yet
        """
        self.ensure_one()
        domain = Domain("model_id", "in", [False, self.model_id.id])
        events = self._own_first(self.env["notify.event"].search(domain))
        roles = self._own_first(self.env["notify.role"].search(domain))
        used_events, used_roles = self.line_ids.event_id, self.line_ids.role_id
        described = self.env["notify.scheme.line"].fields_get(
            self.env["notify.scheme.line"]._cell_fields(), ["string", "help"]
        )
        return {
            "events": used_events._matrix_data(),
            "roles": used_roles._matrix_data(),
            "cells": {line._cell_key(): line._cell_data() for line in self.line_ids},
            "addable": {
                "events": (events - used_events)._matrix_data(),
                "roles": (roles - used_roles)._matrix_data(),
            },
            "fields": {
                name: {"name": field["string"], "help": field.get("help") or ""}
                for name, field in described.items()
            },
            "can_edit": self.has_access("write"),
        }

    def _own_first(self, records):
        """Leave out general events and roles that the document type has one of its own for."""
        own = set(records.filtered("model_id").mapped("code"))
        return records.filtered(lambda record: record.model_id or record.code not in own)

    # ------------------------------------------------------------
    # WRITE
    # ------------------------------------------------------------

    def set_cell(self, event_id, role_id, values):
        """Write one cell.

        :param dict values: fields of ``notify.scheme.line``; ``False`` to remove the line
        :return: see :meth:`set_cells`
        """
        return self.set_cells({f"{event_id}-{role_id}": values})

    def cycle_cell(self, event_id, role_id):
        """Give a cell the next choice of channels. A cell that is off still belongs to the scheme:
        its event is governed, and nobody is told by this role.

        :return: see :meth:`set_cells`
        """
        line = self._lines_by_key().get(f"{event_id}-{role_id}", self.env["notify.scheme.line"])
        now = tuple(name for name in STEP_FIELDS if line[name])
        position = STEPS.index(now) + 1 if now in STEPS else 0
        chosen = STEPS[position % len(STEPS)]
        return self.set_cell(event_id, role_id, {name: name in chosen for name in STEP_FIELDS})

    def set_cells(self, cells):
        """Write cells, making or removing their lines.

        :param dict cells: ``{key: values of a line, or False to remove it}``
        :return: ``{"cells": {key: as in read_matrix, or False}, "before": what brings back the
            state of before with this method}``
        """
        self.ensure_one()
        lines = self._lines_by_key()
        before = {key: key in lines and lines[key]._cell_values() for key in cells}
        names = set(self.env["notify.scheme.line"]._cell_fields())
        commands = []
        for key, values in cells.items():
            if not values:
                commands += [Command.delete(lines[key].id)] if key in lines else []
                continue
            if set(values) - names:
                raise UserError(self.env._("A cell of the matrix has no such values."))
            if key in lines:
                commands.append(Command.update(lines[key].id, values))
            else:
                event_id, role_id = map(int, key.split("-"))
                commands.append(
                    Command.create({**values, "event_id": event_id, "role_id": role_id})
                )
        self.line_ids = commands
        lines = self._lines_by_key()
        return {
            "cells": {key: key in lines and lines[key]._cell_data() for key in cells},
            "before": before,
        }

    def _lines_by_key(self):
        return {line._cell_key(): line for line in self.line_ids}

    # ------------------------------------------------------------
    # AS IT CAME
    # ------------------------------------------------------------

    def remember_shipped(self):
        """Remember the cells as they are now as those that the scheme came with."""
        for scheme in self:
            scheme.shipped_cells = {
                key: line._cell_values() for key, line in scheme._lines_by_key().items()
            }

    def action_reset_shipped(self):
        """Go back to the cells that the scheme came with. Its filters stay."""
        self.ensure_one()
        if not self.shipped_cells:
            raise UserError(
                self.env._("This scheme was made by hand: there is no state to go back to.")
            )
        keep = {}
        for key, values in self.shipped_cells.items():
            event_id, role_id = map(int, key.split("-"))
            # Events and roles can be deleted meanwhile.
            if self.env["notify.event"].browse(event_id).exists() and (
                self.env["notify.role"].browse(role_id).exists()
            ):
                keep[key] = values
        self.set_cells({**dict.fromkeys(self._lines_by_key(), False), **keep})
        self.message_post(body=self.env._("The matrix was reset to what it came with."))

    # ------------------------------------------------------------
    # COMPARE
    # ------------------------------------------------------------

    def compare(self, other_id):
        """Return the cells in which another scheme differs.

        :return: ``{"name": …, "other": …, "rows": [{"event": "Issued", "role": "Creator",
            "mine": "As the Person Prefers", "theirs": False}]}``; ``False`` where one has no cell
        """
        self.ensure_one()
        other = self.browse(other_id).exists()
        other.check_access("read")
        mine, theirs = self._lines_by_codes(), other._lines_by_codes()
        rows = []
        for codes in dict.fromkeys([*mine, *theirs]):
            first = mine.get(codes, self.env["notify.scheme.line"])
            second = theirs.get(codes, self.env["notify.scheme.line"])
            if first and second and first._cell_values() == second._cell_values():
                continue
            either = first or second
            rows.append(
                {
                    "event": either.event_id.name,
                    "role": either.role_id.name,
                    "mine": first._words() if first else False,
                    "theirs": second._words() if second else False,
                }
            )
        return {"name": self.name, "other": other.name, "rows": rows}

    def _lines_by_codes(self):
        """Return the lines by what is the same in schemes of different document types."""
        return {(line.event_id.code, line.role_id.code): line for line in self.line_ids}

    def action_compare(self):
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "notify_scheme_compare",
            "params": {"scheme_id": self.id},
        }

    def action_simulate(self):
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "notify_simulate",
            "params": {"model": self.model},
        }

    def action_lines(self):
        """Open the cells as a plain list, to import or export them."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "notify_routing.notify_scheme_line_action"
        )
        return {
            **action,
            "domain": [("scheme_id", "=", self.id)],
            "context": {"default_scheme_id": self.id},
        }


class NotifySchemeLine(models.Model):
    _inherit = "notify.scheme.line"

    @api.depends("event_id.name", "role_id.name")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.event_id.name} · {line.role_id.name}"

    def _cell_key(self):
        return f"{self.event_id.id}-{self.role_id.id}"

    def _cell_values(self):
        """Return what a cell says, as values that can be written."""
        return {name: self[name] for name in self._cell_fields()}

    def _cell_data(self):
        """Return a cell of the matrix, see ``notify.scheme.read_matrix``."""
        return {"id": self.id, **self._cell_values(), "words": self._words()}

    def _words(self):
        """Return what a cell says in the reader's language: *E-mail, Push; Urgent*."""

        def label(name):
            return self._fields[name]._description_string(self.env)

        channels = [label(name) for name in (*STEP_FIELDS, "push") if self[name]]
        flags = [
            label(name)
            for name in ("mandatory", "only_new", "only_mail", "urgent", "own_act")
            if self[name]
        ]
        if self.wait:
            flags.append(self.env._("waits %(minutes)s min for more", minutes=self.wait))
        if self.email_domain:
            flags.append(f"{label('email_domain')} {self.email_domain}")
        words = ", ".join(channels) or self.env._("Off")
        return f"{words}; {', '.join(flags)}" if flags else words


class NotifyEvent(models.Model):
    _inherit = "notify.event"

    def _matrix_data(self):
        """Return the head of each row of the matrix."""
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return [
            {"id": event.id, "name": event.name, "code": event.code, "hint": kinds[event.kind]}
            for event in self.sorted()
        ]


class NotifyRole(models.Model):
    _inherit = "notify.role"

    def _matrix_data(self):
        """Return the head of each column of the matrix."""
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return [
            {
                "id": role.id,
                "name": role.name,
                "code": role.code,
                "hint": f"{kinds[role.kind]}: {role.path}" if role.path else kinds[role.kind],
            }
            for role in self.sorted()
        ]
