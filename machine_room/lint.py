"""``make lint``: every check on every file that git knows, one line each.

``make lint ARGS=--fix`` first lets the tools repair what they can, then checks. Further arguments
are names of single checks: ``make lint ARGS="ruff pylint"``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import console, paths
from .console import Trouble

NODE_FILES = ("package.json", "package-lock.json")
#: What the versions in requirements/node need.
NODE_VERSION = (18, 18)
CONFIG = paths.ROOT / ".pre-commit-config.yaml"


def main(arguments: list[str]) -> int:
    chosen = [argument for argument in arguments if argument != "--fix"]
    _check_checkout()
    environment = tool_environment(node_modules())
    if "--fix" in arguments:
        repair(environment)
    console.step("Checking")
    started = time.monotonic()
    code = max(_pre_commit(environment, name) for name in chosen or [""])
    _report_unknown_files()
    if code:
        console.say("\n✗ There are findings above. make lint ARGS=--fix repairs layout.")
    else:
        console.done("no findings", started)
    return code


def repair(environment: dict[str, str]) -> None:
    """Let the tools change files, and name those that they changed."""
    console.step("Repairing what the tools can repair")
    before = _times()
    # It ends with 1 when something was repaired, and what is left is reported by the checks.
    _pre_commit(environment, "--hook-stage", "manual", stdout=subprocess.DEVNULL)
    for name, time_after in _times().items():
        if before.get(name) != time_after:
            console.say(f"   repaired {name}")


def _times() -> dict[str, int]:
    """Return file → time of its last change, for the files that git knows."""
    files = [paths.ROOT / name for name in _git("ls-files").stdout.splitlines()]
    return {
        str(file.relative_to(paths.ROOT)): file.stat().st_mtime_ns
        for file in files
        if file.is_file()
    }


def _check_checkout() -> None:
    if not shutil.which("git"):
        raise Trouble("git is missing: install it (package git); it lists the files to check.")
    if _git("rev-parse", "--show-toplevel").returncode:
        raise Trouble("This is no git checkout: make lint checks the files that git knows.")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=paths.ROOT)


def _report_unknown_files() -> None:
    """Say which files were not checked, since nothing else tells their author."""
    unknown = _git("ls-files", "--others", "--exclude-standard").stdout.splitlines()
    if unknown:
        shown = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        console.say(f"   not checked, because git does not know them (git add): {shown}")


# ------------------------------------------------------------
# TOOLS
# ------------------------------------------------------------


def node_modules() -> Path:
    """Return the folder of the Node.js tools, installing exactly what the lock file says."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Trouble(
                f"{program} is missing: install Node.js {NODE_VERSION[0]} or newer with npm "
                "(packages nodejs and npm); prettier and eslint run on it."
            )
    _check_node_version()
    files = [paths.REQUIREMENTS / "node" / name for name in NODE_FILES]
    folder = paths.CACHE / f"node-{paths.fingerprint(*files)}"
    complete = folder / ".complete"
    if not complete.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, folder)
        console.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            what="Installing prettier and eslint",
            log="npm-ci",
            cwd=folder,
            advice="Check the network and run the same command again.",
        )
        complete.touch()
    return folder / "node_modules"


def _check_node_version() -> None:
    shown = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    found = tuple(int(part) for part in re.findall(r"\d+", shown)[:2])
    if found < NODE_VERSION:
        wanted = ".".join(map(str, NODE_VERSION))
        raise Trouble(f"Node.js {wanted} or newer is needed, this is {shown or 'none'}.")


def tool_environment(modules: Path) -> dict[str, str]:
    """Return the environment in which each hook finds its program, and keeps its cache with us."""
    programs = [str(modules / ".bin"), str(Path(sys.executable).parent)]
    return dict(
        os.environ,
        PATH=os.pathsep.join([*programs, os.environ.get("PATH", "")]),
        NODE_PATH=str(modules),
        PRE_COMMIT_HOME=str(paths.CACHE / "pre-commit"),
        PYLINTHOME=str(paths.CACHE / "pylint"),
        RUFF_CACHE_DIR=str(paths.CACHE / "ruff"),
    )


def _pre_commit(environment: dict[str, str], *arguments: str, stdout=None) -> int:
    """Run the hooks on every file and return pre-commit's exit code."""
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"]
    return subprocess.call(
        [*command, f"--config={CONFIG}", *filter(None, arguments)],
        env=environment,
        cwd=paths.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
    )


if __name__ == "__main__":
    console.main(lambda: main(sys.argv[1:]))
