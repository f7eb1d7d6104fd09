"""``python3 -m machine_room COMMAND``: what the Makefile calls, on any Python 3.10 to 3.13."""

from __future__ import annotations

import sys

from . import console, debian, python_env

#: Command → (module that does it, Debian programs that it needs).
COMMANDS = {
    "demo": ("machine_room.demo", ("dovecot",)),
    "test": ("machine_room.tests", ("dovecot", "chromium")),
    "serve": ("machine_room.serve", ("dovecot",)),
    "conformance": ("machine_room.conformance", ("dovecot", "chromium")),
    "odoo-suites": ("machine_room.suites", ("chromium",)),
    "lint": ("machine_room.lint", ()),
    "dist": ("machine_room.dist", ()),
    "i18n": ("machine_room.i18n", ()),
    "bench": ("machine_room.bench", ()),
    "chaos": ("machine_room.chaos", ()),
    "pictures": ("machine_room.pictures", ("dovecot", "chromium")),
}


def main() -> int:
    command, *arguments = sys.argv[1:] or ["help"]
    if command not in COMMANDS:
        raise console.Trouble(f"There is no command {command!r}; there are: {', '.join(COMMANDS)}.")
    module, programs = COMMANDS[command]
    debian.ensure_programs(*programs)
    return python_env.enter(module, arguments)


if __name__ == "__main__":
    console.main(main)
