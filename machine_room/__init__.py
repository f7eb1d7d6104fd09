"""Everything around the addon: set-up, databases, mail world, test and demo runners.

The modules up to :mod:`machine_room.odoo` use only Python's standard library, so that they run on
a machine that has nothing yet; the rest runs in the virtual environment that they make.
"""
