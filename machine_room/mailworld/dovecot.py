"""A private Dovecot on loopback that serves the Maildirs over IMAP, and POP3 if it has that."""

from __future__ import annotations

import contextlib
import imaplib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from .. import debian
from ..console import Trouble
from .certificate import Certificate, self_signed
from .dovecot_settings import OWN, configuration
from .home import keeper
from .maildirs import Maildirs

HOST = "127.0.0.1"
#: Seconds to wait for the greeting, and for the end.
PATIENCE = 15

#: Runs Dovecot until standard input is closed, which also happens when this process is killed. Its
#: sessions end at once when asked to; only its log process would take a second, in vain.
RUN = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(read -r _; kill $server; sleep 0.1; kill -9 $server) <&3 &
wait $server
"""


class Dovecot:
    """A server for the mailboxes of ``maildirs``; each name is a user, and all share one password.

    ``port`` takes passwords in clear, ``tls_port`` speaks TLS from the first octet, ``pop3_port``
    is None without Dovecot's POP3 server. Stopped, it can be started again on the same ports.

    :param Path folder: for its own files; its path must be short, as it holds sockets
    :param str settings: more of Dovecot's configuration, put at the end
    """

    def __init__(
        self,
        maildirs: Maildirs,
        folder: Path,
        password: str,
        *,
        certificate: Certificate | None = None,
        settings: str = "",
    ):
        self.maildirs = maildirs
        self.folder = folder
        self.password = password
        self.certificate = certificate
        self.settings = settings
        self.host = HOST
        self.port = 0
        self.tls_port = 0
        self.pop3_port: int | None = None
        self._process: subprocess.Popen | None = None

    @property
    def log(self) -> Path:
        return self.folder / "dovecot.log"

    # ------------------------------------------------------------
    # START AND STOP
    # ------------------------------------------------------------

    def start(self) -> Dovecot:
        """Start and wait for the greeting.

        :raise Trouble: if there is no Dovecot, or it does not start; with the end of its log
        """
        program = debian.find("dovecot")
        if program is None:
            raise Trouble(
                f"Dovecot is missing; run: sudo apt-get install {debian.PROGRAMS['dovecot']}"
            )
        version = ".".join(_version(program).split(".")[:2])
        if version not in OWN:
            known = " and ".join(OWN)
            raise Trouble(
                f"Dovecot {version} is not known here, only {known}; install one of them."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        keeper().give(self.folder)
        if self.certificate is None:
            self.certificate = self_signed(self.folder)
        self.log.touch()
        for path in (self.log, self.certificate.path, self.certificate.key):
            keeper().give(path)
        with contextlib.ExitStack() as reserved:
            self.port = reserved.enter_context(_reserve(self.port)).getsockname()[1]
            self.tls_port = reserved.enter_context(_reserve(self.tls_port)).getsockname()[1]
            if pop3 := self._pop3_programs():
                holder = reserved.enter_context(_reserve(self.pop3_port or 0))
                self.pop3_port = holder.getsockname()[1]
            file = self.folder / "dovecot.conf"
            file.write_text(self._configuration(version, pop3), encoding="utf-8")
            keeper().give(file)
            self._launch([program, "-F", "-c", str(file)])
            try:
                self._wait_for_greeting()
            except BaseException:
                self.stop()
                raise
        return self

    def _pop3_programs(self) -> Path | None:
        """Return the folder of the POP3 server, where the keeper may run it."""
        found = debian.pop3_programs()
        if found is None or found == debian.dovecot_libexec():
            return found
        folder = self.folder / "pop3"
        shutil.copytree(found, folder, dirs_exist_ok=True)
        for path in (folder, *folder.iterdir()):
            keeper().give(path)
        return folder

    def _configuration(self, version: str, pop3: Path | None) -> str:
        return configuration(
            version,
            self.settings,
            folder=self.folder,
            log=self.log,
            mail=self.maildirs.folder,
            host=self.host,
            keeper=keeper(),
            certificate=self.certificate,
            password=self.password,
            imap=self.port,
            imaps=self.tls_port,
            pop3=self.pop3_port,
            pop3_programs=pop3,
        )

    def _launch(self, command: list[str]) -> None:
        # Where this runs as somebody else already, that is the keeper.
        other = {}
        if os.geteuid() == 0:
            other = {"user": keeper().uid, "group": keeper().gid, "extra_groups": []}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", RUN, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **other,
            )

    def _wait_for_greeting(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as probe:
                    if probe.recv(64).startswith(b"* OK"):
                        return
            except OSError:
                pass
            time.sleep(0.01)
        tail = "\n".join(
            f"     {line}" for line in self.log.read_text(errors="replace").splitlines()[-8:]
        )
        raise Trouble(
            "Dovecot did not start. Check the settings it was given, or install it anew; "
            f"the end of its log:\n{tail}"
        )

    def stop(self) -> None:
        """End the server and everything that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        finally:
            # Until init gathers the dead they stay in the group, so its end cannot be waited for.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def __enter__(self) -> Dovecot:
        return self.start()

    def __exit__(self, *_error) -> None:
        self.stop()

    # ------------------------------------------------------------
    # CLIENTS
    # ------------------------------------------------------------

    def connect(self, mailbox: str, *, tls: bool = False, timeout: float = 10) -> imaplib.IMAP4:
        """Return a logged-in session; as a context manager it logs out at the end."""
        if tls:
            context = self.certificate.client_context()
            client = imaplib.IMAP4_SSL(
                self.host, self.tls_port, ssl_context=context, timeout=timeout
            )
        else:
            client = imaplib.IMAP4(self.host, self.port, timeout=timeout)
        try:
            client.login(mailbox, self.password)
        except BaseException:
            client.shutdown()
            raise
        return client


def _reserve(port: int) -> socket.socket:
    """Return a socket that holds a port, which Dovecot can listen on and nobody else is given."""
    holder = socket.socket()
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, port))
    except BaseException:
        holder.close()
        raise
    return holder


def _version(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
