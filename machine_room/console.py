"""What the person at the terminal reads: steps, progress, and one clear sentence on trouble."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from . import paths

#: Seconds between two signs of life of a long command.
HEARTBEAT = 15


class Trouble(Exception):
    """Something is missing or failed; the text says what, and what to do about it."""


def say(text: str = "") -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"── {text}")


def done(text: str, since: float) -> None:
    say(f"   {text} ({time.monotonic() - since:.0f} s)")


def run(
    command, *, what: str, log: str, env=None, cwd=None, advice: str = "", quiet: bool = False
) -> None:
    """Run a command quietly, with its output in a log file and a sign of life now and then.

    :param list command: program and arguments
    :param str what: said while it runs, e.g. ``"installing Python packages"``
    :param str log: name of the log file under the cache's ``logs`` folder
    :param str advice: what to do when it fails
    :param bool quiet: say only that it starts: something else is at the terminal meanwhile
    :raise Trouble: if the command cannot be started or exits with another code than 0
    """
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    log_file = paths.LOGS / f"{log}.log"
    start = last = time.monotonic()
    step(what)
    tail: deque[str] = deque(maxlen=15)
    with log_file.open("w", encoding="utf-8", errors="replace") as out:
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env,
                cwd=cwd,
            )
        except OSError as error:
            raise Trouble(f"{what} failed: {error}. {advice}".strip()) from error
        try:
            for line in process.stdout:
                out.write(line)
                tail.append(line.rstrip())
                if not quiet and time.monotonic() - last > HEARTBEAT:
                    last = time.monotonic()
                    say(f"   … {last - start:.0f} s: {line.strip()[:100]}")
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait(10)
            raise
    if code:
        shown = "\n".join(f"     {line}" for line in tail)
        raise Trouble(
            f"{what} failed with exit code {code}. {advice}\n{shown}\n   The whole log: "
            f"{os.path.relpath(log_file)}"
        )
    if not quiet:
        done("done", start)


def main(function) -> None:
    """Call a command's function; turn trouble into one sentence and exit code 1."""
    try:
        code = function()
    except Trouble as trouble:
        print(f"\n✗ {trouble}", file=sys.stderr, flush=True)
        code = 1
    except KeyboardInterrupt:
        print("\n✗ Interrupted. It is safe to run the same command again.", file=sys.stderr)
        code = 130
    sys.exit(code or 0)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that an interrupted run never leaves half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
