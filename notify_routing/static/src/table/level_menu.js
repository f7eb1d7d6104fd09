import {Component, useEffect, useRef, useState} from "@odoo/owl";
import {eventsOf, labelOf} from "@notify_routing/table/words";
import {_t} from "@web/core/l10n/translation";
import {useNavigation} from "@web/core/navigation/navigation";

/**
 * The choices for one cell of a table of defaults. Each applies at once.
 *
 * @typedef {Object} Props
 * @property {{isBusy: boolean, table: Object}} state of the table
 * @property {import("./table_hook").Place} place
 * @property {import("./table_hook").Level[]} levels
 * @property {boolean} isReadonly
 * @extends {Component<Props, Env>}
 */
export class LevelMenu extends Component {
    static template = "notify_routing.LevelMenu";
    static props = {
        state: Object,
        place: Object,
        levels: Array,
        isReadonly: {type: Boolean, optional: true},
        close: {type: Function, optional: true},
    };

    setup() {
        // The table changes under the open menu.
        this.state = useState(this.props.state);
        this.root = useRef("root");
        useNavigation(this.root, {focusInitialElementOnDisabled: () => true});
        useEffect(
            () => this.root.el.querySelector("[aria-checked=true]")?.focus(),
            () => []
        );
    }

    /** @returns {import("./table_hook").Cell} */
    get cell() {
        return this.props.place.cell(this.state.table);
    }

    get now() {
        const {cell} = this;
        const level = labelOf(cell, this.props.place.kind, this.props.levels);
        return _t("Now: %(level)s, %(because)s", {level, because: cell.because});
    }

    get events() {
        return eventsOf(this.cell, this.props.place.kind);
    }

    /** The choices, "as default" first. */
    get options() {
        const {own} = this.cell;
        const otherwise = own ? own.otherwise : this.cell;
        const level = labelOf(otherwise, this.props.place.kind, this.props.levels);
        const asDefault = {
            id: false,
            name: _t("As default"),
            help: _t("%(level)s, %(because)s", {level, because: otherwise.because}),
        };
        return [asDefault, ...this.props.levels].map((option) => ({
            ...option,
            isChosen: option.id === (own ? own.level : false),
        }));
    }

    get hasEvents() {
        return this.cell.own && this.cell.own.level === "custom";
    }

    /**
     * What is chosen as soon as the row chooses something itself.
     *
     * @param {import("./table_hook").Cell} cell
     * @returns {import("./table_hook").Choice}
     */
    start(cell) {
        const {level, subtype_ids, auto_follow} = cell.own || cell;
        return {level, subtype_ids, auto_follow};
    }

    /** @param {string|false} level */
    chooseLevel(level) {
        return this.props.place.choose((cell) => ({
            ...this.start(cell),
            level,
            // What counts so far is where ticking events starts from.
            subtype_ids: cell.subtype_ids,
        }));
    }

    /** @param {number} subtypeId */
    toggleEvent(subtypeId) {
        return this.props.place.choose((cell) => {
            const choice = this.start(cell);
            const ids = new Set(choice.subtype_ids);
            if (!ids.delete(subtypeId)) {
                ids.add(subtypeId);
            }
            return {...choice, level: "custom", subtype_ids: [...ids]};
        });
    }

    toggleFollow() {
        return this.props.place.choose((cell) => ({
            ...this.start(cell),
            auto_follow: !cell.auto_follow,
        }));
    }
}
