"""A worker of the queue in a process of its own: it runs the queue's job over and over."""

from __future__ import annotations

import contextlib
import os
import sys
import time


def main(database: str) -> None:
    import psycopg2

    import odoo
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["-c", os.environ["NOTIFY_CONFIG"]], setup_logging=True)
    while True:
        # PostgreSQL is restarted now and then.
        with contextlib.suppress(psycopg2.Error), Registry(database).cursor() as cursor:
            odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})["notify.delivery"]._drain()
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
