from odoo import api, models

from ...tools.decision import SUPPRESSED


class NotifyRouter(models.AbstractModel):
    """Who cannot be reached by e-mail is seen before anything is sent."""

    _inherit = "notify.router"

    @api.model
    def _preview_person(self, recipient):
        """Add ``fault``: what is wrong with the address that a mail would go to, or False."""
        person = super()._preview_person(recipient)
        by_mail = "email" in person["channels"]
        fault = by_mail and self.env["res.partner"]._notify_fault_of(person["email"])
        return {**person, "fault": fault}

    @api.model
    def _row(self, recipient, channels):
        """Say of who has a bad address that no e-mail reaches them, whoever decided to send it."""
        row = super()._row(recipient, channels)
        fault = self.env["res.partner"]._notify_fault_of(row["email"])
        for channel in row["channels"] if fault else ():
            if channel["channel"] == "email" and channel["state"] != SUPPRESSED:
                channel.update(
                    state=SUPPRESSED,
                    state_name=self._state_names()[SUPPRESSED],
                    sentence=self.env._("has a bad address: %(fault)s", fault=fault),
                )
        row["told"] = any(channel["state"] != SUPPRESSED for channel in row["channels"])
        return row
