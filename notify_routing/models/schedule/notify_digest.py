from dataclasses import dataclass, field, replace

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime, html2plaintext

from ...tools.digest import Entry, as_text, sections, shorten

#: What a digest says of a message, read for all of them at once.
MESSAGE_FIELDS = (
    "author_id",
    "body",
    "date",
    "email_from",
    "message_id",
    "message_type",
    "model",
    "reply_to",
    "res_id",
    "subject",
    "subtype_id",
)


@dataclass(slots=True)
class Reading:
    """What digests in one language share.

    :param records: the review in that language
    :param told: entries that were made before, by message, body and time zone
    """

    review: models.BaseModel
    events: dict[str, str]
    told: dict[tuple, Entry] = field(default_factory=dict)
    titles: dict[tuple[str, int], tuple[str, str, str]] = field(default_factory=dict)
    changes: dict[int, tuple] = field(default_factory=dict)


class NotifyReview(models.AbstractModel):
    """One mail for all that waited: grouped by document, oldest first, in the reader's words."""

    _inherit = "notify.review"

    @api.model
    def _send_digests(self, people):
        """Make one mail for each person, for all of them at once.

        :param dict people: ``{partner id or address: [Held, …]}``
        """
        if not people:
            return
        partners = self.env["res.partner"].sudo().browse(
            who for who in people if isinstance(who, int)
        )  # fmt: skip
        partners.fetch(["lang", "tz"])
        users = self._users_of(partners)
        messages = self.env["mail.message"].sudo().browse(
            {row.message_id for held in people.values() for row in held}
        )  # fmt: skip
        readings, values = {}, []
        for who, held in people.items():
            partner = partners.browse(who if isinstance(who, int) else [])
            user = users.get(partner.id, self.env["res.users"].sudo())
            lang = self._lang(partner)
            if lang not in readings:
                readings[lang] = self.with_context(lang=lang)._reading(messages)
            values.append(self._digest_values(readings[lang], who, partner, user, held))
        # The queue sends them after what people wrote to each other just now.
        queue = self.env["mail.mail"].sudo().with_context(notify_mail_class="digest")
        mails = queue.create(values)
        self._leave_with(dict(zip(people, mails.ids, strict=True)), people)

    @api.model
    def _lang(self, partner):
        """Return a language that is installed: the reader's, the company's, English."""
        langs = (partner.lang, self.env.company.partner_id.lang)
        known = self.env["res.lang"]._get_data
        return next((lang for lang in langs if lang and known(code=lang)), "en_US")

    @api.model
    def _leave_with(self, mail_ids, people):
        """Let rows wait no more, and follow the fate of the digest that they leave with."""
        pairs = [(row.id, mail_ids[who]) for who, held in people.items() for row in held]
        self.env["mail.notification"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE mail_notification
                   SET mail_mail_id = chosen.mail_id, notify_due = NULL, notify_left = %s
                  FROM unnest(%s::int[], %s::int[]) chosen (id, mail_id)
                 WHERE mail_notification.id = chosen.id
                """,
                fields.Datetime.now(),
                [row_id for row_id, _mail_id in pairs],
                [mail_id for _row_id, mail_id in pairs],
            )
        )
        self.env["mail.notification"].invalidate_model()

    # ------------------------------------------------------------
    # ENTRIES
    # ------------------------------------------------------------

    @api.model
    def _reading(self, messages):
        """Return what the digests in this language share. Nothing of it depends on a reader."""
        messages = messages.with_env(self.env(su=True))
        messages.fetch(MESSAGE_FIELDS)
        messages.author_id.fetch(["name"])
        rows = self.env["mail.notification"]._fields["notify_event"]
        reading = Reading(self, dict(rows._description_selection(self.env)))
        trackings = self.env["mail.tracking.value"].sudo().search(
            [("mail_message_id", "in", messages.ids)]
        )  # fmt: skip
        # What only some may see is nothing for a mail.
        for message, own in (
            trackings._filter_free_field_access().grouped("mail_message_id").items()
        ):
            none = self.env._("none")
            reading.changes[message.id] = tuple(
                (
                    change["fieldInfo"]["changedField"],
                    str(change["oldValue"] or none),
                    str(change["newValue"] or none),
                )
                for change in own._tracking_value_format()
            )
        by_model = {}
        for message in messages:
            by_model.setdefault(message.model, set()).add(message.res_id)
        base = self.env["mail.thread"].get_base_url()
        for model, ids in by_model.items():
            kind = self.env["ir.model"]._get(model).name
            for document in self.env[model].sudo().browse(ids):
                url = f"{base}/mail/view?model={model}&res_id={document.id}"
                reading.titles[model, document.id] = (document.display_name or kind, kind, url)
        return reading

    @api.model
    def _entry(self, reading, row, tz):
        """Return what happened, as it is told to all readers of a language in a time zone."""
        key = (row.message_id, row.body, tz)
        if key in reading.told:
            return reading.told[key]
        env = reading.review.env
        message = env["mail.message"].sudo().browse(row.message_id)
        subtype = message.subtype_id
        event = env["mail.thread"]._notify_event(message.message_type, subtype.id)
        what = reading.events.get(event, event)
        if event == "subtype":
            what = subtype.name
        elif event == "note" and message.message_type == "notification":
            what = message.subject or subtype.description or ""
        reading.told[key] = Entry(
            document=(message.model, message.res_id),
            who=message.author_id.name or message.email_from or "",
            what=what,
            when=format_datetime(env, message.date, tz=tz, dt_format="short"),
            text=shorten(html2plaintext(row.body or message.body or "", include_references=False)),
            changes=reading.changes.get(message.id, ()),
            url=f"{message.get_base_url()}/mail/message/{message.id}",
        )
        return reading.told[key]

    # ------------------------------------------------------------
    # MAIL
    # ------------------------------------------------------------

    @api.model
    def _digest_values(self, reading, who, partner, user, held):
        """Return the values of the mail that tells one person of several events."""
        env = reading.review.env
        tz = self.env["notify.time"]._zone(user)[0].key if user else partner.tz or "UTC"
        entries = [self._entry(reading, row, tz) for row in held]
        parts = [self._titled(reading, part) for part in sections(entries)]
        company = user.company_id or self.env.company
        subject = self._digest_subject(env, parts, len(entries))
        words = self._digest_words(env, user, held)
        messages = self.env["mail.message"].sudo().browse(row.message_id for row in held)
        one = messages[-1] if len(parts) == 1 else messages.browse()
        body = env["ir.qweb"]._render(
            "notify_routing.digest",
            {
                "parts": parts,
                "head": subject,
                "company": company,
                "lang": env.lang,
                **words,
            },
            minimal_qcontext=True,
            lang=env.lang,
        )
        foot = [words["why"]]
        if words["preferences_url"]:
            foot.append(f"{words['preferences']}: {words['preferences_url']}")
        return {
            "notify_review": "digest",
            "is_notification": True,
            "auto_delete": True,
            "subject": subject,
            "body_html": body,
            "notify_text": as_text(subject, parts, foot),
            "recipient_ids": [(4, partner.id)] if partner else [],
            "email_to": False if partner else who,
            "email_from": company.email_formatted or self.env.user.email_formatted,
            # An answer to a digest of one document belongs there.
            "reply_to": one.reply_to or company.email_formatted or self.env.user.email_formatted,
            "references": " ".join(filter(None, messages[-3:].mapped("message_id"))) if one else "",
            # Not ref(), which looks whether the record exists, for each mail.
            "author_id": self.env["ir.model.data"]._xmlid_to_res_id("base.partner_root"),
            "record_company_id": company.id,
            "record_alias_domain_id": company.alias_domain_id.id,
            "headers": repr({"Auto-Submitted": "auto-generated"}),
        }

    @api.model
    def _titled(self, reading, part):
        title, kind, url = reading.titles[part.document]
        earlier = ""
        if part.hidden:
            earlier = reading.review.env._("and %(count)s earlier", count=part.hidden)
        return replace(part, title=title, kind=kind, url=url, earlier=earlier)

    @api.model
    def _digest_subject(self, env, parts, count):
        if len(parts) == 1:
            return env._("%(count)s news on %(document)s", count=count, document=parts[0].title)
        return env._("%(count)s news on %(documents)s documents", count=count, documents=len(parts))

    @api.model
    def _digest_words(self, env, user, held):
        """Return why somebody gets this mail, and where they can change it."""
        if not user:
            return {
                "why": env._("You get one mail for several events that happened at about a time."),
                "preferences": "",
                "preferences_url": "",
            }
        book = self.env["notify.preference"]._time_book()
        schedule = self.env["notify.schedule"].sudo().browse(
            book.schedule_id(user.id, None, None) or []
        )  # fmt: skip
        if schedule.kind and schedule.kind != "now":
            why = env._(
                "You get these in one mail because your e-mail leaves by the schedule “%(name)s”.",
                name=schedule.with_context(lang=env.lang).name,
            )
        else:
            why = env._("You get these in one mail because your preferences held them until now.")
        base = self.env["mail.thread"].get_base_url()
        return {
            "why": why,
            "preferences": env._("My Preferences"),
            "preferences_url": f"{base}/odoo/my-notifications",
        }
