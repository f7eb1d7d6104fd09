"""``make dist``: a wheel and a zip of each addon, each proved by installing it into a clean place.

Every proof has a folder of its own, in which pip (or unzipping) puts what was built, a fresh
database, and an Odoo that sees no other copy of the addon.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import addons, console, databases, paths
from .addons import Addon
from .console import Trouble

FOLDER = paths.ROOT / "dist"
#: Folders and files that belong to the checkout and have no business on a server.
FOREIGN = ("machine_room", "bench", "node_modules", "__pycache__", "pyproject.toml", "dist")
FOREIGN_SUFFIXES = (".pyc", ".orig", ".rej", ".log", ".swp")
#: Zip files have no older date; a fixed one gives equal files for equal content.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
#: A line of Odoo's log: date, time, process, level.
SEVERE = re.compile(r"^\S+ \S+ \d+ (ERROR|CRITICAL) ")


@dataclass(frozen=True)
class Built:
    """The two files that were built of an addon."""

    addon: Addon
    wheel: Path
    zip: Path


def main(_arguments: list[str]) -> int:
    started = time.monotonic()
    own, others = addons.usable(addons.own())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    console.step(f"Building {', '.join(addon.name for addon in own)}")
    built = [build(addon, FOLDER) for addon in own]
    with databases.postgres() as server:
        for one in built:
            chain = addons.closure(one.addon, own)
            needed = [other for other in built if other.addon in chain]
            for kind, unpack in (("wheel", install_wheels), ("zip", unpack_zips)):
                prove(server, one.addon, kind, unpack(needed), others)
    console.say()
    for one in built:
        for path in (one.wheel, one.zip):
            console.say(f"   {path.stat().st_size / 1024:7.0f} KB  {FOLDER.name}/{path.name}")
    console.done("built and proved", started)
    return 0


# ------------------------------------------------------------
# BUILD
# ------------------------------------------------------------


def build(addon: Addon, target: Path) -> Built:
    """Build an addon's files.

    :raise Trouble: if a file is missing in the wheel, or does not belong there
    """
    if not (addon.folder / "pyproject.toml").exists():
        raise Trouble(f"{addon.name} has no pyproject.toml, so no wheel can be built; add one.")
    _say_unknown_files(addon)
    wheel = _build_wheel(addon, target)
    with zipfile.ZipFile(wheel) as content:
        problems = list(wheel_problems(addon, content))
        if problems:
            listed = "\n".join(f"     {problem}" for problem in problems)
            raise Trouble(f"{wheel.name} is not what it should be:\n{listed}")
        version = wheel.name.split("-")[1]
        return Built(addon, wheel, _build_zip(addon, content, target / f"{addon.name}-{version}"))


def _say_unknown_files(addon: Addon) -> None:
    """Name what is left out, since the wheel holds what git knows and nothing else says so."""
    command = ["git", "ls-files", "--others", "--exclude-standard", "--", "."]
    listed = subprocess.run(command, cwd=addon.folder, capture_output=True, text=True)
    unknown = listed.stdout.splitlines()
    if unknown:
        shown = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        console.say(f"   left out of {addon.name}, because git does not know them: {shown}")


def _build_wheel(addon: Addon, target: Path) -> Path:
    before = set(target.glob("*.whl"))
    console.run(
        addons.pip(
            "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", target, addon.folder
        ),
        what=f"Building the wheel of {addon.name}",
        log=f"dist-{addon.name}",
    )
    (wheel,) = set(target.glob("*.whl")) - before
    return wheel


def _build_zip(addon: Addon, wheel: zipfile.ZipFile, stem: Path) -> Path:
    """Pack the addon as it is in its wheel, for people who unzip it among their addons."""
    path = stem.with_name(f"{stem.name}.zip")
    inside = _inside(addon)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(wheel.namelist()):
            if name.startswith(inside):
                entry = zipfile.ZipInfo(f"{addon.name}/{name.removeprefix(inside)}", ZIP_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                target.writestr(entry, wheel.read(name))
    return path


def _inside(addon: Addon) -> str:
    return f"odoo/addons/{addon.name}/"


def wheel_problems(addon: Addon, wheel: zipfile.ZipFile) -> Iterator[str]:
    """Yield a sentence for each file that is missing in a wheel or does not belong there."""
    inside = _inside(addon)
    names = {name for name in wheel.namelist() if not name.endswith("/")}
    content = {name.removeprefix(inside) for name in names if name.startswith(inside)}
    for name in sorted(names - {f"{inside}{part}" for part in content}):
        if not PurePosixPath(name).parts[0].endswith(".dist-info"):
            yield f"{name} lies outside of {inside}"
    for name in sorted(content):
        path = PurePosixPath(name)
        if path.name.startswith(".") or path.suffix in FOREIGN_SUFFIXES:
            yield f"{name} is no file for a server"
        elif path.parts[0] in FOREIGN or "__pycache__" in path.parts:
            yield f"{name} belongs to the checkout, not to the addon"
    for name in ("__init__.py", "__manifest__.py", *addon.manifest.get("data", [])):
        if name not in content:
            yield f"{name} is missing; does git know it?"
    yield from _leaks(wheel, names)


def _leaks(wheel: zipfile.ZipFile, names: Iterable[str]) -> Iterator[str]:
    """Look for this machine's folders in the files."""
    for name in sorted(names):
        if f"{paths.ROOT}/".encode() in wheel.read(name):
            yield f"{name} names the folder of this checkout"


