from odoo import models
from odoo.exceptions import AccessError, UserError


class MailMessage(models.Model):
    """Why somebody was not told of a message."""

    _inherit = "mail.message"

    def read_why_not(self, partner_id):
        """Return why a person was not told, or in which way they were.

        :return: e.g. ``{
            "name": "Ben", "told": False,
            "sentence": "follows the document, but not this kind of event",
            "recorded": [{"channel": "E-mail", "sentence": "muted the document with the bell",
                          "line": {"id": 9, "name": "Reply · Follower"}}],
            "today": [{"name": "E-mail", "state_name": "not told", "sentence": "…", "line": …}],
            "chain": see ``notify.trail.chain``,
        }``: *recorded* is what was decided then, *today* what would be decided now
        :raise AccessError: if the message may not be read
        """
        self.ensure_one()
        if not self.env.user._is_internal():
            raise UserError(self.env._("Only internal users can see who was told of a message."))
        self.check_access("read")
        partner = self.env["res.partner"].browse(partner_id).exists()
        if not partner:
            raise UserError(self.env._("This person does not exist any more."))
        # sudo: who may read the message may know who was told of it
        told = self.sudo().notification_ids.filtered(lambda row: row.res_partner_id == partner)
        recorded = self._why_not_recorded(partner)
        today = self._why_not_today(partner)
        apart = self._why_not_apart(partner)
        following = None if apart else self._why_not_following(partner)
        chain = self.env["notify.trail"].chain(self.id, partner.id)
        if chain["missing"] == "decision" and not following:
            # That they neither follow nor are addressed nor have a role is not what it was.
            chain["sentence"] = False
        if told:
            sentence = self.env._("was told: see the list")
        elif recorded:
            sentence = recorded[0]["sentence"]
        else:
            sentence = apart or following or self._why_not_sentence(today)
        return {
            "name": partner.display_name,
            "told": bool(told),
            "sentence": sentence,
            "recorded": recorded,
            "today": today,
            "chain": chain,
        }

    def _why_not_recorded(self, partner):
        """Return what was decided against telling a person when the message was posted."""
        # sudo: see read_why_not
        rows = self.env["notify.suppression"].sudo().search(
            [("mail_message_id", "=", self.id), ("partner_id", "=", partner.id)]
        )  # fmt: skip
        channels = dict(rows._fields["channel"]._description_selection(self.env))
        sentences = self.env["notify.router"]._sentences()
        return [
            {
                "channel": channels[row.channel],
                "sentence": sentences.get(row.reason, row.reason),
                "line": self._why_not_line(row.line_id.exists()),
            }
            for row in rows
        ]

    def _why_not_line(self, line):
        return {"id": line.id, "name": line.display_name} if line else False

    def _why_not_today(self, partner):
        """Return what would be decided about a person now, channel by channel."""
        if not self.model or not self.res_id:
            return []
        try:
            simulated = self.env["notify.router"].simulate(
                self.model, self.res_id, message_id=self.id
            )
        except (AccessError, UserError):
            # The document is gone, or its messages are nothing that a scheme speaks of.
            return []
        for row in simulated["rows"]:
            if row["partner_id"] == partner.id:
                return row["channels"]
        return []

    def _why_not_sentence(self, today):
        """Return what the scheme and the preferences say today, if nothing else explains it."""
        suppressed = (entry["sentence"] for entry in today if entry["state"] == "suppressed")
        return next(suppressed, None) or self.env._(
            "would be told today: something was changed since"
        )

    def _why_not_apart(self, partner):
        """Return a sentence if a person is not told whatever they follow and are."""
        if partner == self.sudo().author_id:
            return self.env._("did it themselves")
        if not partner.active:
            return self.env._("is archived")
        if sentence := self._why_not_access(partner):
            return sentence
        if self._why_not_follower(partner).notify_muted:
            return self.env._("muted the document with the bell")
        return None

    def _why_not_access(self, partner):
        """Return a sentence if the person may not read the document, or it is gone."""
        if not self.model or self.model not in self.env:
            return self.env._("the message belongs to no document")
        # sudo: the question is what the other person may read
        document = self.env[self.model].sudo().browse(self.res_id).exists()
        if not document:
            return self.env._("the document was deleted")
        user = partner.sudo().user_ids.filtered("active")[:1]
        if user and not user.share and not document.with_user(user).has_access("read"):
            return self.env._("may not read the document")
        return None

    def _why_not_following(self, partner):
        """Return a sentence if the person's subscription says nothing of this kind of event."""
        follower = self._why_not_follower(partner)
        if not follower:
            return self.env._("does not follow the document, and is not addressed by name")
        subtype = self.sudo().subtype_id
        if subtype and subtype not in follower.subtype_ids:
            because = self.env["notify.subscription"]._because(
                follower.notify_origin, follower.notify_subscription_id
            )
            return self.env._(
                "follows the document, but not “%(event)s” (%(because)s)",
                event=subtype.name,
                because=because,
            )
        if subtype.internal and partner.partner_share:
            return self.env._("is external, and this is internal")
        return None

    def _why_not_follower(self, partner):
        """Return the row by which the person follows the document, or none."""
        # sudo: see read_why_not
        return self.env["mail.followers"].sudo().search(
            [
                ("res_model", "=", self.model),
                ("res_id", "=", self.res_id),
                ("partner_id", "=", partner.id),
            ]
        )  # fmt: skip
