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
                digest = _digest(company, order)
                arguments = [order.id, company.team.id, digest]
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


def _digest(company, order):
    """Let three messages wait for Anna; return a page with the digest that they would become."""
    anna = company.users["anna"]
    schedule = company.env.ref("notify_routing.schedule_weekdays")
    company.as_user(company.env["notify.preference"], "anna").set_my_time(
        {"schedule_id": schedule.id}
    )
    other = company.quotation(by="anna")
    company.follow(other, anna)
    for document, text in (
        (order, "The customer asks for two days more. I said yes, the yard is free until then."),
        (order, "And they would like it in blue."),
        (other, "Can you have a look at the discount before noon?"),
    ):
        company.post(document, text, by="chloe")
    order.sudo().action_confirm()
    company.commit()
    Review = company.env["notify.review"]
    Review._waiting(anna).notify_due = "2020-01-01 08:00:00"
    Review._release(Review._claim())
    mail = company.env["mail.mail"].search([("notify_review", "=", "digest")], limit=1)
    page = paths.CACHE / "digest.html"
    page.write_text(mail.body_html)
    # They go on waiting, for the picture of the preferences.
    company.env.cr.rollback()
    company.env.invalidate_all()
    return page


if __name__ == "__main__":
    console.main(main)
