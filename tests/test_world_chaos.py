"""Mail leaves and comes in while workers are killed and servers misbehave: nothing is lost."""

import argparse
import os
import uuid

import pytest

from machine_room import chaos, chaos_intake, databases


@pytest.mark.parametrize(
    ("module", "kind", "kills"),
    [(chaos, chaos.Chaos, 2), (chaos_intake, chaos_intake.ChaosIntake, 1)],
    ids=["out", "in"],
)
def test_killed_workers_lose_nothing_and_do_nothing_twice_without_need(module, kind, kills):
    server = databases.configured()
    name = f"chaos_{uuid.uuid4().hex[:8]}"
    options = argparse.Namespace(mails=60, answers=40, kills=kills, restarts=0, workers=2, seed=7)
    server.copy(os.environ["NOTIFY_TEMPLATE"], name)
    try:
        counts = kind(server, name, options).run()
    finally:
        server.drop(name)
    assert module.is_clean(counts), counts
