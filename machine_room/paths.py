"""Where things are. All that is made or downloaded lives in one folder that git ignores."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: ``NOTIFY_CACHE`` lets several checkouts share their downloads and template databases.
CACHE = Path(os.environ.get("NOTIFY_CACHE") or ROOT / ".cache").resolve()
DOWNLOADS = CACHE / "downloads"
LOGS = CACHE / "logs"
DEBIAN_ROOT = CACHE / "debian"
REQUIREMENTS = ROOT / "requirements"


def fingerprint(*parts: object) -> str:
    """Return ten characters that change when any of the parts (texts, or files by content) does."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:10]
