import {registry} from "@web/core/registry";

const cell = (key) => `.o-notify-Matrix td[data-cell="${key}"]`;

/** Steps that click a cell and wait until it shows exactly these channels. */
function clickTo(key, ...channels) {
    return [{trigger: cell(key), run: "click"}, shows(key, ...channels)];
}

function shows(key, ...channels) {
    const has = channels.map((name) => `:has([data-name=${name}])`).join("");
    const not = ["prefer", "email", "inbox", "off"]
        .filter((name) => !channels.includes(name))
        .map((name) => `:not(:has([data-name=${name}]))`)
        .join("");
    return {trigger: `${cell(key)}${has}${not}`};
}

/** @param {string} key of the keyboard */
function press(key, where) {
    return {trigger: `${cell(where)}:focus`, run: `press ${key}`};
}

registry.category("web_tour.tours").add("notify_scheme_matrix", {
    steps: () => [
        {trigger: ".o-notify-Matrix-table[role=grid]"},
        // The mouse: all the choices, and round again.
        ...clickTo("note-creator", "off"),
        ...clickTo("note-creator", "prefer"),
        ...clickTo("note-creator", "email"),
        ...clickTo("note-creator", "inbox"),
        ...clickTo("note-creator", "email", "inbox"),
        ...clickTo("note-creator", "off"),
        {trigger: ".o-notify-Matrix-undo:enabled", run: "click"},
        shows("note-creator", "email", "inbox"),
        // The keyboard alone.
        {trigger: cell("note-creator"), run: ({anchor}) => anchor.focus()},
        press("ArrowRight", "note-creator"),
        press("Space", "note-follower"),
        shows("note-follower", "inbox"),
        press("u", "note-follower"),
        {trigger: `${cell("note-follower")} [data-name=urgent]`},
        {
            trigger: `${cell("note-follower")}[aria-label*="In Odoo; Urgent"]:focus`,
            run: "press m",
        },
        {trigger: ".o-notify-CellMenu button[data-name=prefer]:focus"},
        {trigger: ".o-notify-CellMenu-wait", run: "edit 15 && press Enter"},
        {trigger: `${cell("note-follower")}[aria-label*="waits 15 min"]`},
        {trigger: ".o-notify-CellMenu [data-name=mandatory]", run: "click"},
        {
            trigger: ".o-notify-CellMenu [data-name=mandatory][aria-checked=true]",
            run: "press Escape",
        },
        {trigger: `${cell("note-follower")}:focus [data-name=mandatory]`},
        press("Control+z", "note-follower"),
        {trigger: `${cell("note-follower")}:not(:has([data-name=mandatory]))`},
        // One more role, from those that fit.
        {trigger: ".o-notify-Matrix-addRole .o_select_menu_toggler", run: "click"},
        {trigger: ".o_select_menu_item:contains('Team leader')", run: "click"},
        ...clickTo("note-leader", "prefer"),
    ],
});

registry.category("web_tour.tours").add("notify_scheme_compare", {
    steps: () => [
        {trigger: "button[name=action_compare]", run: "click"},
        {trigger: ".o-notify-Compare select", run: "selectByLabel Other"},
        {
            trigger:
                ".o-notify-Compare tbody tr:contains('Note'):contains('Creator'):contains('Off')",
        },
        {trigger: ".o-notify-Compare tbody tr:contains('Follower'):contains('—')"},
    ],
});
