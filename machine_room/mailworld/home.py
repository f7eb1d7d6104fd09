"""Where a mail world keeps its files, and the account that Dovecot runs as.

Dovecot gives root no mail. So for root everything runs and belongs to the unprivileged account of
:func:`keeper`, for anybody else to themselves; then there is one way to run it, not two.
"""

from __future__ import annotations

import functools
import grp
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .. import paths
from ..console import Trouble

PREFIX = "mailworld-"
#: A Unix socket's path has 107 octets at most; the folder's name and Dovecot need 27 and 36.
LONGEST = 44


@dataclass(frozen=True)
class Keeper:
    """The account that owns the mail."""

    user: str
    group: str
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make the keeper the owner of a file or folder; only root can, and needs to."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def may_enter(self, folder: Path) -> bool:
        """Say whether the keeper can get to what lies in a folder."""
        if self.uid == os.geteuid():
            return True
        for step in (folder, *folder.parents):
            status = step.stat()
            bit = (
                0o100
                if status.st_uid == self.uid
                else 0o010
                if status.st_gid == self.gid
                else 0o001
            )
            if not status.st_mode & bit:
                return False
        return True


@functools.cache
def keeper() -> Keeper:
    """Return the account to use: ``nobody`` for root, else the one that runs this."""
    try:
        account = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
        group = grp.getgrgid(account.pw_gid)
    except KeyError as error:
        raise Trouble(
            "Dovecot runs only under an account that has a name: run this as a user that "
            "the machine knows, or as root where the account nobody is there."
        ) from error
    return Keeper(account.pw_name, group.gr_name, account.pw_uid, account.pw_gid)


def make() -> Path:
    """Make and return a fresh folder that the keeper owns.

    It is in the cache, unless that is too deep for a socket or closed to the keeper (a checkout in
    root's home is); then it is among the temporary files.
    """
    parent = paths.CACHE / "mailworld"
    parent.mkdir(parents=True, exist_ok=True)
    if len(os.fsencode(parent)) > LONGEST or not keeper().may_enter(parent):
        parent = Path(tempfile.gettempdir())
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    keeper().give(folder)
    return folder


def _sweep(parent: Path) -> None:
    """Remove what killed processes left behind."""
    for folder in parent.glob(f"{PREFIX}*-*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, PermissionError):
            continue
