"""Whatever comes in is posted where it belongs, or kept: never lost, never on a wrong document."""

import os
import random
import unittest
from pathlib import Path

from odoo.tests import tagged

from odoo.addons.mail.tests.common import MailCommon

SAMPLES = Path(os.__file__).parent / "test" / "test_email" / "data"
#: Set NOTIFY_FUZZ=10000 for a long run.
CASES = int(os.environ.get("NOTIFY_FUZZ", "60"))


@tagged("post_install", "-at_install")
class TestIntakeFuzz(MailCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mail_alias_domain.notify_return_mode = "plus"
        cls.first, cls.second = cls.env["res.partner"].create(
            [{"name": "First", "email": "first@customer.example"}, {"name": "Second"}]
        )
        cls.messages = [
            document.message_post(body="Hello", subtype_xmlid="mail.mt_comment")
            for document in (cls.first, cls.second)
        ]
        cls.addresses = [
            cls.env["notify.return.address"]._reply_address(
                message, cls.first, cls.env.ref("base.main_company")
            )
            for message in cls.messages
        ]

    def take(self, raw):
        """Do with a message what a worker does, without its commits; return its row."""
        row = self.env["notify.intake"]._store([raw])
        self.assertEqual(len(row), 1)
        try:
            with self.env.cr.savepoint():
                row._route()
        except Exception as error:  # noqa: BLE001, that is the question
            row.invalidate_recordset()
            row.tries = 3
            row._note(error)
        self.assertIn(row.state, ("done", "quarantine"))
        if row.state == "quarantine":
            self.assertEqual(row._octets(), raw)
        return row

    def is_on(self, document, row):
        message = row.mail_message_id
        self.assertEqual((message.model, message.res_id), (document._name, document.id))

    @staticmethod
    def word(address):
        """Return the signed word of a return address."""
        return address.partition("@")[0].partition("+")[2]

    @unittest.skipUnless(SAMPLES.is_dir(), "Python came without its tests")
    def test_samples_of_python_are_kept(self):
        with self.mock_mail_gateway():
            for path in sorted(SAMPLES.glob("msg_*.txt")):
                with self.subTest(path.stem):
                    # Some share an id, or have none.
                    raw = b"X-Sample: %s\n" % path.stem.encode() + path.read_bytes()
                    raw = raw.replace(b"Message-ID:", b"X-Id:").replace(b"Message-Id:", b"X-Id:")
                    self.assertNotEqual(self.take(raw).outcome, "posted")

    def test_changed_return_addresses_never_lead_to_a_wrong_document(self):
        dice = random.Random(19)
        alphabet = "0123456789abcdefghjkmnpqrstvwxyz+@=.-ABC "
        with self.mock_mail_gateway():
            for number in range(CASES):
                address = self.addresses[0]
                changed = list(address)
                for _change in range(dice.randint(0, 2)):
                    place = dice.randrange(len(changed))
                    what = dice.choice(("replace", "drop", "insert", "upper", "splice"))
                    if what == "replace":
                        changed[place] = dice.choice(alphabet)
                    elif what == "drop":
                        del changed[place]
                    elif what == "insert":
                        changed.insert(place, dice.choice(alphabet))
                    elif what == "upper":
                        changed[place:] = "".join(changed[place:]).upper()
                    else:
                        # A piece of the other document's address.
                        changed[place:] = self.addresses[1][place:]
                to = "".join(changed)
                raw = (
                    f"From: first@customer.example\nTo: {to}\nSubject: Re\n"
                    f"Message-ID: <{number}.fuzz@customer.example>\n\nNumber {number}\n"
                ).encode()
                with self.subTest(to=to):
                    row = self.take(raw)
                    if row.outcome == "posted":
                        swapped = self.word(self.addresses[1]) in to.lower()
                        self.assertTrue(swapped or self.word(self.addresses[0]) in to.lower())
                        self.is_on(self.second if swapped else self.first, row)

    def test_broken_messages_are_posted_or_kept(self):
        dice = random.Random(7)
        whole = (
            f"From: =?utf-8?q?F=C3=BC?= <first@customer.example>\nTo: {self.addresses[0]}\n"
            "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\nMIME-Version: 1.0\n"
            "Date: Sun, 22 Nov 2026 08:00:00 +0100\n"
            'Content-Type: multipart/mixed; boundary="b"\n\n'
            "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
            "--c\nContent-Type: text/plain; charset=utf-8\n\nHello\n"
            "--c\nContent-Type: text/html; charset=utf-8\n\n<p>Hello<br/>you</p>\n--c--\n"
            '--b\nContent-Type: application/pdf; name="a.pdf"\n'
            "Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf\n"
            "Content-Transfer-Encoding: base64\n\nJVBERg==\n--b--\n"
        ).encode()
        pieces = [
            b"\x00",
            b"\xff",
            b"--b",
            b"\n",
            b"\n\n",
            b'"',
            b";",
            b"charset=x",
            b"=?",
            b"<",
            b":",
        ]
        with self.mock_mail_gateway():
            for number in range(CASES):
                octets = bytearray(whole)
                for _change in range(dice.randint(1, 6)):
                    place = dice.randrange(len(octets))
                    size = dice.choice((0, 1, 5, 40))
                    octets[place : place + size] = dice.choice(pieces)
                raw = b"Message-ID: <%d.broken@customer.example>\n" % number + bytes(octets)
                with self.subTest(raw=raw):
                    row = self.take(raw)
                    if row.outcome == "posted":
                        self.is_on(self.first, row)
