"""What a mail server says about a mail of ours: failed, delayed, passed on, or complained about.

The reports of RFC 3464 come first; servers that write in prose are read by flufl.bounce. Complaints
are the feedback reports of RFC 5965 (ARF).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email import message_from_string, policy
from email.message import Message
from typing import Literal

from flufl.bounce import all_failures

from . import headers

Kind = Literal["failed", "delayed", "passed", "read", "complaint"]

_ACTIONS: dict[str, Kind] = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "passed",
    "relayed": "passed",
    "expanded": "passed",
}
#: The gravest first: a notice about several addresses counts as the gravest of its reports.
_ORDER: tuple[Kind, ...] = ("complaint", "failed", "delayed", "read", "passed")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"\b([245]\d\d)(?=[ -])")
#: Addresses that do not exist or are closed (RFC 3463; 5.4.1 and 5.5.0 are how Microsoft says so);
#: anything else may work tomorrow.
_HARD = re.compile(r"5\.1\.(?!7|8)\d+|5\.2\.1|5\.4\.1|5\.5\.0|5\.0\.0")
_TEXT_LIMIT = 500


@dataclass(frozen=True)
class Report:
    """What happened to a mail to one address.

    :param str address: in lower case, ``""`` if the server does not say
    :param str status: enhanced status code, e.g. ``"5.1.1"``, or ``""``
    :param int code: SMTP code, e.g. 550, or 0
    :param str text: what the other server said
    :param bool hard: the address does not exist; else it may work tomorrow
    """

    kind: Kind
    address: str = ""
    status: str = ""
    code: int = 0
    text: str = ""
    hard: bool = False

    @property
    def sentence(self) -> str:
        """Code and text as a person reads them, e.g. ``"550 5.1.1 No such user"``."""
        parts = [str(self.code or ""), self.status, self.text]
        return " ".join(
            part for part, rest in zip(parts, (self.text, self.text, ""), strict=True)
            if part and part not in rest
        )  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """A mail server's message about a mail of ours.

    :param tuple message_ids: ids of the mail it is about, e.g. ``("<1@company.example>",)``
    :param tuple addresses: where that mail was to be answered, or sent back; they may hold a token
    """

    reports: tuple[Report, ...]
    message_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return min((report.kind for report in self.reports), key=_ORDER.index)

    def report(self, address: str = "") -> Report:
        """Return the gravest report about an address, or of all if there is none about it."""
        chosen = [report for report in self.reports if address and report.address == address]
        return min(chosen or self.reports, key=lambda report: _ORDER.index(report.kind))


def read(message: Message) -> Notice | None:
    """Return what a message says about a mail of ours, or None if it is no such notice."""
    # Below the top, a report is only something that a person sends on.
    from_server = message.get_content_type() == "multipart/report" or is_from_daemon(message)
    reports = []
    if from_server:
        reports = _complaints(message) or _delivery_reports(message) or _receipts(message)
    if not reports and is_from_daemon(message):
        reports = _prose(message)
    if not reports:
        return None
    original = _original(message)
    ids = _ids(original) if original is not None else ()
    found = (
        headers.addresses(original, "Return-Path", "Reply-To", "X-Failed-Recipients")
        if original is not None
        else []
    )
    return Notice(tuple(reports), ids, tuple(found))


# ------------------------------------------------------------
# RFC 3464
# ------------------------------------------------------------


def _delivery_reports(message: Message) -> list[Report]:
    found = []
    for block in _blocks(message, "message/delivery-status"):
        kind = _ACTIONS.get(headers.words(block, "Action"))
        if kind is None:
            continue
        address = ""
        for name in ("Original-Recipient", "Final-Recipient"):
            _type, _semicolon, value = headers.first(block, name).rpartition(";")
            if "@" in value and (address == "" or name == "Original-Recipient"):
                address = value.strip().strip("<>").lower()
        diagnostic = headers.first(block, "Diagnostic-Code").partition(";")[2].strip()
        found.append(_report(kind, address, headers.first(block, "Status"), diagnostic))
    return found


def _report(kind: Kind, address: str, status: str, text: str) -> Report:
    text = " ".join(headers.readable(text).split())[:_TEXT_LIMIT]
    # The last server's own status says more than the class that the reporting one made of it.
    inner = _STATUS.search(text)
    outer = _STATUS.search(status)
    status = (inner or outer).group() if inner or outer else ""
    code = _CODE.search(text + " ")
    number = int(code.group(1)) if code else 0
    hard = kind == "failed" and (
        bool(_HARD.fullmatch(status)) if status else number in (0, 550, 551, 553)
    )
    return Report(kind, address, status, number, text, hard)


def _blocks(message: Message, kind: str) -> list[Message]:
    """Return the groups of fields of a report's machine-readable part."""
    for part in message.walk():
        if part.get_content_type() == kind:
            payload = part.get_payload()
            if isinstance(payload, list):
                return [block for block in payload if isinstance(block, Message)]
            text = _text(part)
            return [
                message_from_string(group, policy=policy.compat32)
                for group in re.split(r"\r?\n\s*\r?\n", text.strip())
            ]
    return []


