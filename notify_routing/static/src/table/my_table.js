import {CheckBox} from "@web/core/checkbox/checkbox";
import {Component} from "@odoo/owl";
import {LevelChip} from "@notify_routing/table/level_chip";
import {MyTime} from "@notify_routing/table/my_time";
import {SelectMenu} from "@web/core/select_menu/select_menu";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useDefaultsTable} from "@notify_routing/table/table_hook";
import {useService} from "@web/core/utils/hooks";

/**
 * What the current user is told of by default, and how: a row for each document type.
 *
 * @extends {Component<import("@web/views/widgets/standard_widget_props").StandardWidgetProps, Env>}
 */
export class MyTable extends Component {
    static template = "notify_routing.MyTable";
    static components = {CheckBox, LevelChip, MyTime, SelectMenu};
    static props = {
        ...standardWidgetProps,
        // On a page of its own there is no record.
        record: {type: Object, optional: true},
    };

    setup() {
        this.orm = useService("orm");
        this.table = useDefaultsTable({
            read: (also) => this.orm.call("notify.subscription.table", "read_mine", [also]),
        });
    }

    get data() {
        return this.table.state.table;
    }

    get addable() {
        return this.data.addable.map(({model, name}) => ({value: model, label: name}));
    }

    /**
     * @param {Event} ev
     * @param {import("./table_hook").Kind} kind
     */
    openMenu(ev, kind) {
        const cell = (table = this.data) =>
            table.types.find(({model}) => model === kind.model).cell;
        this.table.openMenu(ev.currentTarget, {
            title: kind.name,
            kind,
            isOfTeam: false,
            cell,
            choose: (choiceOf) =>
                this.table.apply(() => this.setLevel(kind.model, cell(), choiceOf(cell()))),
        });
    }

    /**
     * @param {string|false} model
     * @param {import("./table_hook").Cell} cell as it was seen
     * @param {import("./table_hook").Choice} choice
     */
    setLevel(model, cell, {level, subtype_ids}) {
        return this.orm.call("notify.subscription.table", "set_mine", [model, level], {
            subtype_ids,
            seen: cell.own && cell.own.stamp,
            also: this.table.state.added,
        });
    }

    /**
     * @param {string} model
     * @param {string} channel empty for "as everywhere"
     */
    setChannel(model, channel) {
        return this.setPreference("set_mine", [model, channel || false]);
    }

    /**
     * @param {string} model
     * @param {string} scheduleId empty for "as everywhere"
     */
    setSchedule(model, scheduleId) {
        return this.setPreference("set_my_schedule", [model, Number(scheduleId) || false]);
    }

    /** @param {import("./table_hook").Kind} kind */
    scheduleLabel(kind) {
        return _t("When e-mail about %(name)s leaves", {name: kind.name});
    }

    /**
     * @param {string} model
     * @param {boolean} isAllowed
     */
    setPush(model, isAllowed) {
        return this.setPreference("set_my_push", [model, isAllowed]);
    }

    /**
     * @param {string} method of `notify.preference`
     * @param {Array} args
     */
    setPreference(method, args) {
        const also = this.table.state.added;
        return this.table.apply(async () => ({
            conflict: false,
            table: await this.orm.call("notify.preference", method, args, {also}),
        }));
    }

    /** @param {import("./table_hook").Kind} kind */
    channelLabel(kind) {
        return _t("How you are told of %(name)s", {name: kind.name});
    }
}

registry.category("view_widgets").add("notify_my_table", {component: MyTable});
