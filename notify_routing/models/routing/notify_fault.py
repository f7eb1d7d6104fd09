from psycopg2 import OperationalError

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools.misc import clean_context


class NotifyFault(models.AbstractModel):
    """Configuration that can turn out not to work while it is followed: the managers are alarmed
    once, and the alarm is taken back when somebody changes it.

    For models that also inherit ``mail.thread`` and ``mail.activity.mixin``.
    """

    _name = "notify.fault"
    _description = "Configuration That Can Fail"

    fault = fields.Text(
        readonly=True, copy=False, help="What went wrong at the last attempt to follow it."
    )

    @api.model
    def _managers(self):
        """Return the users who are alarmed: the managers of notifications."""
        # sudo: whoever meets a fault need not know who manages what
        group = self.env.ref("notify_routing.group_notify_manager", raise_if_not_found=False)
        users = group.sudo().all_user_ids if group else self.env["res.users"].sudo()
        return users.filtered(lambda user: user.active and user._is_internal())

    def _fault_summary(self):
        """Hook: return in a few words that this does not work, for the managers' activity."""
        self.ensure_one()
        return self.display_name

    def _alarm(self, error):
        """Remember what went wrong and tell the managers, once until the record is changed."""
        managers = self._managers()
        # pylint: disable=context-overridden  # values for new records are not ours to pass on
        for record in self.with_user(SUPERUSER_ID).with_context(clean_context(self.env.context)):
            if not record._free_for_alarm():
                continue
            record.fault = str(error)
            for manager in managers:
                record.activity_schedule(
                    "mail.mail_activity_data_warning",
                    summary=record._fault_summary(),
                    note=str(error),
                    user_id=manager.id,
                )

    def _free_for_alarm(self):
        """Tell whether nobody raised the alarm yet, nor is about to do so in another transaction.

        Two posts that find the fault at the same time must not get into each other's way.
        """
        self.ensure_one()
        try:
            # Without flushing: that would tell of the acts of the transaction before it ends.
            with self.env.cr.savepoint(flush=False):
                return bool(self.try_lock_for_update(allow_referencing=True)) and not self.fault
        except OperationalError:
            return False

    def _mended(self):
        """Take back the alarm: somebody changed something; what is still wrong shows again."""
        faulty = self.sudo().filtered("fault")
        if faulty:
            faulty.fault = False
            faulty.activity_unlink(["mail.mail_activity_data_warning"])
