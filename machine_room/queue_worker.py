"""A worker of the queue in a process of its own: it runs the queue's job over and over."""

from __future__ import annotations

import os
import sys
import time
import traceback


def main(database: str) -> None:
    import psycopg2

    import odoo
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["-c", os.environ["NOTIFY_CONFIG"]], setup_logging=True)
    while True:
        try:
            with Registry(database).cursor() as cursor:
                odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})["notify.delivery"]._drain()
        except psycopg2.Error:
            # PostgreSQL is restarted now and then.
            traceback.print_exc()
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
