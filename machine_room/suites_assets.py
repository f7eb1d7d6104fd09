"""``python -m machine_room.suites_assets CONFIG DATABASE``: make the web client's bundles.

Odoo's own runner does so before its first browser test. Tests run in transactions that are rolled
back: without this each class of tests would make the bundles again.
"""

from __future__ import annotations

import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def main() -> None:
    file, database = sys.argv[1:]
    config.parse_config(["-c", file, "-d", database], setup_logging=True)
    with Registry(database).cursor() as cursor:
        api.Environment(cursor, SUPERUSER_ID, {})["ir.qweb"]._pregenerate_assets_bundles()


if __name__ == "__main__":
    main()
