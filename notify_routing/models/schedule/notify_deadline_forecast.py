from datetime import UTC, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...tools.deadline import local_day, moment

#: How far the board looks ahead, in days.
AHEAD = 14
#: Rows that the board shows at most.
SHOWN = 5000


class NotifyDeadlineForecast(models.TransientModel):
    """Who will be alerted of what: the very code that alerts, asked without alerting anybody."""

    _name = "notify.deadline.forecast"
    _description = "Upcoming Alert"
    _order = "date, deadline_id, due, id"
    _rec_name = "name"

    deadline_id = fields.Many2one("notify.deadline", ondelete="cascade")
    company_id = fields.Many2one("res.company", ondelete="cascade")
    partner_id = fields.Many2one("res.partner", string="Person", ondelete="cascade")
    res_model = fields.Char("Document Model")
    res_id = fields.Many2oneReference("Document ID", model_field="res_model")
    model_name = fields.Char("Document Type")
    name = fields.Char("Document")
    due = fields.Date()
    date = fields.Datetime("Alert", help="When the alert leaves.")
    next_round = fields.Boolean("With the Next Alerts")
    email = fields.Boolean("E-mail")
    inbox = fields.Boolean("In Odoo")
    push = fields.Boolean()
    escalated = fields.Boolean(help="Told as earlier alerts did not help.")
    reason = fields.Selection(
        selection=lambda self: self.env["notify.deadline.alert.line"]._fields["reason"].selection,
        string="Not Told",
        help="Why this person will not be alerted. Empty: they will.",
    )

    @api.model
    def _fill(self, deadlines, ahead=AHEAD):
        """Write down who will be alerted in the user's companies, as things are now.

        :return: the rows, those with the next alerts first
        :raise UserError: if one single deadline is asked for and cannot be followed
        """
        values_list = []
        for company in self.env.companies.sudo():
            zone, _known = company._notify_zone()
            today = local_day(fields.Datetime.now(), zone)
            following = company._notify_next_alert_at()
            for deadline in deadlines:
                try:
                    with self.env.cr.savepoint(flush=False):
                        items = deadline.sudo()._items(
                            company, today, today + timedelta(days=ahead)
                        )
                except Exception as error:
                    if len(deadlines) == 1:
                        raise UserError(deadline._words(error)) from error
                    continue
                names = self._names(items)
                values_list += [
                    {
                        "deadline_id": item.deadline_id,
                        "company_id": company.id,
                        "partner_id": item.partner_id,
                        "res_model": item.model,
                        "res_id": item.res_id,
                        "model_name": self.env[item.model]._description,
                        "name": names[item.res_id],
                        "due": item.due,
                        "date": following
                        if item.day <= today
                        else moment(item.day, company.notify_alert_hour, zone)
                        .astimezone(UTC)
                        .replace(tzinfo=None),
                        "next_round": item.day <= today,
                        "escalated": item.escalated,
                        "reason": item.reason,
                        **{name: name in item.channels for name in ("email", "inbox", "push")},
                    }
                    for item in items[: SHOWN - len(values_list)]
                ]
        return self.create(values_list)

    @api.model
    def _names(self, items):
        """Return the names of documents, but of those that the user may not read."""
        names = {item.res_id: item.name for item in items}
        if not items:
            return names
        documents = self.env[items[0].model].browse(names)
        for document in documents - documents._filtered_access("read"):
            names[document.id] = self.env._("(not yours to read)")
        return names

    @api.model
    def action_board(self):
        """Open what all deadlines will alert of in the next days."""
        rows = self._fill(self.env["notify.deadline"].search([("active", "=", True)]))
        return self._action(rows, self.env._("Upcoming Alerts"), {"search_default_told": 1})

    @api.model
    def _action(self, rows, name, context):
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "notify_routing.notify_deadline_forecast_action"
            ),
            "name": name,
            "domain": [("id", "in", rows.ids)],
            "context": {"create": False, **context},
        }

    def action_open(self):
        """Open the document."""
        self.ensure_one()
        return self.env["notify.deadline.alert.line"]._open(self.res_model, self.res_id)


class NotifyDeadline(models.Model):
    _inherit = "notify.deadline"

    def action_preview(self):
        """Show who would be alerted of what, also of a deadline that is switched off."""
        self.ensure_one()
        self.check_access("read")
        Forecast = self.env["notify.deadline.forecast"]
        return Forecast._action(
            Forecast._fill(self),
            self.env._("Who Would Be Alerted: %(deadline)s", deadline=self.name),
            {"search_default_next_round": 1, "search_default_group_person": 1},
        )

    def action_alerts(self):
        """Show who was alerted by this deadline, or why not."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "notify_routing.notify_deadline_alert_line_action"
            ),
            "domain": [("deadline_id", "=", self.id)],
        }
