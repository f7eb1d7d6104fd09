import {useSubEnv} from "@odoo/owl";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {FollowerSubtypeDialog} from "@mail/core/web/follower_subtype_dialog";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";

/**
 * Before an external is subscribed to internal events, ask.
 *
 * @type {FollowerSubtypeDialog}
 */
const followerSubtypeDialogPatch = {
    setup() {
        super.setup(...arguments);
        /** Whether the user has just confirmed that an external is told of internal events. */
        this.internalConfirmed = false;
        useSubEnv({services: withConsent(this.env.services, () => this.internalConfirmed)});
    },

    /**
     * @param {import("models").MailMessageSubtype} subtype
     * @returns {boolean} whether the subtype asks for care with this follower
     */
    isCritical(subtype) {
        return this.props.follower.notify_internal_ids.includes(subtype.id);
    },

    async onClickApply() {
        const {follower} = this.props;
        const chosen = this.state.subtypes.filter((subtype) => subtype.in(follower.subtype_ids));
        if (!chosen.some((subtype) => this.isCritical(subtype))) {
            return super.onClickApply(...arguments);
        }
        const {people, events} = await this.env.services.orm.call(
            "notify.bell",
            "internal_for_externals",
            [
                follower.thread.model,
                follower.thread.id,
                [follower.partner_id.id],
                chosen.map((subtype) => subtype.id),
            ]
        );
        if (!people.length) {
            return super.onClickApply(...arguments);
        }
        const apply = () => super.onClickApply(...arguments);
        this.env.services.dialog.add(ConfirmationDialog, {
            title: _t("Tell an external of internal events?"),
            body: _t(
                "%(people)s is outside your company. From now on, these internal events of this " +
                    "document will be sent there by e-mail: %(events)s.\n\n" +
                    "A note on the document will say that you decided so.",
                {people: people.join(", "), events: events.join(", ")}
            ),
            confirmLabel: _t("Tell them"),
            confirmClass: "btn-danger",
            confirm: () => this.applyConfirmed(apply),
            cancelLabel: _t("Cancel"),
            // Without it there would be no such button.
            cancel: () => {},
        });
    },

    /** @param {function(): Promise} apply */
    async applyConfirmed(apply) {
        this.internalConfirmed = true;
        try {
            await apply();
        } finally {
            this.internalConfirmed = false;
        }
        // The server noted the decision on the document.
        this.props.follower.thread?.fetchNewMessages();
    },
};
patch(FollowerSubtypeDialog.prototype, followerSubtypeDialogPatch);

/**
 * Return services whose `orm` tells the server of the user's consent, so that Odoo's own code,
 * which subscribes, can be left as it is.
 *
 * @param {Object} services
 * @param {function(): boolean} isConfirmed
 * @returns {Object}
 */
function withConsent(services, isConfirmed) {
    const orm = Object.create(services.orm, {
        call: {
            value(model, method, args, kwargs = {}) {
                const context = {...kwargs.context, notify_internal_confirmed: true};
                const confirms = method === "message_subscribe" && isConfirmed();
                return services.orm.call(
                    model,
                    method,
                    args,
                    confirms ? {...kwargs, context} : kwargs
                );
            },
        },
    });
    return Object.create(services, {orm: {value: orm}});
}
