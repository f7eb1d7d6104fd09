"""``make bench``: stock Odoo and the addon side by side, on one PostgreSQL with fsync on.

``make bench ARGS="drain_20ms post_1"`` runs some; each figure is a line of JSON, progress goes to
stderr. A module of ``bench/`` takes part by ``run(progress)``, or, if it measures several things,
by ``NAMES`` and ``run(progress, names)``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from . import console, paths


def main() -> int:
    modules = _modules()
    names = [name for module in modules for name in _names(module)]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--times", type=int, default=3, help="runs, of which the median counts")
    options = parser.parse_args()
    unknown = set(options.names) - set(names)
    if unknown:
        raise console.Trouble(
            f"There is no bench {', '.join(sorted(unknown))}; there are: {', '.join(names)}."
        )
    importlib.import_module("bench.site").TIMES = options.times
    for module in modules:
        wanted = [name for name in _names(module) if not options.names or name in options.names]
        arguments = (wanted,) if hasattr(module, "NAMES") else ()
        for figure in module.run(_progress, *arguments) if wanted else ():
            console.say(json.dumps(figure))
    return 0


def _modules() -> list:
    """Return the modules of ``bench/`` that take part, by name."""
    found = [
        importlib.import_module(f"bench.{path.stem}")
        for path in sorted((paths.ROOT / "bench").glob("*.py"))
        if path.stem != "__init__"
    ]
    return [module for module in found if hasattr(module, "run")]


def _names(module) -> tuple[str, ...]:
    """Return what a module measures, by default what it is called."""
    return getattr(module, "NAMES", (module.__name__.rpartition(".")[2],))


def _progress(text: str) -> None:
    print(f"   {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    console.main(main)
