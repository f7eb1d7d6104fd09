"""``make pictures``: the pictures of the README, taken from the running web client."""

from __future__ import annotations

import os
import subprocess
import sys

from . import console, databases, debian, demo, lint, paths, serve

FOLDER = paths.ROOT / "docs" / "pictures"


def main() -> int:
    modules = lint.node_modules()
    port = serve.free_port()
    with databases.postgres() as server:
        database = demo.prepare(server)
        from .company import Company
        from .mailworld import MailWorld

        console.step("Playing the demo")
        with MailWorld() as world:
            with Company(database, world) as company:
                story = demo.Story(company)
                demo.tell(story)
                order = company.env["sale.order"].search([], limit=1, order="id DESC")
                arguments = [order.id, company.team.id]
                company.commit()
            with serve.odoo_server(server, database, port):
                console.step("Taking the pictures")
                FOLDER.mkdir(parents=True, exist_ok=True)
                return subprocess.call(
                    [
                        "node",
                        str(paths.ROOT / "machine_room" / "pictures.mjs"),
                        f"http://127.0.0.1:{port}",
                        str(FOLDER),
                        *map(str, arguments),
                    ],
                    env=dict(
                        os.environ,
                        NOTIFY_NODE_MODULES=str(modules),
                        NOTIFY_CHROMIUM=debian.find("chromium") or "chromium",
                    ),
                    stdout=sys.stdout,
                )


if __name__ == "__main__":
    console.main(main)
