from dataclasses import dataclass

from odoo import api, fields, models, tools
from odoo.fields import Domain
from odoo.tools import email_normalize, email_normalize_all

from ...tools import address_token
from ...tools.address_token import ADDRESS, BOUNCE, KEY_NUMBERS, PARTNER, Key, Token

NOTHING = {
    "state": "none",
    "kind": False,
    "message_id": False,
    "partner_id": False,
    "address_hash": False,
    "delivery_id": False,
}


@dataclass(frozen=True)
class Place:
    """Where the answers of an alias domain return to.

    :param mode: ``plus`` or ``wildcard``
    :param domain: that of the addresses
    """

    mode: str
    catchall: str
    bounce: str
    domain: str

    def address(self, alias, word):
        local_part = word if self.mode == "wildcard" else f"{alias}+{word}"
        return f"{local_part}@{self.domain}"


class NotifyReturnAddress(models.AbstractModel):
    """Addresses that say where an answer or a bounce belongs, signed."""

    _name = "notify.return.address"
    _description = "Return Address"

    # ------------------------------------------------------------
    # WRITE
    # ------------------------------------------------------------

    @api.model
    def _reply_address(self, message, recipient, company):
        """Return where one recipient's answer to a message goes.

        :param message: ``mail.message``
        :param recipient: ``res.partner``, or an address as text, or nothing if nobody is meant
        :param company: whose alias domain counts if the message has none
        :return: e.g. ``"catchall+r44k2f33m7w…@company.example"``; False in plain mode: Odoo's own
            Reply-To stays
        """
        if not self._book()["places"] or not message:
            return False
        message = message.sudo()
        place = self._place(message.record_alias_domain_id or company.alias_domain_id)
        if not place:
            return False
        if isinstance(recipient, str):
            token = Token(ADDRESS, message.id, address_hash=self._address_hash(recipient))
        else:
            token = Token(PARTNER, message.id, recipient.id if recipient else 0)
        return self._address(place, place.catchall, token)

    @api.model
    def _return_path(self, delivery_id, alias_domain):
        """Return where the bounce of one delivery goes (VERP).

        :param alias_domain: ``mail.alias.domain``
        :return: e.g. ``"bounce+b43k2f…@company.example"``; False in plain mode
        """
        place = self._place(alias_domain)
        return place and self._address(place, place.bounce, Token(BOUNCE, delivery_id))

    @api.model
    def _place(self, alias_domain):
        return self._book()["places"].get(alias_domain.id, False)

    @api.model
    def _address(self, place, alias, token):
        """Return an address, False if none can be made: without a key, or longer than allowed."""
        key = self._book()["current"]
        if not key:
            return False
        address = place.address(alias, address_token.sign(token, key))
        too_long = len(address.partition("@")[0]) > address_token.LOCAL_PART_LENGTH
        return False if too_long else address

    @api.model
    def _alias_length(self):
        """Return how long an alias can be for a token to fit behind its plus sign."""
        return address_token.LOCAL_PART_LENGTH - len("+") - address_token.LENGTH

    # ------------------------------------------------------------
    # READ
    # ------------------------------------------------------------

    @api.model
    def _read(self, address):
        """Return what an address says, whatever was done to it on its way.

        :param address: an address or any text that may hold one
        :return: e.g. ``{"state": "valid", "kind": "reply", "message_id": 12, "partner_id": 3,
            "address_hash": False, "delivery_id": False}``. ``state`` is ``none``, ``valid``,
            ``tampered`` or ``expired``; all else is False unless it is valid. ``kind`` is
            ``reply`` or ``bounce``
        """
        if not isinstance(address, str) or not address:
            return dict(NOTHING)
        book = self._book()
        reading = address_token.read(address, book["keys"], fields.Datetime.now(), book["domains"])
        result = dict(NOTHING, state=reading.state)
        if reading.token:
            result.update(self._values(reading.token))
        return result

    @api.model
    def _values(self, token):
        if token.kind == BOUNCE:
            return {"kind": "bounce", "delivery_id": token.number}
        return {
            "kind": "reply",
            "message_id": token.number,
            "partner_id": token.partner_id or False,
            "address_hash": token.address_hash or False,
        }

    @api.model
    def _read_all(self, addresses):
        """Return what the addresses of one mail say together, see :meth:`_read`.

        A valid one counts most, then a tampered, then an expired one.
        """
        readings = [self._read(address) for address in addresses or ()]
        for state in ("valid", "tampered", "expired"):
            for reading in readings:
                if reading["state"] == state:
                    return reading
        return dict(NOTHING)

    @api.model
    def _address_hash(self, address):
        """Return the short name of an address (or of several) that tokens bear."""
        normalized = email_normalize_all(address) or [email_normalize(address) or address]
        return address_token.address_hash(",".join(sorted(normalized)))

    @api.model
    def _is_alias(self, address):
        """Tell whether an address is an alias; a query once, until an alias changes."""
        try:
            return bool(self._alias_id(address))
        except LookupError:
            return False

    @api.model
    @tools.ormcache("address")
    def _alias_id(self, address):
        """Return the id of the alias with an address.

        :raise LookupError: if there is none, which is not remembered: a new alias, as each new team
            and project has one, need not empty Odoo's caches
        """
        alias = self.env["mail.alias"].sudo().search([("alias_full_name", "=", address)], limit=1)
        if not alias:
            raise LookupError(address)
        return alias.id

    # ------------------------------------------------------------
    # SETTINGS, read once
    # ------------------------------------------------------------

    @tools.ormcache(cache="stable")
    def _book(self):
        """Return what the addresses are made of, empty places if all domains are plain.

        :return: ``{"places": {alias domain id: Place}, "own": {"catchall@company.example"},
            "names": {"company.example"}, "domains": ["company.example"], "keys": {number: Key},
            "current": Key or None}``. ``own`` are addresses that belong to no document,
            ``domains`` has those in plain mode as well: what left before is still answered.
        """
        keys = {
            key.number: Key(key.number, bytes.fromhex(key.secret), key.valid_until or None)
            for key in self.env["notify.return.key"].sudo().search([], limit=KEY_NUMBERS)
        }
        alias_domains = self.env["mail.alias.domain"].sudo().search(Domain.TRUE)
        return {
            "places": {
                domain.id: Place(
                    domain.notify_return_mode,
                    domain.catchall_alias,
                    domain.bounce_alias,
                    domain.notify_return_domain
                    if domain.notify_return_mode == "wildcard"
                    else domain.name,
                )
                for domain in alias_domains
                if domain.notify_return_mode != "plain"
            },
            "own": {
                domain[name]
                for domain in alias_domains
                for name in ("catchall_email", "bounce_email", "default_from_email")
                if domain[name]
            },
            "names": set(alias_domains.mapped("name")),
            "domains": [
                *filter(None, alias_domains.mapped("notify_return_domain")),
                *alias_domains.mapped("name"),
            ],
            "keys": keys,
            "current": next((key for key in keys.values() if key.until is None), None),
        }
