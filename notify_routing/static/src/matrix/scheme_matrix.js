import {CHANNELS, FLAGS, NAME_OF_KEY, helpOfKeys} from "@notify_routing/matrix/words";
import {Component, useEffect, useRef, useState} from "@odoo/owl";
import {CellMenu} from "@notify_routing/matrix/cell_menu";
import {Mutex} from "@web/core/utils/concurrency";
import {SelectMenu} from "@web/core/select_menu/select_menu";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {stepOf} from "@notify_routing/matrix/grid_step";
import {usePopover} from "@web/core/popover/popover_hook";
import {useService} from "@web/core/utils/hooks";

/**
 * A cell as `notify.scheme.read_matrix` gives it; the keys of cells are event-role.
 *
 * @typedef {{id: number, words: string, prefer: boolean, email: boolean, inbox: boolean,
 *            push: boolean, mandatory: boolean, only_new: boolean, only_mail: boolean,
 *            urgent: boolean, wait: number, own_act: boolean,
 *            email_domain: string|false}} Cell
 * @typedef {{id: number, name: string, code: string, hint: string}} Head
 */

/**
 * The matrix of a scheme: a row for each event, a column for each role. Changes apply at once.
 *
 * @extends {Component<import("@web/views/widgets/standard_widget_props").StandardWidgetProps, Env>}
 */
