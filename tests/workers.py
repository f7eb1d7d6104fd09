"""Real transactions side by side, each as a worker of Odoo has it."""

import contextlib
import threading
import time


@contextlib.contextmanager
def transaction(registry, login=None):
    """Give an environment of its own, and commit at the end."""
    import odoo

    with registry.cursor() as cursor:
        env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
        yield env(user=env.ref(login)) if login else env


def side_by_side(work, count, seconds):
    """Do the same in some threads that start at the same moment, and return what they raised.

    :param seconds: how long to wait for each of them
    """
    together = threading.Barrier(count)
    raised = []

    def run():
        together.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 a thread tells nobody of its end
            raised.append(error)

    threads = [threading.Thread(target=run) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return raised


def wait_until(true, seconds=180):
    """Wait until a function returns something true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
