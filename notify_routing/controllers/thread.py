from odoo import http
from odoo.http import request

from odoo.addons.mail.controllers.thread import ThreadController


class NotifyThreadController(ThreadController):
    """Door: the dialog in which a follower's events are chosen knows which ask for care."""

    @http.route()
    def read_subscription_data(self, follower_id):
        data = super().read_subscription_data(follower_id)
        # sudo: the follower was readable, its partner may belong to another company
        follower = request.env["mail.followers"].sudo().browse(follower_id)
        ids = request.env["notify.bell"]._internal_for(follower.partner_id, data["subtype_ids"])
        for values in data["store_data"]["mail.followers"]:
            values["notify_internal_ids"] = ids
        return data
