"""What must be put right when the addon leaves a database."""


def uninstall_hook(env):
    """Leave stock's own field saying what each user chose, as far as stock can say it.

    People who want both e-mail and in-app keep in-app, which is what their user's field already
    says; per document type choices end with the table that holds them. Settings that were changed
    are no records of the addon for Odoo, and would stay.
    """
    env["notify.preference"].search([])._write_stock_types()
    env["ir.config_parameter"].search([("key", "=like", "notify\\_routing.%")]).unlink()
