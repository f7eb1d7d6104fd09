"""Pure Python: no Odoo, no database. Each module is tested on its own."""