export class SchemeMatrix extends Component {
    static template = "notify_routing.SchemeMatrix";
    static components = {SelectMenu};
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.channels = CHANNELS;
        this.flags = FLAGS;
        this.helpOfKeys = helpOfKeys();
        /** Clicks apply one after the other. */
        this.mutex = new Mutex();
        this.grid = useRef("grid");
        this.menu = usePopover(CellMenu, {
            position: "bottom-start",
            onClose: () => this.menuCell?.focus(),
        });
        this.state = useState({
            matrix: undefined,
            /** What brings back each earlier state, the last one last. */
            undo: [],
        });
        useEffect(() => this.keepOneReachable());
        useEffect(
            () => {
                this.load();
            },
            () => [this.resId, this.props.record.data.model, this.props.record.dirty]
        );
    }

    get resId() {
        return this.props.record.resId;
    }

    get matrix() {
        return this.state.matrix;
    }

    get canEdit() {
        return this.matrix.can_edit;
    }

    async load() {
        if (!this.resId || this.props.record.dirty) {
            return;
        }
        const {events = [], roles = []} = this.matrix || {};
        const fresh = await this.orm.call("notify.scheme", "read_matrix", [[this.resId]]);
        if (this.loadedId === this.resId) {
            // What was added and has no cell yet stays.
            events.forEach(({id}) => moveTo(fresh.addable.events, fresh.events, id));
            roles.forEach(({id}) => moveTo(fresh.addable.roles, fresh.roles, id));
        } else {
            this.state.undo = [];
        }
        this.loadedId = this.resId;
        this.state.matrix = fresh;
    }

    /** @returns {Cell|undefined} */
    cellOf(event, role) {
        return this.matrix.cells[`${event.id}-${role.id}`];
    }

    wordsOf(event, role) {
        const words = {event: event.name, role: role.name};
        const cell = this.cellOf(event, role);
        return cell
            ? _t("%(event)s, %(role)s: %(cell)s", {...words, cell: cell.words})
            : _t("%(event)s, %(role)s: nothing said", words);
    }

    iconsOf(cell) {
        return this.channels.filter(({name}) => cell[name]);
    }

    flagsOf(cell) {
        return this.flags.filter(({name}) => cell[name]);
    }

    nameOf({name}) {
        return this.matrix.fields[name].name;
    }

    choicesOf(heads) {
        return heads.map(({id, name}) => ({value: id, label: name}));
    }

    // ------------------------------------------------------------
    // CHANGES
    // ------------------------------------------------------------

    /**
     * @param {string} method of `notify.scheme`, that returns `{cells, before}`
     * @param {function(): any[]} args evaluated when earlier changes are through
     * @param {boolean} [isUndo]
     */
    change(method, args, isUndo = false) {
        if (!this.canEdit) {
            return;
        }
        return this.mutex.exec(async () => {
            try {
                const {cells, before} = await this.orm.call("notify.scheme", method, [
                    [this.resId],
                    ...args(),
                ]);
                for (const [key, cell] of Object.entries(cells)) {
                    if (cell) {
                        this.matrix.cells[key] = cell;
                    } else {
                        delete this.matrix.cells[key];
                    }
                }
                if (!isUndo) {
                    this.state.undo.push(before);
                }
            } catch (error) {
                if (!error.data) {
                    throw error;
                }
                this.notification.add(error.data.message, {type: "danger"});
            }
        });
    }

    cycle(event, role) {
        return this.change("cycle_cell", () => [event.id, role.id]);
    }

    /**
     * @param {Head} event
     * @param {Head} role
     * @param {Object} values of `notify.scheme.line`, `false` to remove it
     */
    set(event, role, values) {
        return this.change("set_cell", () => [event.id, role.id, values]);
    }

    toggle(event, role, name) {
        return this.change("set_cell", () => [
            event.id,
            role.id,
            {[name]: !this.cellOf(event, role)?.[name]},
        ]);
    }

    undo() {
        if (this.state.undo.length) {
            return this.change("set_cells", () => [this.state.undo.pop()], true);
        }
    }

    addEvent(id) {
        moveTo(this.matrix.addable.events, this.matrix.events, id);
    }

    addRole(id) {
        moveTo(this.matrix.addable.roles, this.matrix.roles, id);
    }

    /** Remove all cells of a row or a column; without cells it only leaves the screen. */
    async removeHead(kind, head) {
        const isEvent = kind === "events";
        const keys = Object.keys(this.matrix.cells).filter(
            (key) => Number(key.split("-")[isEvent ? 0 : 1]) === head.id
        );
        if (keys.length) {
            await this.change("set_cells", () => [
                Object.fromEntries(keys.map((key) => [key, false])),
            ]);
        }
        if (keys.every((key) => !this.matrix.cells[key]) && !keys.length) {
            moveTo(this.matrix[kind], this.matrix.addable[kind], head.id);
        }
    }

    // ------------------------------------------------------------
    // MOUSE AND KEYBOARD
    // ------------------------------------------------------------

    /** @param {Event} ev on a cell, or in it */
    openMenu(ev, event, role) {
        if (!this.canEdit) {
            return;
        }
        this.menuCell = ev.target.closest("td");
        this.menu.open(this.menuCell, {
            title: `${event.name} · ${role.name}`,
            model: this.props.record.data.model,
            fields: this.matrix.fields,
            cell: () => this.cellOf(event, role),
            toggle: (name) => this.toggle(event, role, name),
            set: (values) => this.set(event, role, values),
            close: () => this.menu.close(),
        });
    }

    // The tab key reaches one cell: the one that had the focus last. This is no state of the
    // component, since then each step of the keyboard would render the whole grid.

    /** @param {FocusEvent} ev */
    onFocusin(ev) {
        const cell = ev.target.closest("td[role=gridcell]");
        if (cell) {
            this.keepOneReachable(cell);
        }
    }

    /** @param {HTMLElement} [cell] without one, the first if there is none yet */
    keepOneReachable(cell) {
        const before = this.grid.el?.querySelector("td[tabindex='0']");
        if (cell && before) {
            before.tabIndex = -1;
        }
        const next = cell || (!before && this.grid.el?.querySelector("td[role=gridcell]"));
        if (next) {
            next.tabIndex = 0;
        }
    }

    /** @param {KeyboardEvent} ev */
    onKeydown(ev) {
        const cell = ev.target.closest("td[role=gridcell]");
        if (!cell || ev.altKey || ev.metaKey) {
            return;
        }
        const [row, column] = [Number(cell.dataset.row), Number(cell.dataset.column)];
        const event = this.matrix.events[row];
        const role = this.matrix.roles[column];
        const key = ev.key.toLowerCase();
        const step = stepOf(ev.key);
        if (ev.ctrlKey) {
            if (key !== "z") {
                return;
            }
            this.undo();
        } else if (step) {
            this.focusCell(row + step[1], column + step[0]);
        } else if (key === " " || key === "enter") {
            this.cycle(event, role);
        } else if (key === "m" || key === "contextmenu") {
            this.openMenu(ev, event, role);
        } else if (NAME_OF_KEY[key]) {
            this.toggle(event, role, NAME_OF_KEY[key]);
        } else {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
    }

    focusCell(row, column) {
        const lastRow = this.matrix.events.length - 1;
        const lastColumn = this.matrix.roles.length - 1;
        const to = [Math.max(0, Math.min(row, lastRow)), Math.max(0, Math.min(column, lastColumn))];
        this.grid.el.querySelector(`td[data-row="${to[0]}"][data-column="${to[1]}"]`)?.focus();
    }

    print() {
        window.print();
    }
}

/** Move the one with an id from one list to the other, if it is there. */
function moveTo(from, to, id) {
    const position = from.findIndex((head) => head.id === id);
    if (position >= 0) {
        to.push(...from.splice(position, 1));
    }
}

registry.category("view_widgets").add("notify_scheme_matrix", {component: SchemeMatrix});
