import {iconOf, labelOf} from "@notify_routing/table/words";
import {Component} from "@odoo/owl";

/**
 * What somebody is told of, compactly: solid where it is their row's own choice, light where it
 * comes from elsewhere.
 *
 * @typedef {Object} Props
 * @property {import("./table_hook").Cell} cell
 * @property {import("./table_hook").Kind} kind
 * @property {import("./table_hook").Level[]} levels
 * @extends {Component<Props, Env>}
 */
export class LevelChip extends Component {
    static template = "notify_routing.LevelChip";
    static props = {cell: Object, kind: Object, levels: Array};

    get label() {
        return labelOf(this.props.cell, this.props.kind, this.props.levels);
    }

    get icon() {
        return iconOf(this.props.cell);
    }

    get isOwn() {
        return this.props.cell.own && !this.props.cell.is_outranked;
    }
}
