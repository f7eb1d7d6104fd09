"""The addons of this checkout, and the addons of others that they depend on."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import console, databases, debian, paths
from .console import Trouble

#: Pinned addons of others that ours depend on.
OTHERS = paths.REQUIREMENTS / "oca.txt"
#: Pinned addons of others whose own tests have to pass beside ours.
NEIGHBOURS = paths.REQUIREMENTS / "neighbours.txt"
#: Odoo installs, serves nobody and ends.
ONCE = ("--stop-after-init", "--no-http")


class Unreachable(Trouble):
    """Addons of others could not be fetched."""


@dataclass(frozen=True)
class Addon:
    """An addon's folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict:
        path = self.folder / "__manifest__.py"
        try:
            return ast.literal_eval(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError) as error:
            raise Trouble(f"{self.name}/__manifest__.py cannot be read ({error}).") from error

    @property
    def depends(self) -> list[str]:
        return list(self.manifest.get("depends", []))

    @property
    def installable(self) -> bool:
        return self.manifest.get("installable", True)


def own(root: Path = paths.ROOT) -> list[Addon]:
    """Return the installable addons in a folder, each after those that it depends on."""
    found = {
        path.parent.name: Addon(path.parent) for path in sorted(root.glob("*/__manifest__.py"))
    }
    ordered: dict[str, Addon] = {}

    def add(addon: Addon) -> None:
        for name in addon.depends:
            if name in found and name not in ordered:
                add(found[name])
        ordered.setdefault(addon.name, addon)

    for addon in found.values():
        if addon.installable:
            add(addon)
    return list(ordered.values())


def closure(addon: Addon, among: Iterable[Addon]) -> list[Addon]:
    """Return an addon and those of ours that it needs, itself last."""
    known = {other.name: other for other in among}
    needed = [known[name] for name in addon.depends if name in known]
    chain = [link for other in needed for link in closure(other, among)]
    return list(dict.fromkeys([*chain, addon]))


def usable(of: Iterable[Addon]) -> tuple[list[Addon], Path | None]:
    """Return the addons that can be installed here, and the folder of others that they need.

    Those that need addons of others are left out, and named, if these cannot be fetched.
    """
    ours = list(of)
    try:
        return ours, others(ours)
    except Unreachable as error:
        alone = independent(ours)
        left_out = ", ".join(addon.name for addon in ours if addon not in alone)
        console.say(f"   left out: {left_out}, since what it needs cannot be fetched ({error})")
        return alone, None


def independent(of: Iterable[Addon]) -> list[Addon]:
    """Return the addons that need no addons of others."""
    ours = list(of)
    return [addon for addon in ours if not _missing(closure(addon, ours))]


def _missing(ours: list[Addon]) -> set[str]:
    """Return the names of addons that are needed, and are neither ours nor Odoo's."""
    present = {addon.name for addon in ours}
    return {
        name
        for addon in ours
        for name in addon.depends
        if name not in present and not _is_of_odoo(name)
    }


def others(of: Iterable[Addon]) -> Path | None:
    """Return a folder with the addons of others that ours depend on, or None if there are none.

    They are installed once, with the versions in ``requirements/oca.txt``.

    :raise Unreachable: if they cannot be fetched
    """
    missing = _missing(list(of))
    if not missing:
        return None
    return _folder_with(missing)


def other(name: str) -> Path:
    """Return a folder with an addon of others that none of ours depends on."""
    return _folder_with({name})


def _folder_with(names: set[str]) -> Path:
    """Return the folder of the addons of others, which has these among them."""
    pins = _pins()
    unknown = sorted(names - pins.keys())
    if unknown:
        raise Trouble(
            f"{', '.join(unknown)} is needed, and is neither here nor in Odoo. Add it to "
            f"requirements/{OTHERS.name} with its version."
        )
    return fetched(OTHERS)


def fetched(pins: Path) -> Path:
    """Return the folder with the addons of others that a file of requirements pins.

    :raise Unreachable: if they cannot be fetched
    """
    home = paths.CACHE / f"addons-{paths.fingerprint(pins)}"
    if not (home / ".complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        try:
            console.run(
                [*pip("install", "--no-deps", "--target", home), "-r", pins],
                what=f"Installing addons of others ({pins.name})",
                log="pip-addons",
                advice="Check the network and run the same command again.",
            )
        except Trouble as error:
            raise Unreachable(str(error)) from error
        (home / ".complete").touch()
    return home / "odoo/addons"


def install(
    server: databases.Postgres,
    database: str,
    chosen: Iterable[Addon],
    folders: Iterable[Path | None],
    *,
    what: str,
    log: str,
) -> Path:
    """Install addons with an Odoo that sees the folders and nothing else of this checkout.

    :param folders: folders of addons; None among them is passed over
    :return: the configuration with which to call Odoo again
    """
    visible = tuple(folder for folder in folders if folder)
    config = databases.config_file(server, visible)
    names = ",".join(addon.name for addon in chosen)
    console.run(
        [*databases.odoo(config), "-d", database, "-i", names, *ONCE],
        what=what,
        log=log,
        env=environment(visible),
        cwd=paths.CACHE,
    )
    return config


def environment(folders: Iterable[Path]) -> dict[str, str]:
    """Return the environment of an Odoo that finds the Python packages beside these addons."""
    beside = [folder.parent.parent for folder in folders if folder.parts[-2:] == ("odoo", "addons")]
    return dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, [debian.odoo_path(), *beside])))


def _is_of_odoo(name: str) -> bool:
    root = debian.odoo_path()
    return any((root / place / name).is_dir() for place in ("odoo/addons", "addons"))


def _pins() -> dict[str, str]:
    """Return addon name → requirement line."""
    lines = re.findall(r"^odoo-addon-([\w-]+)==\S+", OTHERS.read_text(), re.MULTILINE)
    return {name.replace("-", "_"): name for name in lines}


def pip(*arguments: object) -> list[str]:
    """Return the command line of this environment's pip."""
    return [sys.executable, "-m", "pip", *map(str, arguments), "--disable-pip-version-check"]
