"""Mail leaves while workers are killed and the relay misbehaves: nothing is lost."""

import argparse
import os
import uuid

from machine_room import databases
from machine_room.chaos import Chaos, is_clean


def test_killed_workers_lose_nothing_and_send_nothing_twice_without_need():

    server = databases.configured()
    name = f"chaos_{uuid.uuid4().hex[:8]}"
    options = argparse.Namespace(mails=60, kills=2, restarts=0, workers=2, seed=7)
    server.copy(os.environ["NOTIFY_TEMPLATE"], name)
    try:
        counts = Chaos(server, name, options).run()
    finally:
        server.drop(name)
    assert is_clean(counts), counts