# ------------------------------------------------------------
# PROOF
# ------------------------------------------------------------


def install_wheels(built: list[Built]) -> Path:
    """Install wheels into a clean folder and return the folder of addons in it."""
    home = _clean_folder(f"{built[-1].addon.name}-wheel")
    wheels = [one.wheel for one in built]
    console.run(
        addons.pip("install", "--no-deps", "--no-index", "--target", home, *wheels),
        what=f"Installing {built[-1].wheel.name} into a clean folder",
        log="dist-pip",
    )
    return home / "odoo/addons"


def unpack_zips(built: list[Built]) -> Path:
    """Unzip into a clean folder and return it."""
    home = _clean_folder(f"{built[-1].addon.name}-zip")
    for one in built:
        with zipfile.ZipFile(one.zip) as content:
            content.extractall(home)
    return home


def _clean_folder(name: str) -> Path:
    home = paths.CACHE / "dist" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return home


def prove(
    server: databases.Postgres, addon: Addon, kind: str, folder: Path, others: Path | None
) -> None:
    """Install an addon from a folder into a fresh database.

    :param kind: ``"wheel"`` or ``"zip"``, to be said
    :param others: folder with addons of others, if ours need any
    :raise Trouble: if Odoo did not install it, or logged an error
    """
    stock = databases.stock_template(server)
    database = f"dist_{addon.name}_{kind}_{os.getpid()}"
    log = f"dist-{addon.name}-{kind}"
    server.copy(stock, database)
    try:
        addons.install(
            server,
            database,
            [addon],
            [folder, others],
            what=f"Installing the {kind} of {addon.name} in Odoo",
            log=log,
        )
        rows = server.execute(
            "SELECT state, latest_version FROM ir_module_module WHERE name = %s",
            database=database,
            arguments=[addon.name],
        )
    finally:
        server.drop(database)
    _judge(addon, kind, rows, paths.LOGS / f"{log}.log")


def _judge(addon: Addon, kind: str, rows: list[tuple], log: Path) -> None:
    if not rows or rows[0][0] != "installed":
        state = rows[0][0] if rows else "unknown to Odoo"
        raise Trouble(f"The {kind} of {addon.name} did not install: it is {state}.")
    if rows[0][1] != addon.manifest["version"]:
        raise Trouble(f"Odoo installed {addon.name} {rows[0][1]} from the {kind}, another version.")
    severe = [line for line in log.read_text(encoding="utf-8").splitlines() if SEVERE.search(line)]
    if severe:
        raise Trouble(f"Odoo logged errors while it installed {addon.name}:\n     {severe[0]}")


if __name__ == "__main__":
    console.main(lambda: main(sys.argv[1:]))
