"""The virtual environment: Odoo's requirements, ours, and the tools of the machine room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import console, paths
from .console import Trouble

FILES = ("odoo.txt", "addon.txt", "dev.txt")


def folder() -> Path:
    """Return the environment's folder; its name changes when a requirement does."""
    files = [paths.REQUIREMENTS / name for name in FILES]
    return paths.CACHE / f"venv-{paths.fingerprint(*files, sys.version_info[:2])}"


def python() -> Path:
    """Return the environment's Python, making the environment if it is not complete."""
    home = folder()
    interpreter = home / "bin" / "python"
    if (home / ".complete").exists():
        return interpreter
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        raise Trouble(f"Odoo 19 needs Python 3.10 to 3.13, this is {sys.version.split()[0]}.")
    shutil.rmtree(home, ignore_errors=True)
    console.run(
        [sys.executable, "-m", "venv", home],
        what="Making a virtual environment",
        log="venv",
        advice="Install Python's venv module (package python3-venv).",
    )
    arguments = [argument for name in FILES for argument in ("-r", paths.REQUIREMENTS / name)]
    console.run(
        [interpreter, "-m", "pip", "install", "--progress-bar=off", *arguments],
        what="Installing Python packages (one to three minutes)",
        log="pip",
        advice="Check the network and run the same command again.",
    )
    (home / ".complete").touch()
    return interpreter


def enter(module: str, arguments: list[str]) -> int:
    """Run one of our modules in the environment, with Odoo importable, and return its exit code."""
    from . import debian

    runtime = paths.CACHE / "run"
    runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = dict(
        os.environ,
        PYTHONPATH=f"{debian.odoo_path()}{os.pathsep}{paths.ROOT}",
        PYTHONUNBUFFERED="1",
        XDG_RUNTIME_DIR=str(runtime),
    )
    return subprocess.call([python(), "-m", module, *arguments], env=environment, cwd=paths.ROOT)
