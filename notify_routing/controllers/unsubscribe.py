from odoo import http
from odoo.http import request

from ..models.schedule.notify_unsubscribe import ALERT, ROUTE


class NotifyUnsubscribe(http.Controller):
    """Where the *unsubscribe* of a mail program leads (RFC 8058)."""

    # Mail programs post without having seen a page of ours: the signature stands for the session.
    @http.route(
        ROUTE, type="http", auth="public", methods=["GET", "POST"], csrf=False, save_session=False
    )
    def unsubscribe(self, user="", what="", token="", **_more):
        """Ask on GET, which programs call to look at a link; stop on POST."""
        review = request.env["notify.review"].sudo()
        target = review._unsubscribe_target(user, what, token)
        if not target:
            return request.render("notify_routing.unsubscribe", {"state": "wrong"}, status=404)
        person, document = target
        if request.httprequest.method == "POST":
            review._unsubscribe(person, document)
        page = request.env["ir.ui.view"].sudo().with_context(lang=person.lang or "en_US")
        alerts = document._deadline_names() if document and document._name == ALERT else ""
        name = alerts or (document.display_name if document else "")
        question = page.env._("Mute “%(document)s”?", document=name)
        answer = page.env._("“%(document)s” is muted", document=name)
        if alerts:
            question = page.env._("No more alerts of “%(deadline)s”?", deadline=name)
            answer = page.env._("No more alerts of “%(deadline)s”", deadline=name)
        values = {
            "state": "done" if request.httprequest.method == "POST" else "ask",
            "document": name,
            "alerts": alerts,
            "question": question,
            "answer": answer,
            "url": request.httprequest.full_path,
        }
        return request.make_response(page._render_template("notify_routing.unsubscribe", values))
