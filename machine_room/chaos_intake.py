"""``make chaos``, the way in: workers are killed and servers misbehave while answers come in.

Answers arrive in a mailbox, some of them twice, some with a file. Workers, processes that fetch and
route over and over, are killed with SIGKILL at random; PostgreSQL is restarted; the line to the
mailbox breaks in mid-message; its server gives out new uids; the disk is full, of the database and
of the files. In the end the messages on each document are counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import resource
import subprocess
import sys
import time
from email.message import EmailMessage

from . import databases, paths
from .chaos import Chaos
from .mailworld import CutLine, MailWorld

MAILBOX = "odoo"
#: Octets of a file that each tenth answer brings, and those that fit on a full disk.
FILE, ROOM = 200_000, 100_000
#: Seconds after which what a dead worker had in hand is free; a living one is through by then.
LEASE = 10


def summary(counts: dict) -> str:
    """Say in a line what became of the answers."""
    return (
        f"answers={counts['answers']} answers_lost={counts['lost']} "
        f"answers_twice={counts['twice']} misplaced={counts['misplaced']} "
        f"damaged_files={counts['damaged']} "
        f"set_aside={counts['quarantine']} kills={counts['kills']} restarts={counts['restarts']} "
        f"broken_lines={counts['cuts']} new_uids={counts['new_uids']} full_disks={counts['full']}"
    )


def is_clean(counts: dict) -> bool:
    """Tell whether each answer is on its document, once and whole."""
    return not any(counts[name] for name in ("lost", "twice", "misplaced", "damaged", "quarantine"))


class ChaosIntake(Chaos):
    """One run.

    :param options: answers, kills, restarts, workers, seed
    """

    def run(self) -> dict:
        self.new_uids = self.full = self.sent = 0
        with (
            MailWorld() as world,
            CutLine(world.dovecot.host, world.dovecot.port) as line,
        ):
            self.world, self.line = world, line
            self.prepare()
            try:
                kills = self.disturb()
                self.let_disks_be_full(False)
                kills += self.kill_all()
                self.calm_down()
            finally:
                self.kill_all()
            return {
                **self.count(),
                "kills": kills,
                "restarts": self.restarts,
                "cuts": line.cuts,
                "new_uids": self.new_uids,
                "full": self.full,
            }

    def prepare(self) -> None:
        """Set up the mailbox, the documents, and a switch for the database's full disk."""
        options = {
            "answers": self.options.answers,
            "host": self.line.host,
            "port": self.line.port,
            "password": self.world.dovecot.password,
        }
        subprocess.run(
            [*self.command(), "prepare", json.dumps(options)],
            cwd=paths.ROOT,
            env=self.environment(),
            check=True,
        )
        self.execute(
            """
            CREATE TABLE chaos_full_disk (at timestamp);
            CREATE FUNCTION chaos_full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM chaos_full_disk) THEN
                    RAISE 'could not extend file' USING ERRCODE = 'disk_full';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER chaos_full_disk BEFORE INSERT ON notify_intake
               FOR EACH ROW EXECUTE FUNCTION chaos_full_disk()
            """
        )

    def command(self) -> list[str]:
        return [sys.executable, "-m", "machine_room.intake_worker", self.database]

    # ------------------------------------------------------------
    # DISTURB
    # ------------------------------------------------------------

    def disturb(self) -> int:
        """Deliver answers, and do harm meanwhile; return the number of kills."""
        kills, restart_at = self.options.kills, self.restart_at()
        for kill in range(kills):
            self.start_workers()
            self.deliver(self.options.answers * (kill + 1) // kills)
            self.line.cut_after(self.random.randrange(100_000))
            if kill % 5 == 1:
                self.let_disks_be_full(True)
            if kill % 5 == 3:
                self.give_new_uids()
            self.wait(self.sent // 2, patience=4)
            time.sleep(self.random.random())
            self.kill_one()
            self.let_disks_be_full(False)
            self.let_time_pass()
            if kill in restart_at:
                self.restart_postgres()
            print(f"   kill {kill + 1}: {self.arrived()} answers", file=sys.stderr, flush=True)
        return kills

    def deliver(self, count: int) -> None:
        """Have answers arrive until there are so many; each twentieth comes twice."""
        for number in range(self.sent, count):
            answer = self.answer(number).as_bytes()
            for _copy in range(2 if number % 20 == 0 else 1):
                self.world.maildirs.file(MAILBOX, answer)
        self.sent = count

    @staticmethod
    def answer(number: int) -> EmailMessage:
        answer = EmailMessage()
        answer["From"] = f"p{number}@customer.example"
        answer["To"] = "catchall@company.example"
        answer["Subject"] = f"Re: {number}"
        answer["Message-ID"] = f"<answer-{number}@customer.example>"
        answer["In-Reply-To"] = answer["References"] = f"<{number}@chaos.example>"
        answer.set_content(f"This is answer {number}.")
        if number % 10 == 0:
            content = hashlib.sha256(str(number).encode()).digest() * (FILE // 32)
            answer.add_attachment(content, "application", "octet-stream", filename="plan.bin")
        return answer

    def let_disks_be_full(self, are_full: bool) -> None:
        """Have the database take no new message, and the workers write no large file."""
        self.full += are_full
        switch = "INSERT INTO {} VALUES (now())" if are_full else "DELETE FROM {}"
        self.server.execute(switch, "chaos_full_disk", database=self.database)
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                _soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(
                    worker.pid, resource.RLIMIT_FSIZE, (ROOM if are_full else hard, hard)
                )

    def give_new_uids(self) -> None:
        """Have the mailbox's server forget all it knew of its messages."""
        self.new_uids += 1
        self.world.dovecot.stop()
        for file in self.world.maildirs.path(MAILBOX).glob("dovecot*"):
            file.unlink()
        self.world.dovecot.start()

    def let_time_pass(self) -> None:
        """End the leases of dead workers and all pauses."""
        self.execute(
            "UPDATE notify_intake SET next_try = now() AT TIME ZONE 'UTC' WHERE state = 'waiting' "
            "AND next_try < now() AT TIME ZONE 'UTC' + interval '15 minutes' - %s * interval '1 s'",
            LEASE,
        )

    def calm_down(self) -> None:
        super().calm_down()
        # A copy of an answer may still lie in the mailbox.
        time.sleep(2)

    def is_done(self) -> bool:
        ((waiting,),) = self.execute("SELECT count(*) FROM notify_intake WHERE state = 'waiting'")
        return not waiting and self.arrived() >= self.options.answers

    # ------------------------------------------------------------
    # COUNT
    # ------------------------------------------------------------

    def arrived(self) -> int:
        ((count,),) = self.execute("SELECT count(*) FROM mail_message WHERE message_type = 'email'")
        return count

    def count(self) -> dict:
        """Return what is found on the documents.

        :return: ``lost``: answers that are nowhere; ``twice``: messages too many; ``misplaced``: on
            another document than the one they answer; ``damaged``: files that are missing, or not
            whole; ``quarantine``: set aside though nothing is wrong with them
        """
        rows = self.execute(
            """
            SELECT substring(answer.message_id FROM 'answer-([0-9]+)')::int, count(*),
                   bool_and(answer.model = 'res.partner' AND answer.res_id = asked.res_id)
              FROM mail_message answer
              JOIN mail_message asked
                ON asked.message_id = '<' || substring(answer.message_id FROM 'answer-([0-9]+)')
                                      || '@chaos.example>'
             WHERE answer.message_type = 'email'
             GROUP BY 1
            """
        )
        found = {number: count for number, count, _is_right in rows}
        files = self.execute(
            "SELECT store_fname, checksum FROM ir_attachment WHERE name = 'plan.bin'"
        )
        ((quarantine,),) = self.execute("SELECT count(*) FROM notify_quarantine")
        answers = self.options.answers
        return {
            "answers": answers,
            "lost": sum(number not in found for number in range(answers)),
            "twice": sum(count - 1 for count in found.values()),
            "misplaced": sum(not is_right for _number, _count, is_right in rows),
            "damaged": len(range(0, answers, 10)) - sum(self.is_whole(*file) for file in files),
            "quarantine": quarantine,
        }

    def is_whole(self, name: str, checksum: str) -> bool:
        file = databases.filestore(self.database) / name
        return file.exists() and hashlib.sha1(file.read_bytes()).hexdigest() == checksum
