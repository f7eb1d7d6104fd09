"""A name server on loopback that knows what a test tells it, and fails on demand::

    with DnsStub({"company.example": {"TXT": ["v=spf1 ip4:203.0.113.5 -all"]}}) as dns:
        dns.zone["_dmarc.company.example"] = {"TXT": ["v=DMARC1; p=reject"]}
        …  # ask dns.address, e.g. "127.0.0.1:40123"

A name that has records exists, and so do those above it; other names do not (NXDOMAIN).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"
TTL = 60

#: Record type → values in presentation form; TXT values are quoted here.
Records = Mapping[str, list[str]]


class DnsStub:
    """A name server; start it as a context manager.

    :param dict zone: name → records. It may be changed while the server runs
    """

    def __init__(self, zone: Mapping[str, Records] | None = None):
        self.zone: dict[str, Records] = dict(zone or {})
        #: Every question so far: ``("company.example", "TXT")``.
        self.asked: list[tuple[str, str]] = []
        #: ``silent`` answers nothing, ``broken`` answers SERVFAIL.
        self.mood: str = "well"
        self.port = 0
        self._socket: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def __enter__(self) -> DnsStub:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, self.port))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        # An empty datagram ends the loop: closing a socket does not wake who reads from it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", (HOST, self.port))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            question = dns.message.from_wire(data)
            name = question.question[0].name.to_text(omit_final_dot=True).lower()
            self.asked.append((name, dns.rdatatype.to_text(question.question[0].rdtype)))
            if self.mood != "silent":
                with contextlib.suppress(OSError):
                    self._socket.sendto(self._answer(question, name).to_wire(), client)

    def _answer(self, question: dns.message.Message, name: str) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        asked = question.question[0]
        if self.mood == "broken":
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        records = {known.lower(): records for known, records in self.zone.items()}
        kind = dns.rdatatype.to_text(asked.rdtype)
        values = records.get(name, {}).get(kind, [])
        if values:
            if kind == "TXT":
                values = [_quoted(value) for value in values]
            answer.answer.append(
                dns.rrset.from_text_list(asked.name, TTL, asked.rdclass, asked.rdtype, values)
            )
        elif not any(known == name or known.endswith(f".{name}") for known in records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def _quoted(text: str) -> str:
    """Return a text as the strings of a TXT record, none longer than 255 octets."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return " ".join(
        f'"{escaped[start : start + 250]}"' for start in range(0, max(len(escaped), 1), 250)
    )
