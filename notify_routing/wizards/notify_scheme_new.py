from odoo import api, fields, models
from odoo.exceptions import UserError


class NotifySchemeNew(models.TransientModel):
    """Start a scheme from a ready-made one."""

    _name = "notify.scheme.new"
    _description = "New Notification Scheme"

    ready_made = fields.Selection(
        selection=lambda self: self._select_ready_made(),
        string="Start From",
        required=True,
        default=lambda self: self._select_ready_made()[0][0],
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        compute="_compute_model_id",
        store=True,
        readonly=False,
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
    )
    name = fields.Char(compute="_compute_name", store=True, readonly=False, required=True)
    any_model = fields.Boolean(compute="_compute_any_model")
    company_id = fields.Many2one("res.company", help="Empty: all companies.")

    # ------------------------------------------------------------
    # WHAT THERE IS
    # ------------------------------------------------------------

    @api.model
    def _ready_made(self):
        """Return the ready-made schemes. Hook for those who have more.

        :return: ``{key: scheme}``, a scheme being e.g. ``{
            "name": "Opportunity",
            "model": "crm.lead",  # False: for any document type
            "roles": {"salesperson": {"name": "Salesperson", "kind": "path", "path": "user_id"}},
            "events": {"stage": {"name": "Stage changed", "kind": "field", "field": "stage_id"}},
            "cells": {("reply", "salesperson"): ["prefer"], …},
        }``; roles and events that it does not describe are the general ones of that code
        """
        salesperson = {"name": self.env._("Salesperson"), "kind": "path", "path": "user_id"}
        customer = {"name": self.env._("Customer"), "kind": "path", "path": "partner_id"}
        assigned = {
            "name": self.env._("Salesperson assigned"),
            "kind": "added",
            "role": "salesperson",
        }

        def state(name, value, weight=50):
            return {
                "name": name,
                "kind": "field",
                "field": "state",
                "value_to": value,
                "weight": weight,
            }

        return {
            "quotation": {
                "name": self.env._("Quotation"),
                "model": "sale.order",
                "roles": {"salesperson": salesperson, "customer": customer},
                "events": {
                    "assigned": {**assigned, "weight": 90},
                    "sent": state(self.env._("Sent"), "sent"),
                    "confirmed": state(self.env._("Confirmed"), "sale"),
                    "cancelled": state(self.env._("Cancelled"), "cancel"),
                },
                "cells": {
                    ("assigned", "salesperson"): ["prefer", "only_new"],
                    ("sent", "leader"): ["inbox"],
                    ("confirmed", "salesperson"): ["prefer"],
                    ("confirmed", "leader"): ["inbox"],
                    ("confirmed", "follower"): ["prefer"],
                    ("cancelled", "salesperson"): ["prefer"],
                    ("cancelled", "leader"): ["inbox"],
                    ("reply", "salesperson"): ["prefer"],
                    ("reply", "follower"): ["prefer"],
                    ("note", "salesperson"): ["inbox"],
                    ("note", "follower"): ["prefer"],
                },
            },
            "opportunity": {
                "name": self.env._("Opportunity"),
                "model": "crm.lead",
                "roles": {"salesperson": salesperson},
                "events": {
                    "assigned": {**assigned, "weight": 90},
                    "stage": {
                        "name": self.env._("Stage changed"),
                        "kind": "field",
                        "field": "stage_id",
                    },
                    "lost": {
                        "name": self.env._("Archived or lost"),
                        "kind": "field",
                        "field": "active",
                        "value_to": "False",
                        "weight": 50,
                    },
                },
                "cells": {
                    ("assigned", "salesperson"): ["prefer", "push", "only_new", "urgent"],
                    ("stage", "salesperson"): ["inbox"],
                    ("stage", "follower"): ["prefer"],
                    ("lost", "salesperson"): ["prefer"],
                    ("lost", "leader"): ["inbox"],
                    ("reply", "salesperson"): ["prefer"],
                    ("reply", "follower"): ["prefer"],
                    ("note", "follower"): ["prefer"],
                },
            },
            "deposit": {
                "name": self.env._("Deposit of files"),
                "model": False,
                "cells": {
                    ("file_added", "follower"): ["prefer"],
                    ("file_added", "distribution"): ["email"],
                    ("file_changed", "follower"): ["prefer"],
                    ("file_changed", "distribution"): ["email"],
                    ("distribution_added", "distribution"): ["email", "only_new"],
                },
            },
            "alerts": {
                "name": self.env._("Alerts"),
                "model": False,
                "cells": {
                    ("overdue", "creator"): ["email", "inbox", "mandatory", "urgent", "own_act"],
                    ("overdue", "follower"): ["inbox", "own_act"],
                    ("overdue", "leader"): ["inbox"],
                },
            },
        }

    @api.model
    def _select_ready_made(self):
        return [
            (key, scheme["name"])
            for key, scheme in self._ready_made().items()
            if not scheme["model"] or scheme["model"] in self.env
        ]

    @api.depends("ready_made")
    def _compute_any_model(self):
        for wizard in self:
            wizard.any_model = not self._ready_made()[wizard.ready_made]["model"]

    @api.depends("ready_made")
    def _compute_model_id(self):
        for wizard in self:
            model = self._ready_made()[wizard.ready_made]["model"]
            wizard.model_id = self.env["ir.model"]._get(model) if model else wizard.model_id

    @api.depends("ready_made", "model_id")
    def _compute_name(self):
        for wizard in self:
            scheme = self._ready_made()[wizard.ready_made]
            of_model = wizard.model_id and not scheme["model"]
            name = scheme["name"]
            wizard.name = f"{wizard.model_id.name}: {name}" if of_model else name

    # ------------------------------------------------------------
    # MAKE
    # ------------------------------------------------------------

    def action_create(self):
        """Make the scheme, switched off, and open it."""
        self.ensure_one()
        ready_made = self._ready_made()[self.ready_made]
        if not self.model_id:
            raise UserError(self.env._("Choose the document type that the scheme is for."))
        roles = self._find_or_make("notify.role", ready_made, "roles")
        events = self._find_or_make("notify.event", ready_made, "events", roles=roles)
        scheme = self.env["notify.scheme"].create(
            {
                "name": self.name,
                "model_id": self.model_id.id,
                "company_id": self.company_id.id,
                "active": False,
            }
        )
        scheme.set_cells(
            {
                f"{events[event].id}-{roles[role].id}": dict.fromkeys(values, True)
                for (event, role), values in ready_made["cells"].items()
            }
        )
        scheme.remember_shipped()
        return {
            "type": "ir.actions.act_window",
            "res_model": "notify.scheme",
            "res_id": scheme.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def _find_or_make(self, model, ready_made, kind, roles=None):
        """Return the roles or events of a ready-made scheme, by code.

        One of the document type itself comes before a general one; what there is stays as it is.

        :param str kind: ``"roles"`` or ``"events"``
        :param dict roles: by code, for events about a role
        """
        described = ready_made.get(kind, {})
        position = ("events", "roles").index(kind)
        codes = dict.fromkeys([*described, *(cell[position] for cell in ready_made["cells"])])
        found = self.env[model].search(
            [("code", "in", list(codes)), ("model_id", "in", [False, self.model_id.id])]
        )
        result = {}
        for code in codes:
            candidates = found.filtered(lambda record, code=code: record.code == code)
            own = candidates.filtered("model_id")
            if own or (candidates and code not in described):
                result[code] = (own or candidates)[:1]
            else:
                result[code] = self.env[model].create(
                    self._values(code, described[code], roles or {})
                )
        return result

    def _values(self, code, description, roles):
        """Return the values of a new role or event."""
        values = {**description, "code": code, "model_id": self.model_id.id}
        if field := values.pop("field", None):
            values["field_id"] = self.env["ir.model.fields"]._get(self.model_id.model, field).id
        if role := values.pop("role", None):
            values["role_id"] = roles[role].id
        return values