def _receipts(message: Message) -> list[Report]:
    """Read receipts (RFC 8098), which Odoo takes for bounces."""
    found = []
    for block in _blocks(message, "message/disposition-notification"):
        address = headers.first(block, "Final-Recipient").rpartition(";")[2].strip().lower()
        done = headers.words(block, "Disposition").rpartition(";")[2].strip()
        if done:
            found.append(Report("read" if done == "displayed" else "passed", address, text=done))
    return found


# ------------------------------------------------------------
# RFC 5965
# ------------------------------------------------------------


def _complaints(message: Message) -> list[Report]:
    found = []
    for block in _blocks(message, "message/feedback-report"):
        feedback = headers.words(block, "Feedback-Type")
        if not feedback:
            continue
        if feedback == "not-spam":
            return []
        text = f"{feedback}: {headers.first(block, 'User-Agent')}"
        given = headers.addresses(block, "Original-Rcpt-To", "Removal-Recipient")
        found += [
            Report("complaint", address.lower(), text=text) for address in given or [""]
        ]  # fmt: skip
    if found and not any(report.address for report in found):
        original = _original(message)
        to = headers.addresses(original, "To", "Delivered-To") if original is not None else []
        if len(to) == 1:
            found = [replace(report, address=to[0].lower()) for report in found]
    return found


# ------------------------------------------------------------
# PROSE
# ------------------------------------------------------------


def is_from_daemon(message: Message) -> bool:
    """Tell whether only a mail server writes such a message; else a person who quotes a failure
    would be taken for one."""
    sender = (headers.addresses(message, "From") or [""])[0].lower().partition("@")[0]
    return (
        sender in ("mailer-daemon", "postmaster", "mail-daemon", "mdaemon")
        or bool(headers.first(message, "X-Failed-Recipients"))
        # Some write their Content-Type so that nobody can parse it.
        or "report-type=delivery-status" in headers.first(message, "Content-Type").lower()
        or (
            headers.first(message, "Return-Path").replace(" ", "") == "<>"
            and headers.words(message, "Auto-Submitted") != "auto-replied"
        )
    )


def _prose(message: Message) -> list[Report]:
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001, its detectors trust what they read
        temporary, permanent = frozenset(), frozenset()
    failed = {_plain(address) for address in permanent}
    failed |= {address.lower() for address in headers.addresses(message, "X-Failed-Recipients")}
    text = _answer_in(_text(message))
    return [
        *(_report("failed", address, "", text) for address in sorted(failed)),
        *(_report("delayed", _plain(address), "", text) for address in sorted(temporary)),
    ]


def _plain(address: bytes | str) -> str:
    return (address.decode("ascii", "replace") if isinstance(address, bytes) else address).lower()


def _answer_in(text: str) -> str:
    """Return the line of a text that looks like an SMTP answer, with what follows it."""
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines):
        if _STATUS.search(line) or re.search(r"\b[45]\d\d[ -]", line):
            return " ".join(lines[number : number + 3])
    return ""


# ------------------------------------------------------------
# THE MAIL THAT IT IS ABOUT
# ------------------------------------------------------------


def _original(message: Message) -> Message | None:
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            payload = part.get_payload()
            return payload[0] if isinstance(payload, list) and payload else None
        if kind in ("text/rfc822-headers", "message/rfc822-headers"):
            return message_from_string(_text(part), policy=policy.compat32)
    # Exim and others put the mail, or its head, below the prose.
    quoted = re.search(r"^Message-ID:\s*<[^>\s]+>", _text(message), re.I | re.M)
    return message_from_string(quoted.group(), policy=policy.compat32) if quoted else None


def _ids(original: Message) -> tuple[str, ...]:
    found = [
        identifier
        for name in ("Message-Id", "X-Microsoft-Original-Message-ID")
        for value in headers.raw_values(original, name)
        for identifier in re.findall(r"<[^<>\s]+>", value)
    ]
    return tuple(dict.fromkeys(found))


def _text(message: Message) -> str:
    """Return the first readable text of a message or a part, whatever its charset says."""
    for part in message.walk():
        if part.get_content_maintype() == "text" or not part.is_multipart():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content.decode("utf-8", "replace").replace("\x00", "")
    return ""
