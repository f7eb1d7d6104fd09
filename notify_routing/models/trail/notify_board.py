from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ..sender.notify_check import BADNESS

#: Period → (how long it is, how long a slice of it is).
PERIODS = {
    "day": (timedelta(days=1), timedelta(hours=1)),
    "week": (timedelta(days=7), timedelta(hours=6)),
}
SERIES = ("sent", "held", "failed", "bounced")
#: How many lines a list of the board has.
TOP = 5
#: From how many of its last mails the time of a server is taken.
SAMPLE = 200
#: Checks that one figure of the board is about.
OF_FIGURES = ("queue", "delivery", "quarantine")


class NotifyBoard(models.AbstractModel):
    """What the managers see first: is everything in order, and if not, what to do.

    Figures are counted by indexes over the chosen period, verdicts are those of the set-up check.
    """

    _name = "notify.board"
    _description = "Board of Notifications"

    @api.readonly
    @api.model
    def read_board(self, period="day"):
        """Return everything that the board shows, of the companies that the reader has chosen.

        :param str period: ``day`` or ``week``, up to now
        :return: times are UTC; e.g. ``{
            "state": "red",  # of the worst check
            "stalled": False,  # whether nothing runs in the background
            "empty": False,  # whether no mail was ever sent
            "slices": {"starts": ["2026-11-22 08:00:00", …], "seconds": 3600,
                       "sent": [4, …], "held": […], "failed": […], "bounced": […]},
            "queue": {"waiting": 4, "oldest_seconds": 90, "again": 2,
                      "readable": True},  # whether the reader may open the queue
            "held": 3, "quarantine": 1,  # that wait now
            "figures": {"queue": {"id": 7, "state": "green", "sentence": "…"}, …},
            "troubles": [{"id": 5, "name": "Outgoing server: Relay", "state": "red",
                          "sentence": "…"}],
            "servers": […], "mailboxes": […], "jobs": […],  # see the methods below
            "reasons": [{"code": "bell", "name": "chose other events with the bell", "count": 9}],
            "people": [{"email": "anna@company.example", "count": 9}],
        }``
        :raise AccessError: for everybody but the managers of notifications
        """
        if not self.env.user.has_group("notify_routing.group_notify_manager"):
            raise AccessError(self.env._("Only notification managers can see the board."))
        self.env.flush_all()
        length, slice_length = PERIODS[period]
        now = fields.Datetime.now()
        since = self._floor(now, slice_length) + slice_length - length
        # By the reader's own rules: companies see their own.
        checks = self.env["notify.check"].search(Domain.TRUE)
        stalled = checks._is_stalled()
        slices = self._slices(since, slice_length, length // slice_length)
        return {
            "state": "red" if stalled else checks._worst(),
            "stalled": stalled,
            "empty": self._is_empty(),
            "slices": slices,
            "queue": self._queue(),
            "held": self.env["notify.waiting"].search_count([]),
            "quarantine": self.env["notify.quarantine"].search_count([("stage", "=", "open")]),
            "figures": {
                check.kind: self._check_row(check) for check in checks if check.kind in OF_FIGURES
            },
            "troubles": [
                self._check_row(check)
                for check in checks.sorted(lambda check: -BADNESS[check.state])
                if check.state in ("red", "amber")
            ],
            "servers": self._servers(checks, since),
            "mailboxes": self._mailboxes(checks),
            "jobs": self._job_rows(checks),
            "reasons": self._reasons(since),
            "people": self._people(since),
        }

    @api.model
    def _floor(self, moment, length):
        """Return the beginning of the slice that a moment is in."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return day + (moment - day) // length * length

    @api.model
    def _check_row(self, check):
        return {
            "id": check.id,
            "name": check.display_name,
            "state": check.state,
            "sentence": check.sentence or "",
        }

    @api.model
    def _own(self, column):
        """Return the SQL condition that a row is of a company that the reader has chosen."""
        company = SQL(column)
        return SQL("(%s IS NULL OR %s IN %s)", company, company, tuple(self.env.companies.ids))

    # ------------------------------------------------------------
    # WHAT HAPPENED
    # ------------------------------------------------------------

    @api.model
    def _is_empty(self):
        """Tell whether there is nothing at all to show a curve of."""
        Delivery, Waiting = self.env["notify.delivery"], self.env["notify.waiting"]
        return not Delivery.search_count([], limit=1) and not Waiting.search_count([], limit=1)

    @api.model
    def _slices(self, since, length, count):
        """Return what became of e-mails, by slices of time: when they were taken from the queue,
        or, for those that were held, when it happened what they tell of.
        """
        seconds = int(length.total_seconds())
        series = {name: [0] * count for name in SERIES}

        def number_of(column):
            return SQL(
                "floor(extract(epoch FROM %s - %s::timestamp) / %s)::int",
                SQL(column),
                since,
                seconds,
            )

        rows = self.env.execute_query(
            SQL(
                """
                SELECT %s AS slice, state, count(*)
                  FROM notify_delivery
                 WHERE date >= %s AND state IN ('sent', 'failed', 'bounced') AND %s
              GROUP BY 1, 2
                 UNION ALL
                SELECT slice, 'held', count(*)
                  FROM (SELECT %s AS slice
                          FROM mail_notification
                          JOIN mail_message message ON message.id = mail_message_id
                         WHERE notify_due IS NOT NULL AND notification_status = 'ready'
                           AND message.date >= %s AND %s
                         UNION ALL
                        SELECT %s
                          FROM mail_notification
                          JOIN mail_message message ON message.id = mail_message_id
                         WHERE notify_left >= %s AND message.date >= %s AND %s) held
              GROUP BY slice
                """,
                number_of("date"),
                since,
                self._own("company_id"),
                number_of("message.date"),
                since,
                self._own("message.record_company_id"),
                number_of("message.date"),
                since,
                since,
                self._own("message.record_company_id"),
            )
        )
        for number, name, amount in rows:
            # What a clock that was wrong dated into the future counts as of now.
            series[name][min(number, count - 1)] += amount
        starts = [fields.Datetime.to_string(since + number * length) for number in range(count)]
        return {"starts": starts, "seconds": seconds, **series}

    @api.model
    def _reasons(self, since):
        """Return why people were not told, most frequent first."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT reason, count(*)
                  FROM notify_suppression suppression
             LEFT JOIN mail_message message ON message.id = suppression.mail_message_id
                 WHERE suppression.date >= %s AND %s
              GROUP BY reason
              ORDER BY count(*) DESC, reason
                 LIMIT %s
                """,
                since,
                self._own("message.record_company_id"),
                TOP,
            )
        )
        names = dict(
            self.env["notify.suppression"]._fields["reason"]._description_selection(self.env)
        )
        return [
            {"code": code, "name": names.get(code, code), "count": count} for code, count in rows
        ]

    @api.model
    def _people(self, since):
        """Return which addresses got most."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT email, count(*)
                  FROM notify_delivery
                 WHERE date >= %s AND state = 'sent' AND %s
              GROUP BY email
              ORDER BY count(*) DESC, email
                 LIMIT %s
                """,
                since,
                self._own("company_id"),
                TOP,
            )
        )
        return [{"email": email, "count": count} for email, count in rows]

    # ------------------------------------------------------------
    # WHAT IS AT WORK
    # ------------------------------------------------------------

    @api.model
    def _queue(self):
        """Return how much waits to leave, for how long, and how much is tried again."""
        figures = self.env["notify.check"]._queue_figures(self.env.companies)
        again = self.env["notify.delivery"].search_count([("state", "in", ("waiting", "retrying"))])
        readable = self.env["mail.mail"].has_access("read")
        return {**figures, "again": again, "readable": readable}

    @api.model
    def _servers(self, checks, since):
        """Return the outgoing servers, those in trouble first, then the slowest.

        :return: e.g. ``[{"id": 3, "name": "Relay", "check_id": 5, "state": "green",
            "seconds": 1.4, "waiting": 0, "paused_until": False, "calm_until": False,
            "limited": False}]``; *seconds* a mail took from its first attempt until the server had
            it, ``False`` if none was sent in the period
        """
        servers = self.env["ir.mail_server"].search(Domain.TRUE)
        own = checks.filtered(lambda check: check.kind == "outgoing").grouped("res_id")
        times = self._server_times(servers, since)
        now = fields.Datetime.now()
        rows = []
        for server in servers:
            check = own.get(server.id, checks.browse())
            paused, calm = server.notify_broken_until, server.notify_calm_until
            rows.append(
                {
                    "id": server.id,
                    "name": server.name,
                    "check_id": check.id,
                    "state": "red" if paused and paused > now else check.state or "none",
                    "seconds": times.get(server.id, False),
                    "waiting": server.notify_waiting_count,
                    "paused_until": paused and paused > now and fields.Datetime.to_string(paused),
                    "calm_until": calm and calm > now and fields.Datetime.to_string(calm),
                    "limited": bool(
                        server.notify_rate_minute
                        or server.notify_rate_day
                        or server.notify_rate_domain
                    ),
                }
            )
        return sorted(rows, key=lambda row: (-BADNESS[row["state"]], -(row["seconds"] or 0)))[
            : 2 * TOP
        ]

    @api.model
    def _server_times(self, servers, since):
        """Return how many seconds the last mails of each server took, ``{id: seconds}``."""
        if not servers:
            return {}
        rows = self.env.execute_query(
            SQL(
                """
                SELECT server.id, avg(extract(epoch FROM last.date_sent - last.date_first))
                  FROM ir_mail_server server
            CROSS JOIN LATERAL (
                       SELECT date_sent, date_first
                         FROM notify_delivery
                        WHERE server_id = server.id AND date_last >= %s
                          AND state = 'sent' AND attempts = 1
                     ORDER BY date_last DESC
                        LIMIT %s) last
                 WHERE server.id IN %s
              GROUP BY server.id
                """,
                since,
                SAMPLE,
                servers._ids,
            )
        )
        return {server_id: float(seconds) for server_id, seconds in rows}

    @api.model
    def _mailboxes(self, checks):
        """Return the incoming servers, those in trouble first.

        :return: e.g. ``[{"id": 3, "name": "Mailbox", "check_id": 5, "state": "green",
            "waiting": 0, "quarantine": 2, "trouble_since": False}]``
        """
        own = checks.filtered(lambda check: check.kind == "mailbox").grouped("res_id")
        rows = []
        for server in self.env["notify.check"]._incoming_servers():
            check = own.get(server.id, checks.browse())
            since = server.notify_trouble_since
            rows.append(
                {
                    "id": server.id,
                    "name": server.name,
                    "check_id": check.id,
                    "state": "red" if since else check.state or "none",
                    "waiting": server.notify_waiting_count,
                    "quarantine": server.notify_quarantine_count,
                    "trouble_since": since and fields.Datetime.to_string(since),
                }
            )
        return sorted(rows, key=lambda row: -BADNESS[row["state"]])[: 2 * TOP]

    @api.model
    def _job_rows(self, checks):
        """Return the scheduled actions that mail needs as they are now, the worst first.

        :return: e.g. ``[{"id": 3, "name": "…", "check_id": 5, "state": "red", "sentence": "…",
            "late_seconds": 7200, "last": "2026-11-22 08:00:00"}]``
        """
        now = fields.Datetime.now()
        own = checks.filtered(lambda check: check.kind == "job").grouped("res_id")
        rows = []
        for job in checks._jobs():
            verdict = checks._judge_job(job)
            late = (now - job.nextcall).total_seconds() if job.active else 0
            rows.append(
                {
                    "id": job.id,
                    "name": job.name,
                    "check_id": own.get(job.id, checks.browse()).id,
                    "state": verdict.state,
                    "sentence": verdict.sentence,
                    "late_seconds": max(int(late), 0),
                    "last": job.lastcall and fields.Datetime.to_string(job.lastcall),
                }
            )
        return sorted(rows, key=lambda row: (-BADNESS[row["state"]], row["name"]))
