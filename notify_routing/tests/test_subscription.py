from odoo.tests import tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestSubscription(NotifyCase):
    def test_o3_user_team_company_default_three_layers(self):
        """A person's own default wins over the team's, that over the company's."""
        document = self.env["res.partner"].create({"name": "Document"})
        layers = []
        self.subscribe("company", company_id=self.env.company.id, level="everything")
        layers.append(self._follow(document))
        self.subscribe("team", team_id=self.europe.id, level="mentions")
        layers.append(self._follow(document))
        self.subscribe("user", user_id=self.anna.id, level="custom", subtype_ids=[(6, 0, self.note.ids)])
        layers.append(self._follow(document))
        everything = document._mail_get_message_subtypes()
        self.assertEqual(
            layers,
            [
                ("company", everything),
                ("team", everything.browse()),
                ("user", self.note),
            ],
        )

    def _follow(self, document):
        document.message_unsubscribe(self.anna.partner_id.ids)
        document.message_subscribe(self.anna.partner_id.ids)
        follower = self.follower(document, self.anna.partner_id)
        return follower.notify_origin, follower.subtype_ids
