import {Component, onWillStart, useState} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/**
 * The cells in which another scheme differs from this one.
 *
 * @typedef {Object} Props
 * @property {number} schemeId
 * @property {function(): void} close
 * @extends {Component<Props, Env>}
 */
export class CompareDialog extends Component {
    static template = "notify_routing.CompareDialog";
    static components = {Dialog};
    static props = {schemeId: Number, close: Function};

    setup() {
        this.orm = useService("orm");
        this.state = useState({
            /** @type {{id: number, display_name: string}[]} */
            others: [],
            /** @type {Object|undefined} see `notify.scheme.compare` */
            result: undefined,
        });
        onWillStart(async () => {
            this.state.others = await this.orm.searchRead(
                "notify.scheme",
                [
                    ["id", "!=", this.props.schemeId],
                    ["active", "in", [true, false]],
                ],
                ["display_name"]
            );
        });
    }

    /** @param {Event} ev */
    async choose(ev) {
        const otherId = Number(ev.target.value);
        this.state.result = otherId
            ? await this.orm.call("notify.scheme", "compare", [[this.props.schemeId], otherId])
            : undefined;
    }
}

registry.category("actions").add("notify_scheme_compare", (env, {params}) => {
    env.services.dialog.add(CompareDialog, {schemeId: params.scheme_id});
});
