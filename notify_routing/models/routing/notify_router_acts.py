import logging

from markupsafe import Markup
from psycopg2 import Error as DatabaseError

from odoo import api, models
from odoo.tools.misc import clean_context

from ...tools.scheme import matches_change

_logger = logging.getLogger(__name__)

#: Where a transaction keeps what happened on watched documents until it ends.
ACTS = "notify.router.acts"


class NotifyRouter(models.AbstractModel):
    """Events that are no message in stock: what one transaction did to a document is one act, and
    one act is one message."""

    _inherit = "notify.router"

    # ------------------------------------------------------------
    # WATCH
    # ------------------------------------------------------------

    @api.model
    def _watch(self, documents, created=False):
        """Remember what documents are like before they change; costs nothing without schemes.

        :param created: they did not exist before
        """
        if not self._watches():
            return
        schemes = self.env["notify.scheme"]._book().get(documents._name)
        for document in documents if schemes else ():
            if created:
                # What was seen of it while it was being made is no state of its own.
                self._act(document).update(before={}, created=True)
            elif (document._name, document.id) not in self.env.cr.precommit.data.get(ACTS, {}):
                before = self._snapshot(document, schemes)
                if before is not None:
                    self._act(document)["before"] = before

    @api.model
    def _watch_computed(self, documents, field):
        """Watch documents of which stored fields are computed anew: nobody writes those."""
        if not self._watches():
            return
        schemes = self.env["notify.scheme"]._book().get(documents._name)
        if not schemes:
            return
        computed = {each.name for each in self.pool.field_computed[field] if each.store}
        if any(row.field_name in computed for scheme in schemes for row in scheme.of_kind("field")):
            self._watch(documents.filtered("id"))

    @api.model
    def _watches(self):
        """Tell whether changes count now: not during set-up, nor while an act is being told."""
        context = self.env.context
        return (
            self.env.registry.ready
            and not context.get("tracking_disable")
            and not context.get("mail_notrack")
            and not context.get("notify_act")
        )

    @api.model
    def _act(self, document):
        """Return the act on a document in this transaction, starting one if there is none."""
        data = self.env.cr.precommit.data
        if ACTS not in data:
            data[ACTS] = {}
            self.env.cr.precommit.add(self._run_acts)
        return data[ACTS].setdefault(
            (document._name, document.id),
            {"before": {}, "created": False, "fired": [], "files": {}, "uid": self.env.uid},
        )

    @api.model
    def _fire(self, document, code, attachment=None):
        """Add an event to the act on a document.

        :param code: of an event; for files ``"file_added"`` or ``"file_changed"``
        :param attachment: the file that it is about
        """
        scheme = self._watches() and self.env["notify.scheme"]._of_or_alarm(document)
        if not scheme:
            return
        if not (scheme.of_kind("file_added", "file_changed") if attachment else scheme.row(code)):
            return
        if (document._name, document.id) not in self.env.cr.precommit.data.get(ACTS, {}):
            self._watch(document)
        act = self._act(document)
        if attachment:
            act["files"].setdefault(code, []).append(attachment.id)
        elif code not in act["fired"]:
            act["fired"].append(code)

    @api.model
    def _snapshot(self, document, schemes):
        """Return what a document is like, as far as schemes look at it.

        :return: ``{field name: technical value, role id: ({partner_id, …}, {address, …})}``; None
            and an alarm if a role or a field cannot be read
        """
        result = {}
        try:
            for scheme in schemes:
                for row in scheme.of_kind("field"):
                    result[row.field_name] = self._technical(document, row.field_name)
                watched = {row.role_id for row in scheme.of_kind("added")}
                watched |= {
                    int(cell.role) for row in scheme.rows for cell in row.cells if cell.only_new
                }
                for role in self.env["notify.role"].sudo().browse(watched - set(result)):
                    result[role.id] = role._members(document)
        except DatabaseError:
            raise
        except Exception as error:
            _logger.warning("A scheme cannot watch %s", document, exc_info=True)
            self.env["notify.scheme"].browse(scheme.id for scheme in schemes)._alarm(error)
            return None
        return result

    @api.model
    def _technical(self, document, name):
        value = document.sudo()[name]
        return tuple(value.ids) if isinstance(value, models.BaseModel) else value

    @api.model
    def _tells_assignment(self, document):
        """Tell whether the scheme of a document speaks of its responsible being assigned."""
        scheme = self.env["notify.scheme"]._of_or_alarm(document)
        if not scheme:
            return False
        roles = (
            self.env["notify.role"].sudo().browse(row.role_id for row in scheme.of_kind("added"))
        )
        return "user_id" in roles.mapped("path")

    # ------------------------------------------------------------
    # TELL
    # ------------------------------------------------------------

    @api.model
    def _run_acts(self):
        """Tell of every act of this transaction; called when it is about to be committed."""
        acts = self.env.cr.precommit.data.pop(ACTS, {})
        context = clean_context(self.env.context)
        for (model, res_id), act in acts.items():
            if model not in self.env:
                continue
            document = self.env[model].with_user(act["uid"]).browse(res_id)
            # pylint: disable=context-overridden  # values for new records are not ours to pass on
            document = document.with_context(context)
            if not document.sudo().exists():
                continue
            scheme = self.env["notify.scheme"]._of_or_alarm(document)
            if scheme:
                self._tell_act(document, scheme, act)

    @api.model
    def _tell_act(self, document, scheme, act):
        """Post one message for what an act did, if the scheme lists any of it."""
        after = self._snapshot(document, [scheme])
        if after is None:
            return
        self._forget_sent_files(act)
        rows, new = self._happened(scheme, act, after)
        if not rows:
            return
        codes = [row.code for row in rows]
        document.sudo().with_context(
            notify_act={"document": (document._name, document.id), "codes": codes, "new": new}
        ).message_post(
            body=self._act_body(rows, act, new),
            author_id=document.env.user.partner_id.id,
            message_type="notification",
            subtype_xmlid="mail.mt_note",
        )

    @api.model
    def _happened(self, scheme, act, after):
        """Return the events that an act fired, heaviest first, and who is new in which role.

        :return: ``([Row, …], {role id as text: {partner_id, …}})``
        """
        nobody = (set(), set())
        # What nobody looked at before the act cannot be told to have changed; in a document that
        # the act made, everything is new.
        before = {**dict.fromkeys(after), **act["before"]} if act["created"] else act["before"]
        new = {
            str(key): members[0] - (before[key] or nobody)[0]
            for key, members in after.items()
            if isinstance(key, int) and key in before
        }
        rows = []
        for row in scheme.of_kind("field", "added", "fired", "file_added", "file_changed"):
            if row.kind == "field":
                name = row.field_name
                happened = name in before and matches_change(row, before[name], after[name])
            elif row.kind == "added":
                happened = bool(new.get(str(row.role_id)))
            elif row.kind == "fired":
                happened = row.code in act["fired"]
            else:
                happened = bool(act["files"].get(row.kind))
            if happened:
                rows.append(row)
        return rows, new

    @api.model
    def _forget_sent_files(self, act):
        """Leave out files that are gone, or that came with a message: the message tells of them.

        A file that is new is not replaced as well.
        """
        if not act["files"]:
            return
        File = self.env["ir.attachment"].sudo()
        added = File.browse(act["files"].get("file_added", ())).exists()
        changed = File.browse(act["files"].get("file_changed", ())).exists() - added
        sent = self.env["mail.message"].sudo().search([("attachment_ids", "in", added.ids)])
        act["files"] = {
            "file_added": (added - sent.attachment_ids).ids,
            "file_changed": changed.ids,
        }

    @api.model
    def _act_body(self, rows, act, new):
        """Return what happened, as a list in the words of the company's language."""
        Event = self.env["notify.event"].sudo()
        entries = []
        for row in rows:
            details = []
            if row.kind == "added":
                people = self.env["res.partner"].sudo().browse(new[str(row.role_id)])
                details = people.mapped("name")
            elif row.kind in act["files"]:
                # Each can be left out of a mail that waits, when it is deleted meanwhile.
                details = [
                    Markup('<span data-oe-model="ir.attachment" data-oe-id="%s">%s</span>')
                    % (file.id, file.name or "")
                    for file in self.env["ir.attachment"].sudo().browse(act["files"][row.kind])
                ]
            name = Event.browse(row.event_id).name
            text = Markup("%s: %s") % (name, Markup(", ").join(filter(None, details)))
            entries.append(Markup("<li>%s</li>") % (text if details else name))
        return Markup("<ul>%s</ul>") % Markup("").join(entries)
