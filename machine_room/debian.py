"""Packages from Debian: Odoo itself and Dovecot's POP3 server, unpacked beside us and never
installed, and the two programs that the tests need, Chromium and Dovecot."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterable
from pathlib import Path

from . import console, paths
from .console import Trouble

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: Odoo, and the packages that its web client's relative links point into.
ODOO_PACKAGES = (
    "odoo-19",
    "fonts-font-awesome",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
)
#: Program that must be on the path (or in /usr/sbin) → Debian package that brings it.
PROGRAMS = {"chromium": "chromium", "dovecot": "dovecot-imapd"}
POP3_ROOT = paths.CACHE / "dovecot-pop3d"
#: The one file of Odoo that Debian leaves out; the web client's bundle needs it.
SEGMENTATION = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
SEGMENTATION_PACKAGE = "@mediapipe/selfie_segmentation@0.1.1675465747"


def odoo_path() -> Path:
    """Return the folder to put on ``PYTHONPATH`` so that ``import odoo`` gives Odoo 19.

    It is ``ODOO_PATH`` when that is set, else Debian's package, downloaded once.
    """
    given = os.environ.get("ODOO_PATH")
    if given:
        path = Path(given).resolve()
        if not (path / "odoo" / "release.py").exists():
            raise Trouble(
                f"ODOO_PATH={given} holds no Odoo: point it at the folder that contains "
                "odoo/release.py."
            )
        return path
    unpacked = paths.DEBIAN_ROOT / "usr/lib/python3/dist-packages"
    complete = paths.DEBIAN_ROOT / ".complete"
    if not complete.exists():
        _download_odoo()
        _add_missing_file(unpacked)
        complete.touch()
    return unpacked


def _download_odoo() -> None:
    for program in ("apt-get", "dpkg"):
        if not shutil.which(program):
            raise Trouble(
                f"{program} is missing, so Odoo cannot be taken from Debian's packages. "
                "Get an Odoo 19 checkout and set ODOO_PATH to it."
            )
    if not KEYRING.exists():
        raise Trouble("Debian's keyring is missing: install the package debian-archive-keyring.")
    private = paths.DOWNLOADS / "apt"
    private.mkdir(parents=True, exist_ok=True)
    source_list = private / "unstable.list"
    source_list.write_text(f"deb [signed-by={KEYRING}] {_mirror()} unstable main\n")
    _unpack(
        ODOO_PACKAGES,
        paths.DEBIAN_ROOT,
        private,
        "-o", f"Dir::Etc::SourceList={source_list}",
        "-o", "Dir::Etc::SourceParts=/dev/null",
        what="Odoo 19 (about 125 MB)",
        advice="Check the network, or set ODOO_PATH to an Odoo 19 checkout.",
    )  # fmt: skip


def _unpack(
    packages: Iterable[str], target: Path, private: Path, *sources: str, what: str, advice: str
) -> None:
    """Download packages and unpack them into a folder of their own; this needs no root.

    :param private: folder for apt's lists and archives
    :param sources: apt's options that say where from, by default where this machine gets its own
    """
    started = time.monotonic()
    for folder in ("lists/partial", "archives/partial"):
        (private / folder).mkdir(parents=True, exist_ok=True)
    options = [
        *sources,
        "-o", f"Dir::State::Lists={private / 'lists'}",
        "-o", f"Dir::Cache={private}",
        "-o", "APT::Sandbox::User=",
    ]  # fmt: skip
    console.run(
        ["apt-get", "update", *options],
        what="Reading Debian's package list",
        log="apt-update",
        advice=advice,
    )
    archives = private / "archives"
    console.run(
        ["apt-get", "download", *options, *packages],
        what=f"Downloading {what}",
        log="apt-download",
        cwd=archives,
        advice=advice,
    )
    console.step(f"Unpacking {what}")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg", "-x", archive, target], check=True)
        archive.unlink()
    console.done("unpacked", started)


def _mirror() -> str:
    """Return the base address of the Debian mirror that this machine already uses."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    command += ["Created-By: Packages", "Origin: Debian", "Label: Debian"]
    found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    if not found:
        raise Trouble(
            "apt knows no Debian mirror on this machine. Run apt-get update once, or set ODOO_PATH "
            "to an Odoo 19 checkout."
        )
    return found[0]


def _add_missing_file(unpacked: Path) -> None:
    target = unpacked / "odoo/addons" / SEGMENTATION
    if target.exists():
        return
    if not shutil.which("npm"):
        raise Trouble(
            "npm is missing: install Node.js (package npm), it brings one file of the web client."
        )
    scratch = paths.DOWNLOADS / "npm"
    scratch.mkdir(parents=True, exist_ok=True)
    console.run(
        ["npm", "pack", "--silent", SEGMENTATION_PACKAGE],
        what="Fetching the one file of the web client that Debian leaves out",
        log="npm-pack",
        cwd=scratch,
        advice="Check the network and run the same command again.",
    )
    archive = next(scratch.glob("*.tgz"))
    with tarfile.open(archive) as package:
        content = package.extractfile("package/selfie_segmentation.js").read()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def find(program: str) -> str | None:
    """Return the path of a program, also where only root's path has it."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")


def dovecot_libexec() -> Path | None:
    """Return the folder of Dovecot's own programs, None without Dovecot."""
    doveconf = find("doveconf")
    if not doveconf:
        return None
    command = [doveconf, "-h", "-d", "libexec_dir"]
    return Path(subprocess.run(command, capture_output=True, text=True).stdout.strip())


def pop3_programs() -> Path | None:
    """Return the folder of Dovecot's POP3 server, installed or unpacked; None if there is none."""
    for folder in (dovecot_libexec(), POP3_ROOT / "usr/lib/dovecot"):
        if folder and (folder / "pop3-login").exists():
            return folder
    return None


def ensure_pop3() -> None:
    """Unpack Dovecot's POP3 server beside us if this machine's Dovecot came without it.

    It must be of the very version of the rest. Where Dovecot is not Debian's, POP3 is left out.
    """
    if pop3_programs() or not shutil.which("dpkg-query"):
        return
    command = ["dpkg-query", "-W", "-f", "${Version}", "dovecot-core"]
    version = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    if version:
        _unpack(
            [f"dovecot-pop3d={version}"],
            POP3_ROOT,
            paths.DOWNLOADS / "apt-system",
            what="Dovecot's POP3 server",
            advice="Check the network, or run: sudo apt-get install dovecot-pop3d",
        )


def ensure_programs(*names: str) -> None:
    """Install the Debian packages of the named programs if they are not there."""
    _install(*names)
    if "dovecot" in names:
        ensure_pop3()


def _install(*names: str) -> None:
    missing = [PROGRAMS[name] for name in names if not find(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    by_hand = f"run: sudo apt-get install {' '.join(missing)}"
    if os.geteuid():
        if (
            not shutil.which("sudo")
            or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
        ):
            raise Trouble(f"{', '.join(missing)} missing and only root may install; {by_hand}")
        command = ["sudo", "-n", *command]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    prefix = command[: command.index("apt-get")]
    console.run(
        [*prefix, "apt-get", "update"],
        what="Reading this machine's package list",
        log="apt-update-system",
        advice=f"Check the network, or {by_hand}",
    )
    console.run(
        command,
        what=f"Installing {', '.join(missing)} from Debian",
        log="apt-install",
        env=environment,
        advice=f"Check the network, or {by_hand}",
    )
