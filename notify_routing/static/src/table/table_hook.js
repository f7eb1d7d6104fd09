import {markRaw, onWillStart, useComponent, useState} from "@odoo/owl";
import {LevelMenu} from "@notify_routing/table/level_menu";
import {Mutex} from "@web/core/utils/concurrency";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {hasTouch} from "@web/core/browser/feature_detection";
import {rpcErrorText} from "@notify_routing/table/words";
import {usePopover} from "@web/core/popover/popover_hook";
import {useService} from "@web/core/utils/hooks";

/**
 * What counts for somebody on a document type; see `notify.subscription.table._cell`.
 *
 * @typedef {Object} Cell
 * @property {string} level
 * @property {number[]} subtype_ids
 * @property {boolean} auto_follow
 * @property {string} origin
 * @property {string} because
 * @property {boolean} is_outranked
 * @property {false | {level: string, subtype_ids: number[], auto_follow: boolean, stamp: string,
 *     otherwise: {level: string, subtype_ids: number[], because: string}}} own
 *
 * @typedef {Object} Kind a document type
 * @property {string|false} model `false` for all document types
 * @property {string} name
 * @property {boolean} has_team
 * @property {{id: number, name: string, internal: boolean}[]} subtypes
 *
 * @typedef {{id: string, name: string, help: string}} Level
 *
 * @typedef {Object} Choice `level` is `false` to choose nothing
 * @property {string|false} level
 * @property {number[]} [subtype_ids]
 * @property {boolean} [auto_follow]
 *
 * @typedef {Object} Place one cell, wherever the table is by now
 * @property {string} title whose default it is, on what
 * @property {Kind} kind
 * @property {boolean} isOfTeam whether the team's documents can be followed
 * @property {function(Object): Cell} cell given what the server says
 * @property {function(function(Cell): Choice): Promise<void>} choose
 */

/** The menu looks as those of Odoo's own dropdowns. */
const MENU_CLASS = "o-dropdown--menu dropdown-menu mx-0 p-0";

/**
 * A table of defaults: reads it, changes its cells one after the other, opens the menu of a cell.
 *
 * @param {Object} options
 * @param {function(string[]): Promise<Object>} options.read given the document types to show besides
 */
export function useDefaultsTable({read}) {
    const component = useComponent();
    const notification = useService("notification");
    const ui = useService("ui");
    /** Clicks apply one after the other, each on what the last one left. */
    const mutex = new Mutex();
    const state = useState({
        /** @type {Object|undefined} what the server says, always replaced as a whole */
        table: undefined,
        /** @type {string|undefined} */
        error: undefined,
        isBusy: false,
        /** @type {string[]} document types that were added and have no choice yet */
        added: [],
    });
    /** @type {HTMLElement} where the menu was opened, and the keyboard goes on afterwards */
    let opener;
    const onClose = () =>
        browser.setTimeout(() => {
            // The menu may still be there, on its way out.
            const {activeElement, body} = document;
            if (activeElement === body || activeElement.closest(".o-notify-LevelMenu")) {
                opener.focus();
            }
        });
    const popover = usePopover(LevelMenu, {
        animation: false,
        arrow: false,
        onClose,
        popoverClass: MENU_CLASS,
        position: "bottom-start",
        setActiveElement: true,
    });
    const sheet = usePopover(LevelMenu, {
        class: `${MENU_CLASS} show`,
        onClose,
        useBottomSheet: true,
    });

    async function load() {
        state.error = undefined;
        try {
            state.table = markRaw(await read(state.added));
        } catch (error) {
            state.error = rpcErrorText(error);
        }
    }

    /**
     * @param {function(): Promise<{conflict: string|false, table: Object}>} change
     */
    function apply(change) {
        return mutex.exec(async () => {
            state.isBusy = true;
            try {
                const {conflict, table} = await change();
                state.table = markRaw(table);
                if (conflict) {
                    notification.add(conflict, {type: "warning", title: _t("Nothing was changed")});
                }
            } catch (error) {
                notification.add(rpcErrorText(error), {type: "danger"});
            } finally {
                state.isBusy = false;
            }
        });
    }

    /**
     * @param {HTMLElement} target
     * @param {Place} place
     */
    function openMenu(target, place) {
        const props = {state, place, levels: state.table.levels, isReadonly: component.isReadonly};
        opener = target;
        (ui.isSmall && hasTouch() ? sheet : popover).open(target, props);
    }

    /** @param {string} model */
    function addKind(model) {
        state.added.push(model);
        return mutex.exec(load);
    }

    onWillStart(() => {
        // The form is not kept waiting.
        load();
    });
    return {state, apply, openMenu, addKind, reload: () => mutex.exec(load)};
}
