import hmac

from odoo import http
from odoo.http import request

#: Answers of the health page.
OK, FORBIDDEN, UNAVAILABLE = 200, 403, 503


class HealthController(http.Controller):
    """What a monitoring program asks."""

    @http.route(
        "/notify_routing/health",
        type="http",
        auth="public",
        methods=["GET"],
        save_session=False,
        readonly=True,
    )
    def health(self, token=""):
        """Tell how the set-up was at its last check; see ``notify.check._health`` for the answer.

        Nothing is checked anew, so that asking often costs little and moves nothing. The token goes
        into the header ``Authorization: Bearer …``, or into the address where that cannot be set.

        :return: 200 with the state green, amber or none; 503 if it is red; 403 without the token
        """
        known = request.env["ir.config_parameter"].sudo().get_param("notify_routing.health_token")
        scheme, _blank, given = request.httprequest.headers.get("Authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else token
        # Compared as bytes: other characters than ASCII in a text would raise.
        if not known or not hmac.compare_digest(given.encode(), known.encode()):
            return request.make_json_response({"error": "forbidden"}, status=FORBIDDEN)
        health = request.env["notify.check"].sudo()._health()
        status = UNAVAILABLE if health["state"] == "red" else OK
        headers = [("Cache-Control", "no-store")]
        return request.make_json_response(health, headers=headers, status=status)
