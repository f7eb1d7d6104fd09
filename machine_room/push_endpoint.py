"""A push service on loopback: what browsers' vendors run, as far as a sender can tell.

It takes web pushes (RFC 8030), checks who signed them (VAPID, RFC 8292), decrypts them as the
browser would (RFC 8291 and RFC 8188) and keeps them in a list::

    with PushEndpoint() as endpoint:
        ben = endpoint.device("ben")
        env["mail.push.device"].create({"partner_id": …, **ben.registration})
        …
        assert ben.received[0]["title"] == "Anna: RFI-0001"
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CURVE = ec.SECP256R1()


class Device:
    """A browser that allowed pushes: its keys, and what arrived.

    :param str url: where the push service takes pushes for it
    """

    def __init__(self, url: str):
        self.url = url
        self.private_key = ec.generate_private_key(CURVE)
        self.auth = os.urandom(16)
        #: Decrypted payloads, oldest first.
        self.received: list[dict] = []
        #: HTTP status of the answers; ``None`` for no answer at all.
        self.answer: int | None = 201

    @property
    def registration(self) -> dict[str, str]:
        """What the browser tells Odoo: values of ``mail.push.device``."""
        keys = {
            "p256dh": _encode(_point(self.private_key.public_key())),
            "auth": _encode(self.auth),
        }
        return {"endpoint": self.url, "keys": json.dumps(keys)}

    def decrypt(self, body: bytes) -> bytes:
        """Return the content of an encrypted push.

        :raise cryptography.exceptions.InvalidTag: if it is not meant for this device
        """
        salt, record_size, key_length = struct.unpack("!16sLB", body[:21])
        sender_point, records = body[21 : 21 + key_length], body[21 + key_length :]
        sender = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender_point)
        own_point = _point(self.private_key.public_key())
        shared = self.private_key.exchange(ec.ECDH(), sender)
        info = b"WebPush: info\x00" + own_point + sender_point
        secret = _hkdf(self.auth, shared, info, 32)
        key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
        base = int.from_bytes(_hkdf(salt, secret, b"Content-Encoding: nonce\x00", 12), "big")
        content = b""
        for number, start in enumerate(range(0, len(records), record_size)):
            nonce = (base ^ number).to_bytes(12, "big")
            record = AESGCM(key).decrypt(nonce, records[start : start + record_size], None)
            # A delimiter ends the content of a record, padding may follow.
            content += record.rstrip(b"\x00")[:-1]
        return content


class PushEndpoint:
    """The push service; a context manager. It listens on a free port of loopback."""

    def __enter__(self) -> PushEndpoint:
        self.devices: dict[str, Device] = {}
        #: What was refused, and why.
        self.refused: list[str] = []
        self._closing = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                endpoint._take(self)

            def log_message(self, *_arguments):
                """Keep quiet: what counts is in the lists."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """Scheme, host and port, as pushes must be signed for."""
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}"

    def device(self, name: str) -> Device:
        """Register a new device."""
        device = Device(f"{self.origin}/{name}")
        self.devices[f"/{name}"] = device
        return device

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        device = self.devices.get(request.path)
        answer = device.answer if device else 404
        if answer is None:
            self._closing.wait()
            return
        if device and answer == 201:
            try:
                verify(request.headers["Authorization"], self.origin)
                device.received.append(json.loads(device.decrypt(body)))
            except Exception as error:  # noqa: BLE001  whatever is wrong with a push is the sender's
                self.refused.append(repr(error))
                answer = 403
        request.send_response(answer)
        request.send_header("Content-Length", "0")
        request.end_headers()


def verify(authorization: str, origin: str) -> None:
    """Check the signature of a push.

    :param authorization: header, ``vapid t=<token>, k=<public key>``
    :raise ValueError: if it is signed for somebody else, or not at all
    """
    kind, _space, parameters = authorization.partition(" ")
    fields = dict(part.strip().split("=", 1) for part in parameters.split(","))
    signed, _dot, signature = fields["t"].rpartition(".")
    raw = _decode(signature)
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, _decode(fields["k"]))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ValueError("not signed with the key that it names") from error
    claims = json.loads(_decode(signed.split(".")[1]))
    if kind != "vapid" or claims["aud"] != origin:
        raise ValueError(f"signed for {claims['aud']}, not for {origin}")


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """Derive a key (RFC 5869); one block is enough for all that are needed."""
    extracted = hmac.new(salt, secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()[:length]


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decode(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "==")
