from odoo.tests.common import TransactionCase, new_test_user


class NotifyCase(TransactionCase):
    """Anna (e-mail), Ben (in-app), Chloé (both, leader) of team Europe; Mister Client outside."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context={**cls.env.context, "tracking_disable": False, "mail_create_nosubscribe": True}
        )
        groups = (
            "base.group_user,sales_team.group_sale_salesman_all_leads,base.group_partner_manager"
        )
        cls.anna = new_test_user(cls.env, "anna", groups, name="Anna", email="anna@company.example")
        cls.ben = new_test_user(cls.env, "ben", groups, name="Ben", email="ben@company.example")
        cls.chloe = new_test_user(
            cls.env,
            "chloe",
            f"{groups},sales_team.group_sale_manager",
            name="Chloé",
            email="chloe@company.example",
        )
        cls.ben.notification_type = "inbox"
        cls.chloe.notify_channel = "both"
        cls.client = cls.env["res.partner"].create(
            {"name": "Mister Client", "email": "client@customer.example"}
        )
        cls.europe = cls.env["crm.team"].create(
            {
                "name": "Europe",
                "user_id": cls.chloe.id,
                "member_ids": [(6, 0, (cls.anna | cls.ben).ids)],
            }
        )
        cls.comment = cls.env.ref("mail.mt_comment")
        cls.note = cls.env.ref("mail.mt_note")

    @classmethod
    def subscribe(cls, scope="user", **values):
        """Make a default choice: ``subscribe("team", team_id=…, model="crm.lead", level=…)``."""
        model = values.pop("model", None)
        return cls.env["notify.subscription"].create(
            {
                "scope": scope,
                "user_id": False,
                "model_id": cls.env["ir.model"]._get_id(model) if model else False,
                **values,
            }
        )

    def follower(self, document, partner):
        return self.env["mail.followers"].search(
            [
                ("res_model", "=", document._name),
                ("res_id", "=", document.id),
                ("partner_id", "=", partner.id),
            ]
        )
