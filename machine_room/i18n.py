"""``make i18n``: export each addon's terms and bring its translations up to date.

``make i18n ARGS=--check`` changes nothing and fails if a file would change or a term has no
translation.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polib

from . import addons, console, databases, paths, translations
from .addons import Addon

#: Every addon speaks these; further files beside them are kept up to date as well.
LANGUAGES = ("de", "fr", "pl")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make i18n", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on any gap")
    check = parser.parse_args(arguments).check
    own, others = addons.usable(addons.own())
    with databases.postgres() as server:
        exports = export(server, own, others)
    problems = 0
    for addon, exported in exports.items():
        console.step(addon.name)
        if not exported:
            console.say("   nothing to translate")
            continue
        problems += update(addon, translations.template(exported, addon.name), check=check)
    if problems:
        console.say(f"\n✗ {problems} problems, see above.")
    return 1 if problems else 0


def export(
    server: databases.Postgres, own: list[Addon], others: Path | None
) -> dict[Addon, polib.POFile]:
    """Return each addon's terms, exported by Odoo from a database with all of them installed.

    :param others: folder with addons of others, if ours need any
    """
    folders = [paths.ROOT, *filter(None, [others])]
    stock = databases.stock_template(server)
    database = f"i18n_{os.getpid()}"
    server.copy(stock, database)
    try:
        config = addons.install(
            server,
            database,
            own,
            folders,
            what=f"Installing {', '.join(addon.name for addon in own)}",
            log="i18n-install",
        )
        environment = addons.environment(folders)
        return {addon: _export(config, environment, database, addon) for addon in own}
    finally:
        server.drop(database)


def _export(config: Path, environment: dict[str, str], database: str, addon: Addon) -> polib.POFile:
    # Not in the cache, which another checkout may share.
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / f"{addon.name}.pot"
        # The list of languages takes every word up to the next option, so the addon comes last.
        command = [sys.executable, "-m", "odoo", "i18n", "export", "-l", "pot"]
        command += ["-c", config, "-d", database, "-o", scratch, addon.name]
        console.run(
            command,
            what=f"Exporting the terms of {addon.name}",
            log="i18n-export",
            env=environment,
        )
        if not scratch.exists() or not scratch.stat().st_size:
            return polib.POFile()
        return polib.pofile(str(scratch))


def update(addon: Addon, pot: polib.POFile, *, check: bool) -> int:
    """Write (or, to check, compare) an addon's files and return the number of problems."""
    folder = addon.folder / "i18n"
    found = list(_bring(folder / f"{addon.name}.pot", pot, check))
    names = {path.stem for path in folder.glob("*.po")}.union(LANGUAGES)
    for language in sorted(names):
        path = folder / f"{language}.po"
        current = translations.read(path) if path.exists() else None
        merged = translations.merge(current, pot, addon.name, language)
        found += _bring(path, merged, check)
        found += [f"{path.name}: {text}" for _line, text in translations.faults(merged)]
        gaps = translations.missing(merged)
        console.say(f"   {language}: {len(pot) - len(gaps)}/{len(pot)} terms translated")
        if check:
            found += [f"{path.name}: not translated: {translations.short(gap)}" for gap in gaps]
    for text in found:
        console.say(f"   ✗ {text}")
    return len(found)


def _bring(path: Path, file: polib.POFile, check: bool) -> Iterator[str]:
    """Make a file say what it should; to check, yield a sentence if it does not."""
    text = f"{str(file).rstrip()}\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    if check:
        yield f"{path.name} is not what make i18n writes: run it and commit the result"
        return
    console.write_atomically(path, text)
    console.say(f"   {path.name} written")


if __name__ == "__main__":
    console.main(lambda: main(sys.argv[1:]))
