from odoo import api, fields, models
from odoo.exceptions import UserError


class NotifyDistributionList(models.Model):
    """People under one name, to be put on documents together."""

    _name = "notify.distribution.list"
    _description = "Named Distribution List"
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", index="btree_not_null")
    partner_ids = fields.Many2many("res.partner", string="People")

    _name_unique = models.UniqueIndex(
        "(name, COALESCE(company_id, 0))", "There is a distribution list of this name already."
    )


class NotifyDistribution(models.Model):
    """Somebody, or a named list, on the distribution list of a document."""

    _name = "notify.distribution"
    _description = "Distribution List of a Document"
    _order = "id"

    res_model = fields.Char("Document Type", required=True, index=True)
    res_id = fields.Many2oneReference("Document", model_field="res_model", required=True)
    partner_id = fields.Many2one("res.partner", string="Person", ondelete="cascade", index=True)
    list_id = fields.Many2one("notify.distribution.list", ondelete="cascade", index=True)

    _document_idx = models.Index("(res_model, res_id)")
    _one_entry = models.UniqueIndex(
        "(res_model, res_id, COALESCE(partner_id, 0), COALESCE(list_id, 0))",
        "This person or list is on the distribution list already.",
    )
    _somebody = models.Constraint(
        "CHECK((partner_id IS NULL) != (list_id IS NULL))", "Choose a person or a list."
    )

    @api.model
    def _people(self, document):
        """Return the partners on a document's distribution list, those of named lists included."""
        entries = self.sudo().search(
            [("res_model", "=", document._name), ("res_id", "in", document.ids)]
        )
        people = entries.partner_id | entries.list_id.filtered("active").partner_ids
        return people.filtered("active")

    @api.model
    def read_document(self, model, res_id):
        """Return a document's distribution list.

        :return: ``{"entries": [{"id": 3, "name": "Mister Client", "external": True, "count": 1}],
            "can_edit": True}``; ``count`` is the number of people of a named list
        """
        document = self.env["notify.bell"]._document(model, res_id)
        entries = self.sudo().search([("res_model", "=", model), ("res_id", "=", res_id)])
        return {
            "entries": [
                {
                    "id": entry.id,
                    "partner_id": entry.partner_id.id,
                    "list_id": entry.list_id.id,
                    "name": (entry.partner_id or entry.list_id).display_name,
                    "external": any(
                        (entry.partner_id or entry.list_id.partner_ids).mapped("partner_share")
                    ),
                    "count": len(entry.partner_id or entry.list_id.partner_ids),
                }
                for entry in entries
            ],
            "can_edit": document.has_access("write"),
        }

    @api.model
    def add(self, model, res_id, partner_ids=(), list_ids=()):
        """Put people and named lists on a document's distribution list.

        :return: see :meth:`read_document`
        """
        document = self.env["notify.bell"]._document(model, res_id)
        document.check_access("write")
        there = self.sudo().search([("res_model", "=", model), ("res_id", "=", res_id)])
        # What changed, and who is new, is found at the end of the transaction.
        self.env["notify.router"]._watch(document)
        self.sudo().create(
            [
                {"res_model": model, "res_id": res_id, "partner_id": partner_id}
                for partner_id in partner_ids
                if partner_id not in there.partner_id.ids
            ]
            + [
                {"res_model": model, "res_id": res_id, "list_id": list_id}
                for list_id in list_ids
                if list_id not in there.list_id.ids
            ]
        )
        return self.read_document(model, res_id)

    @api.model
    def remove(self, model, res_id, entry_ids):
        """Take entries off a document's distribution list.

        :return: see :meth:`read_document`
        """
        document = self.env["notify.bell"]._document(model, res_id)
        document.check_access("write")
        entries = self.sudo().browse(entry_ids).exists()
        if any(entry.res_model != model or entry.res_id != res_id for entry in entries):
            raise UserError(self.env._("These entries belong to another document."))
        entries.unlink()
        return self.read_document(model, res_id)
