import {useEffect, useExternalListener} from "@odoo/owl";
import {localization} from "@web/core/l10n/localization";

/**
 * Where a key leads, as steps to the right and down; `Infinity` is the end of a row.
 *
 * @param {string} key
 * @returns {[number, number]|undefined}
 */
function stepOf(key) {
    const right = localization.direction === "rtl" ? -1 : 1;
    return {
        ArrowRight: [right, 0],
        ArrowLeft: [-right, 0],
        ArrowDown: [0, 1],
        ArrowUp: [0, -1],
        Home: [-Infinity, 0],
        End: [Infinity, 0],
    }[key];
}

/**
 * Moves between the buttons of a table with the arrow keys. One of them can be reached with the tab
 * key: the one that had the focus last.
 *
 * @param {{el: HTMLElement|null}} ref the table
 */
export function useGridKeys(ref) {
    const buttonsOf = (row) => [...row.querySelectorAll("td button")];
    const rows = () =>
        [...ref.el.querySelectorAll("tbody tr")].map(buttonsOf).filter((row) => row.length);

    function keepOneReachable(button) {
        for (const other of rows().flat()) {
            other.tabIndex = other === button ? 0 : -1;
        }
    }

    useEffect(() => {
        if (ref.el && !ref.el.querySelector("td button[tabindex='0']")) {
            keepOneReachable(rows()[0]?.[0]);
        }
    });
    useExternalListener(window, "focusin", ({target}) => {
        if (target.matches?.("td button") && ref.el?.contains(target)) {
            keepOneReachable(target);
        }
    });
    useExternalListener(window, "keydown", (ev) => {
        const step = stepOf(ev.key);
        if (!step || !ref.el?.contains(ev.target) || !ev.target.matches("td button")) {
            return;
        }
        const grid = rows();
        const row = grid.findIndex((buttons) => buttons.includes(ev.target));
        const column = grid[row].indexOf(ev.target);
        const next = grid[Math.max(0, Math.min(row + step[1], grid.length - 1))];
        next[Math.max(0, Math.min(column + step[0], next.length - 1))].focus();
        ev.preventDefault();
    });
}
