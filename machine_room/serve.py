"""``make serve``: the demo's world with the web client, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import console, databases, demo, paths

PORT = 8069


def main() -> int:
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    options = parser.parse_args()
    _check_free(options.port)
    with databases.postgres() as server:
        database = demo.prepare(server)
        from .company import Company
        from .mailworld import MailWorld

        console.step("Starting the relay and the IMAP server, and playing the demo")
        with MailWorld() as world:
            with Company(database, world) as company:
                story = demo.Story(company)
                demo.tell(story)
                company.commit()
            with odoo_server(server, database, options.port) as process:
                console.say(f"\nOdoo: http://127.0.0.1:{options.port}")
                console.say(demo.LOGINS)
                console.say(
                    f"Relay: 127.0.0.1:{world.relay.port}, IMAP: 127.0.0.1:{world.dovecot.port}"
                )
                console.say(
                    "Mail that leaves stays in the mailboxes of this world. Ctrl-C ends it all."
                )
                return process.wait()


@contextlib.contextmanager
def odoo_server(server: databases.Postgres, database: str, port: int, addons=(paths.ROOT,)):
    """Run Odoo with the web client and its scheduled actions; give its process.

    :param addons: folders of addons besides Odoo's own
    """
    config = databases.config_file(
        server,
        addons,
        http_port=port,
        gevent_port=port + 3,
        db_name=database,
        dbfilter=f"^{database}$",
        max_cron_threads=1,
        log_level="warn",
    )
    process = subprocess.Popen(databases.odoo(config))
    try:
        _wait(process, port)
        yield process
    finally:
        process.terminate()
        process.wait(15)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise console.Trouble(
                f'Port {port} is taken. Choose another one: make serve ARGS="--port 8090"'
            ) from error


def _wait(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise console.Trouble("Odoo did not start; its last words are above.")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/web/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise console.Trouble("Odoo did not answer within a minute.")


if __name__ == "__main__":
    console.main(main)
