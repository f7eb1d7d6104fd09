import {Component, onWillStart, useState} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {RecordSelector} from "@web/core/record_selectors/record_selector";
import {deserializeDateTime, formatDateTime} from "@web/core/l10n/dates";
import {registry} from "@web/core/registry";
import {useSchemeLine} from "@notify_routing/simulate/scheme_line_hook";
import {useService} from "@web/core/utils/hooks";

const ICONS = {email: "fa-envelope", inbox: "fa-inbox", push: "fa-mobile fa-lg"};

/**
 * What would be decided for everybody if an event happened on a document now, and why.
 *
 * @typedef {Object} Props
 * @property {string} model of the document
 * @property {number} [resId] the document; without, one is chosen here
 * @property {number} [messageId] decide about this message, not about an event
 * @property {function(): void} close
 * @extends {Component<Props, Env>}
 */
export class SimulateDialog extends Component {
    static template = "notify_routing.SimulateDialog";
    static components = {Dialog, RecordSelector};
    static props = {
        model: String,
        resId: {type: Number, optional: true},
        messageId: {type: Number, optional: true},
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.openLine = useSchemeLine();
        this.state = useState({
            resId: this.props.resId || false,
            messageId: this.props.messageId,
            onlyTold: false,
            /** @type {Object|undefined} see `notify.router.simulate` */
            result: undefined,
        });
        onWillStart(() => this.simulate());
    }

    /** @param {number} [eventId] */
    async simulate(eventId) {
        const {resId, messageId} = this.state;
        this.state.result = resId
            ? await this.orm.call("notify.router", "simulate", [this.props.model, resId], {
                  event_id: eventId,
                  message_id: messageId,
              })
            : undefined;
    }

    /** @param {number|false} resId */
    chooseDocument(resId) {
        this.state.resId = resId;
        return this.simulate(this.state.result?.event_id);
    }

    /** @param {Event} ev */
    chooseEvent(ev) {
        this.state.messageId = undefined;
        return this.simulate(Number(ev.target.value));
    }

    get rows() {
        return this.state.result.rows.filter(({told}) => told || !this.state.onlyTold);
    }

    iconOf({channel}) {
        return ICONS[channel];
    }

    dateOf(due) {
        return formatDateTime(deserializeDateTime(due));
    }
}

registry.category("actions").add("notify_simulate", (env, {params}) => {
    env.services.dialog.add(SimulateDialog, {model: params.model});
});
