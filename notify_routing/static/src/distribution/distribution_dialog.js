import {Component, onWillStart, useState} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {RecordSelector} from "@web/core/record_selectors/record_selector";
import {useService} from "@web/core/utils/hooks";

/**
 * The distribution list of a document: people, and named lists of people. Changes apply at once.
 *
 * @typedef {Object} Props
 * @property {string} model
 * @property {number} resId
 * @property {function(): void} close
 * @extends {Component<Props, Env>}
 */
export class DistributionDialog extends Component {
    static template = "notify_routing.DistributionDialog";
    static components = {Dialog, RecordSelector};
    static props = {model: String, resId: Number, close: Function};

    setup() {
        this.orm = useService("orm");
        this.state = useState({
            /** @type {Object} see `notify.distribution.read_document` */
            list: {entries: []},
            error: undefined,
        });
        onWillStart(() => this.call("read_document"));
    }

    /**
     * @param {string} method of `notify.distribution`
     * @param {Object} [kwargs]
     */
    async call(method, kwargs = {}) {
        this.state.error = undefined;
        try {
            const {model, resId} = this.props;
            this.state.list = await this.orm.call(
                "notify.distribution",
                method,
                [model, resId],
                kwargs
            );
        } catch (error) {
            if (!error.data) {
                throw error;
            }
            this.state.error = error.data.message;
        }
    }

    addPerson(id) {
        return id && this.call("add", {partner_ids: [id]});
    }

    addList(id) {
        return id && this.call("add", {list_ids: [id]});
    }

    remove(entry) {
        return this.call("remove", {entry_ids: [entry.id]});
    }
}
