from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

STATES = [("none", "Not run"), ("green", "In order"), ("amber", "Look at this"), ("red", "Broken")]
WORK = [("queued", "Waiting to run"), ("running", "Running"), ("waiting", "Waiting for mail")]
#: How bad a state is.
BADNESS = {"green": 0, "none": 1, "amber": 2, "red": 3}
#: Minutes after which something that should have happened counts as late.
LATE = 15


class Verdict(NamedTuple):
    """What a check found.

    :param state: ``green``, ``amber``, ``red``; ``waiting`` where the answer comes by mail
    :param sentence: what was found and, unless it is green, what mends it
    :param evidence: what the server answered
    :param record: name and value of the record to publish in the DNS
    """

    state: str
    sentence: str
    evidence: str = ""
    record: str = ""


class NotifyCheck(models.Model):
    """The set-up assistant: one row for each thing that can be looked at, with the last verdict.

    What there is to check comes from :meth:`_checks`; a row of kind ``x`` is looked at by
    ``_check_x``, run one by one by a scheduled action. The work is in the files beside this one.
    """

    _name = "notify.check"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Set-up Check"
    _order = "sequence, target, id"

    kind = fields.Selection(
        [
            ("company", "A company can send"),
            ("outgoing", "Outgoing server"),
            ("senders", "Sender addresses are accepted"),
            ("dns", "SPF, DKIM and DMARC"),
            ("queue", "Mail waiting to leave"),
            ("job", "Scheduled action"),
            ("addons", "Other addons"),
        ],
        required=True,
        readonly=True,
    )
    target = fields.Char("What", readonly=True)
    topic = fields.Selection(
        [
            ("outgoing", "Outgoing mail"),
            ("domain", "Domains"),
            ("incoming", "Incoming mail"),
            ("job", "Background work"),
        ],
        required=True,
        readonly=True,
    )
    sequence = fields.Integer(readonly=True)
    key = fields.Char(required=True, readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, index="btree_not_null")
    hours = fields.Float("Every (Hours)", readonly=True)
    is_scheduled = fields.Boolean(
        "Repeat",
        help="Run again by itself. Administrators and notification managers are alarmed as soon as "
        "the result is red.",
    )
    state = fields.Selection(
        STATES, "Result", default="none", required=True, readonly=True, tracking=True
    )
    work = fields.Selection(WORK, readonly=True, index="btree_not_null")
    status = fields.Selection(STATES + WORK, compute="_compute_status", store=True)
    sentence = fields.Text("What to Do", readonly=True)
    evidence = fields.Text(readonly=True)
    record = fields.Text("Record to Publish", readonly=True)
    ran_at = fields.Datetime("Last Run", readonly=True)
    since = fields.Datetime(readonly=True, help="Since when the result is what it is.")
    deadline = fields.Datetime(readonly=True)
    done = fields.Integer(readonly=True)
    total = fields.Integer(readonly=True)
    progress = fields.Float(compute="_compute_progress")

    _key_unique = models.UniqueIndex("(key)")

    @api.depends("kind", "target")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for check in self:
            check.display_name = ": ".join(filter(None, (kinds.get(check.kind), check.target)))

    @api.depends("state", "work")
    def _compute_status(self):
        for check in self:
            check.status = check.work or check.state

    @api.depends("done", "total")
    def _compute_progress(self):
        for check in self:
            check.progress = 100 * min(check.done / check.total, 1) if check.total else 0

    # ------------------------------------------------------------
    # WHAT THERE IS TO CHECK
    # ------------------------------------------------------------

    @api.model
    def _checks(self):
        """Return everything that can be checked. Hook: add a kind, its ``_check_…``, and rows.

        :return: values of rows. ``key`` tells them apart, ``hours`` is how often they are repeated,
            e.g. ``[{"kind": "outgoing", "key": "outgoing:3", "target": "Relay",
            "topic": "outgoing", "sequence": 20, "res_model": "ir.mail_server", "res_id": 3,
            "company_id": False, "hours": 0, "is_scheduled": True}]``
        """
        return []

    @api.model
    def _sync(self):
        """Make the rows those of :meth:`_checks`; results of rows that stay are kept."""
        wanted = {values["key"]: values for values in self._checks()}
        rows = self.sudo().search(Domain.TRUE).grouped("key")
        for key, row in rows.items():
            if key not in wanted:
                row.unlink()
                continue
            # Whether it is repeated is an administrator's choice from then on.
            values = {name: value for name, value in wanted[key].items() if name != "is_scheduled"}
            changed = {
                name: value
                for name, value in values.items()
                if row._fields[name].convert_to_write(row[name], row) != value
            }
            if changed:
                row.write(changed)
        # Nobody wants to follow these: who has to know gets an activity.
        new = self.sudo().with_context(mail_create_nolog=True, mail_create_nosubscribe=True)
        new.create([values for key, values in wanted.items() if key not in rows])

    @api.model
    def action_open(self):
        """Open the board, with a row for everything that there is now."""
        self.browse().check_access("read")
        self._sync()
        return self.env["ir.actions.act_window"]._for_xml_id("notify_routing.notify_check_action")

    # ------------------------------------------------------------
    # BUTTONS
    # ------------------------------------------------------------

    def action_run(self):
        """Run these checks again, in the background."""
        self.check_access("write")
        cron = self.env.ref("notify_routing.ir_cron_check").sudo()
        if not cron.active:
            raise UserError(
                self.env._(
                    "The scheduled action “%(name)s” is switched off. Switch it on first: "
                    "checks run in the background.",
                    name=cron.name,
                )
            )
        self.sudo().filtered(lambda check: check.work != "running").write(
            {"work": "queued", "done": 0, "total": 0}
        )
        cron._trigger()

    def action_run_all(self):
        """Run everything that there is to check, whichever rows are selected."""
        self._sync()
        self.search(Domain.TRUE).action_run()

    def action_open_target(self):
        """Open what the check is about, where it can be mended."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------
    # NEWS
    # ------------------------------------------------------------

    @api.model
    def read_pulse(self):
        """Return whether anything changed since it was last asked, cheaply.

        :return: ``{"busy": 2, "stamp": "2026-01-31 08:00:00.123456", "stalled": False}``
        """
        self.browse().check_access("read")
        ((stamp, busy),) = self._read_group([], [], ["write_date:max", "work:count"])
        return {"busy": busy, "stamp": str(stamp), "stalled": self._is_stalled()}

    @api.model
    def _is_stalled(self):
        """Tell whether nothing runs in the background, as then checks do not run either."""
        cron = self.env.ref("notify_routing.ir_cron_check").sudo()
        late = fields.Datetime.now() - timedelta(minutes=LATE)
        return not cron.active or cron.nextcall < late

    @api.model
    def _health(self):
        """Return the state of everything, from the last verdicts: nothing is asked anew.

        :return: ``{"state": "red", "stalled": False, "checks": [{"key": "outgoing:3",
            "name": "Outgoing server: Relay", "state": "red", "sentence": "…",
            "since": "2026-01-31T08:00:00Z", "checked": "2026-01-31T09:00:00Z"}],
            "queue": {"waiting": 4, "oldest_seconds": 90}}``; times are UTC
        """
        checks = self.sudo().search(Domain.TRUE)
        stalled = self._is_stalled()
        return {
            "state": "red" if stalled else checks._worst(),
            "stalled": stalled,
            "checks": [
                {
                    "key": check.key,
                    "name": check.display_name,
                    "state": check.state,
                    "sentence": check.sentence or "",
                    "since": _utc(check.since),
                    "checked": _utc(check.ran_at),
                }
                for check in checks
            ],
            "queue": self._queue_figures(),
        }

    def _worst(self):
        """Return the worst state of these checks."""
        return max(self.mapped("state"), key=BADNESS.get, default="none")

    @api.model
    def _queue_figures(self, companies=None):
        """Return how many mails should have left and for how long the oldest waits.

        :param companies: only those about documents of these companies, or of none
        :return: e.g. ``{"waiting": 4, "oldest_seconds": 90}``
        """
        now = fields.Datetime.now()
        domain = [
            ("state", "=", "outgoing"),
            "|",
            ("scheduled_date", "=", False),
            ("scheduled_date", "<=", now),
        ]
        if companies is not None:
            domain.append(("record_company_id", "in", [*companies.ids, False]))
        ((waiting, oldest),) = self.env["mail.mail"].sudo()._read_group(
            domain, [], ["__count", "create_date:min"]
        )  # fmt: skip
        return {
            "waiting": waiting,
            "oldest_seconds": max(int((now - oldest).total_seconds()), 0) if oldest else 0,
        }


def _utc(moment):
    return moment.replace(microsecond=0).isoformat() + "Z" if moment else None
