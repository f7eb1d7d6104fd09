import re

from odoo import api, models

#: A rule that speaks of its reader, or of the companies that the reader may see.
OF_USER = re.compile(r"\buser\b")
OF_COMPANY = re.compile(r"\bcompany_ids?\b")
#: A condition that every record fulfils.
EVERYTHING = re.compile(r"""\s*(\[\s*(\(\s*1\s*,\s*["']=["']\s*,\s*1\s*\)\s*,?\s*)?\])?\s*$""")


class NotifyReview(models.AbstractModel):
    """Who may still read what: asked once for all people whom the rules treat alike."""

    _inherit = "notify.review"

    @api.model
    def _readable(self, model, wanted):
        """Return which documents people may read.

        :param dict wanted: ``{user: {document id, …}}``; the documents exist
        :return: ``{user: {document id, …}}``
        """
        documents = self.env[model]
        alike = {}
        users = self.env["res.users"].browse(user.id for user in wanted)
        users.sudo().fetch(["group_ids", "company_ids", "partner_id"])
        rules = {}
        for user in wanted:
            groups = frozenset(user.sudo().group_ids.ids)
            if groups not in rules:
                rules[groups] = self._rule_texts(model, user)
            alike.setdefault(self._kind_of_reader(user, groups, rules[groups]), []).append(user)
        result = {}
        for people in alike.values():
            ids = set().union(*(wanted[user] for user in people))
            reader = documents.browse(ids).with_user(people[0]).with_context(
                allowed_company_ids=people[0].sudo().company_ids.ids
            )  # fmt: skip
            allowed = set(reader._filtered_access("read").ids)
            result |= {user: wanted[user] & allowed for user in people}
        return result

    @api.model
    def _kind_of_reader(self, user, groups, texts):
        """Return what the answer to "may read" depends on, for a user."""
        # Code of a model that decides by itself may ask for anything.
        if texts is None or any(OF_USER.search(text) for text in texts):
            return user.id
        companies = user.sudo().company_ids.ids
        of_company = any(OF_COMPANY.search(text) for text in texts)
        return groups, frozenset(companies if of_company else ())

    @api.model
    def _rule_texts(self, model, user):
        """Return the conditions that hold for a user on a model; None if code decides."""
        if type(self.env[model])._check_access is not models.BaseModel._check_access:
            return None
        texts = []
        for each in (model, *self.env[model]._inherits):
            rules = self.env["ir.rule"].with_user(user)._get_rules(each, "read").sudo()
            of_groups = [rule.domain_force or "" for rule in rules if rule.groups]
            # One group that may read everything makes the conditions of the others idle.
            if not any(EVERYTHING.match(text) for text in of_groups):
                texts += of_groups
            texts += [rule.domain_force or "" for rule in rules if not rule.groups]
        return texts
