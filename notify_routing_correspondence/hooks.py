"""What must be put right when the addon leaves a database."""


def uninstall_hook(env):
    """Delete the items before their types, and with the types their numbers.

    Odoo deletes the types that came with the addon first, which the items forbid, and knows nothing
    of the sequences that the types made.
    """
    every = env["notify.correspondence"].with_context(active_test=False)
    every.search([]).unlink()
    every.env["notify.correspondence.type"].search([]).unlink()
