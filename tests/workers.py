"""Real transactions side by side, each as a worker of Odoo has it."""

import contextlib


@contextlib.contextmanager
def transaction(registry, login=None):
    """Give an environment of its own, and commit at the end."""
    import odoo

    with registry.cursor() as cursor:
        env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
        yield env(user=env.ref(login)) if login else env
