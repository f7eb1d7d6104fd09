import {localization} from "@web/core/l10n/localization";

/**
 * Where a key leads in a grid, as steps to the right and down; `Infinity` is the end of a row.
 *
 * @param {string} key
 * @returns {[number, number]|undefined}
 */
export function stepOf(key) {
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
