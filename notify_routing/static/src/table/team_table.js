import {Component, useEffect, useRef, useState} from "@odoo/owl";
import {LevelChip} from "@notify_routing/table/level_chip";
import {SelectMenu} from "@web/core/select_menu/select_menu";
import {_t} from "@web/core/l10n/translation";
import {eventsOf, labelOf} from "@notify_routing/table/words";
import {imageUrl} from "@web/core/utils/urls";
import {normalize} from "@web/core/l10n/utils";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useDefaultsTable} from "@notify_routing/table/table_hook";
import {useGridKeys} from "@notify_routing/table/grid_keys_hook";
import {useService} from "@web/core/utils/hooks";

/** With fewer members than these, nobody needs to look for one. */
const FILTER_FROM = 15;
/** Members shown at first, and more each time. */
const PAGE = 50;

/**
 * What a team's members are told of by default: a row for each, a column for each document type.
 *
 * @extends {Component<import("@web/views/widgets/standard_widget_props").StandardWidgetProps, Env>}
 */
export class TeamTable extends Component {
    static template = "notify_routing.TeamTable";
    static components = {LevelChip, SelectMenu};
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.table = useDefaultsTable({
            read: (also) =>
                this.orm.call("notify.subscription.table", "read_team", [this.teamId, also]),
        });
        this.state = useState({search: "", shown: PAGE});
        this.grid = useRef("grid");
        useGridKeys(this.grid);
        useEffect(
            (isDirty) => {
                if (!isDirty && this.data) {
                    this.table.reload();
                }
            },
            () => [this.props.record.dirty]
        );
    }

    get teamId() {
        return this.props.record.resId;
    }

    get data() {
        return this.table.state.table;
    }

    get isReadonly() {
        return !this.data.can_edit;
    }

    get hasFilter() {
        return this.members.length > FILTER_FROM;
    }

    /** Rows of people, without the one for the whole team. */
    get members() {
        return this.data.rows.slice(1);
    }

    get found() {
        const search = normalize(this.state.search.trim());
        return this.members.filter(({name}) => normalize(name).includes(search));
    }

    get rows() {
        return [this.data.rows[0], ...this.found.slice(0, this.state.shown)];
    }

    get moreLabel() {
        const left = this.found.length - this.state.shown;
        return left > 0 && _t("Show more (%(count)s left)", {count: left});
    }

    get addable() {
        return this.data.addable.map(({model, name}) => ({value: model, label: name}));
    }

    showMore() {
        this.state.shown += PAGE;
    }

    /** @param {InputEvent} ev */
    onSearch(ev) {
        this.state.search = ev.target.value;
        this.state.shown = PAGE;
    }

    /**
     * A member's cell is only sent where it differs from the whole team's.
     *
     * @param {{cells: Object<string, import("./table_hook").Cell>}} row
     * @param {import("./table_hook").Kind} kind
     * @param {Object} [table]
     * @returns {import("./table_hook").Cell}
     */
    cellIn(row, kind, table = this.data) {
        const key = kind.model || "";
        return row.cells[key] || {...table.rows[0].cells[key], own: false};
    }

    avatar(row) {
        return imageUrl("res.partner", row.partner_id, "avatar_128");
    }

    /**
     * @param {{name: string}} row
     * @param {import("./table_hook").Kind} kind
     * @param {import("./table_hook").Cell} cell
     */
    titleOf(row, kind, cell) {
        const words = {
            who: row.name,
            what: kind.name,
            level: labelOf(cell, kind, this.data.levels),
            because: cell.because,
        };
        const events = eventsOf(cell, kind).join(", ");
        const title = _t("%(who)s, %(what)s: %(level)s, %(because)s", words);
        return events ? `${title}\n${events}` : title;
    }

    /**
     * @param {Event} ev
     * @param {{user_id: number|false, name: string}} row
     * @param {import("./table_hook").Kind} kind
     */
    openMenu(ev, row, kind) {
        const cell = (table = this.data) =>
            this.cellIn(
                table.rows.find(({user_id}) => user_id === row.user_id) || table.rows[0],
                kind,
                table
            );
        this.table.openMenu(ev.currentTarget, {
            title: `${row.name} · ${kind.name}`,
            kind,
            isOfTeam: kind.has_team,
            cell,
            choose: (choiceOf) =>
                this.table.apply(() => this.set(row.user_id, kind.model, cell(), choiceOf(cell()))),
        });
    }

    /**
     * @param {number|false} userId
     * @param {string|false} model
     * @param {import("./table_hook").Cell} cell as it was seen
     * @param {import("./table_hook").Choice} choice
     */
    set(userId, model, cell, choice) {
        return this.orm.call(
            "notify.subscription.table",
            "set_team",
            [this.teamId, userId, model],
            {
                ...choice,
                seen: cell.own && cell.own.stamp,
                also: this.table.state.added,
            }
        );
    }

    async applyToExisting() {
        await this.action.doActionButton({
            type: "object",
            name: "action_notify_apply",
            resModel: this.props.record.resModel,
            resId: this.teamId,
            resIds: [this.teamId],
        });
    }
}

registry.category("view_widgets").add("notify_team_table", {component: TeamTable});
