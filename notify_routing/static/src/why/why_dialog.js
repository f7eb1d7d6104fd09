import {Component, onWillStart, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {deserializeDateTime, formatDateTime} from "@web/core/l10n/dates";
import {Dialog} from "@web/core/dialog/dialog";
import {RecordSelector} from "@web/core/record_selectors/record_selector";
import {useSchemeLine} from "@notify_routing/simulate/scheme_line_hook";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";

/** How a state of `read_why` looks; what is not listed is neutral. */
const COLOURS = {
    sent: "text-bg-success",
    pending: "text-bg-success",
    held: "text-bg-info",
    ready: "text-bg-info",
    process: "text-bg-info",
    bounce: "text-bg-danger",
    exception: "text-bg-danger",
};

/**
 * Who was told of a message, how, why, and what became of it.
 *
 * @typedef {Object} Props
 * @property {number} messageId
 * @property {function(): void} close
 * @extends {Component<Props, Env>}
 */
export class WhyDialog extends Component {
    static template = "notify_routing.WhyDialog";
    static components = {Dialog, RecordSelector};
    static props = {messageId: Number, close: Function};

    setup() {
        this.orm = useService("orm");
        this.openLine = useSchemeLine();
        this.state = useState({
            /** @type {Object} see `mail.message.read_why` */
            why: {},
            partnerId: false,
            /** @type {Object|undefined} see `mail.message.read_why_not` */
            whyNot: undefined,
        });
        onWillStart(async () => {
            this.state.why = await this.orm.call("mail.message", "read_why", [
                [this.props.messageId],
            ]);
            // Who was not told and looks, wants to know why: without another click.
            if (!this.state.why.rows.some((row) => row.partner_id === user.partnerId)) {
                await this.choosePerson(user.partnerId);
            }
        });
    }

    /**
     * Ask why a person was not told.
     *
     * @param {number|false} partnerId
     */
    async choosePerson(partnerId) {
        this.state.partnerId = partnerId;
        this.state.whyNot = partnerId
            ? await this.orm.call("mail.message", "read_why_not", [
                  [this.props.messageId],
                  partnerId,
              ])
            : undefined;
    }

    get title() {
        return _t("Who was told and why");
    }

    get date() {
        return formatDateTime(deserializeDateTime(this.state.why.date));
    }

    /** @param {string} state of a row of `read_why` */
    colourOf(state) {
        return COLOURS[state] || "text-bg-secondary";
    }
}
