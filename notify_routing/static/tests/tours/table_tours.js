import {registry} from "@web/core/registry";
import {rpc} from "@web/core/network/rpc";

const TAB = ".o_notebook a[name=notify]";
const GRID = ".o-notify-TeamTable table[role=grid]";
const MENU = ".o-notify-LevelMenu";
const tours = registry.category("web_tour.tours");

/**
 * A cell's button.
 *
 * @param {string} who name, or "Whole team"
 * @param {string} model
 */
function cell(who, model) {
    return `${GRID} tr:has(th:contains("${who}")) button[data-model="${model}"]`;
}

/**
 * Steps that open the menu of a cell.
 *
 * @param {string} who
 * @param {string} model
 */
function open(who, model) {
    return [{trigger: cell(who, model), run: "click"}, {trigger: MENU}];
}

/**
 * Steps that choose a level in the open menu and wait until it holds.
 *
 * @param {string} level
 */
function choose(level) {
    return [
        {trigger: `${MENU} [data-level=${level}]`, run: "click"},
        {trigger: `${MENU}[aria-busy=false] [data-level=${level}][aria-checked=true]`},
    ];
}

function close() {
    return [
        {trigger: `${MENU} [role=menuitemradio]`, run: "press Escape"},
        {trigger: `body:not(:has(${MENU}))`},
    ];
}

/**
 * Steps that wait until a cell says something, as the row's own choice or not.
 *
 * @param {string} who
 * @param {string} model
 * @param {string} label
 * @param {"own"|"inherited"} [origin]
 */
function says(who, model, label, origin = "inherited") {
    return [{trigger: `${cell(who, model)} .o-notify-LevelChip-${origin}:contains("${label}")`}];
}

/**
 * @param {boolean} condition
 * @param {string} message
 */
function assert(condition, message) {
    if (!condition) {
        throw new Error(message);
    }
}

/** What has the focus, as "name of the row, document type". */
function focused() {
    const row = document.activeElement.closest("tr");
    return `${row?.querySelector("th").textContent.trim()}, ${document.activeElement.dataset.model}`;
}

/**
 * @param {string} expected
 */
function focusIsOn(expected) {
    assert(focused() === expected, `The focus is on "${focused()}" instead of "${expected}"`);
}

tours.add("notify_table_team", {
    steps: () => [
        {trigger: TAB, run: "click"},
        ...says("Whole team", "crm.lead", "Discussions"),
        // The team's default reaches its members at once.
        ...open("Whole team", "crm.lead"),
        {trigger: `${MENU} [data-level=default][aria-checked=true]`},
        ...choose("everything"),
        {trigger: `${MENU} .o-notify-LevelMenu-follow`, run: "click"},
        {trigger: `${MENU}[aria-busy=false] .o-notify-LevelMenu-follow[aria-checked=true]`},
        ...close(),
        ...says("Whole team", "crm.lead", "Everything", "own"),
        ...says("Anna", "crm.lead", "Everything"),
        {trigger: `${cell("Anna", "crm.lead")} .fa-eye`},
        // One member gets something else: chosen events, ticked one by one.
        ...open("Ben", "crm.lead"),
        {trigger: `${MENU}-now:contains("from team Europe")`},
        ...choose("custom"),
        {trigger: `${MENU} [role=menuitemcheckbox]:contains("Note")`, run: "click"},
        {
            trigger: `${MENU}[aria-busy=false] [role=menuitemcheckbox][aria-checked=false]:contains("Note")`,
        },
        {trigger: `${MENU} [data-level=default]:contains("Everything, from team Europe")`},
        ...close(),
        {trigger: `${cell("Ben", "crm.lead")} .o-notify-LevelChip-own:contains("events")`},
        // Chloé gets something else, and then again what the team gets.
        ...open("Chloé", "crm.lead"),
        ...choose("mentions"),
        ...choose("default"),
        ...close(),
        ...says("Chloé", "crm.lead", "Everything"),
    ],
});

tours.add("notify_table_default_on_the_document", {
    steps: () => [
        {trigger: ".o-mail-Chatter-topbar .o-notify-Bell", run: "click"},
        {trigger: '.o-notify-BellMenu-level:contains("Everything")'},
        {trigger: '.o-notify-BellMenu-because:contains("from team Europe")'},
    ],
});

tours.add("notify_table_conflict", {
    steps: () => [
        {trigger: TAB, run: "click"},
        ...open("Anna", "crm.lead"),
        {
            content: "another manager chooses meanwhile",
            trigger: MENU,
            run: async () => {
                const teamId = Number(location.pathname.split("/").at(-1));
                const row = document.querySelector(`${GRID} tr[data-user]:has(th [title=Anna])`);
                await rpc("/web/dataset/call_kw/notify.subscription.table/set_team", {
                    model: "notify.subscription.table",
                    method: "set_team",
                    args: [teamId, Number(row.dataset.user), "crm.lead", "mentions"],
                    kwargs: {},
                });
            },
        },
        {trigger: `${MENU} [data-level=everything]`, run: "click"},
        {trigger: '.o_notification:contains("Chloé changed this meanwhile")'},
        {trigger: `${MENU} [data-level=mentions][aria-checked=true]`},
        ...choose("everything"),
        ...close(),
        ...says("Anna", "crm.lead", "Everything", "own"),
    ],
});

tours.add("notify_table_keyboard", {
    steps: () => [
        {trigger: TAB, run: "click"},
        {
            trigger: `${cell("Whole team", "all")}[tabindex="0"]`,
            run: ({anchor}) => anchor.focus(),
        },
        {trigger: cell("Whole team", "all"), run: "press ArrowDown"},
        {trigger: cell("Chloé", "all"), run: "press ArrowRight"},
        {trigger: GRID, run: () => focusIsOn("Chloé, account.move")},
        {trigger: cell("Chloé", "account.move"), run: "press End"},
        {trigger: cell("Chloé", "sale.order"), run: "press ArrowRight"},
        {trigger: GRID, run: () => focusIsOn("Chloé, sale.order")},
        {trigger: cell("Chloé", "sale.order"), run: "press Home"},
        {trigger: cell("Chloé", "all"), run: "press ArrowUp"},
        {trigger: GRID, run: () => focusIsOn("Whole team, all")},
        {trigger: cell("Whole team", "all"), run: "press ArrowUp"},
        {trigger: GRID, run: () => focusIsOn("Whole team, all")},
        {
            trigger: GRID,
            run: () => {
                const reachable = document.querySelectorAll(`${GRID} td [tabindex="0"]`);
                assert(reachable.length === 1, `${reachable.length} cells can be reached by tab`);
            },
        },
        {trigger: cell("Whole team", "all"), run: "press Enter"},
        {trigger: `${MENU} [data-level=default]`, run: "press ArrowDown"},
        {trigger: `${MENU} [data-level=everything]:focus`, run: "press Enter"},
        {trigger: `${MENU}[aria-busy=false] [data-level=everything][aria-checked=true]`},
        ...close(),
        ...says("Whole team", "all", "Everything", "own"),
        {trigger: `${cell("Whole team", "all")}:focus`},
    ],
});

tours.add("notify_table_readonly", {
    steps: () => [
        {trigger: TAB, run: "click"},
        {trigger: `${GRID}[aria-readonly=true]`},
        ...says("Ben", "crm.lead", "Own default"),
        {trigger: "body:not(:has(.o-notify-TeamTable-apply))"},
        ...open("Whole team", "crm.lead"),
        {trigger: `${MENU}:not(:has([role=menuitemradio])):contains("Discussions")`},
    ],
});

tours.add("notify_table_empty", {
    steps: () => [
        {trigger: TAB, run: "click"},
        {trigger: ".o-notify-TeamTable-empty:contains(add them in the tab Members)"},
        {trigger: cell("Whole team", "crm.lead")},
        // A document type that teams have nothing to do with, and a choice for it.
        {trigger: ".o-notify-TeamTable-add input", run: "click"},
        {trigger: ".o_select_menu_item:contains(Contact)", run: "click"},
        ...open("Whole team", "res.partner"),
        {trigger: `${MENU}:not(:has(.o-notify-LevelMenu-follow)), ${MENU}`},
        ...choose("mentions"),
        ...close(),
        ...says("Whole team", "res.partner", "Only mentions", "own"),
    ],
});

tours.add("notify_table_large", {
    steps: () => [
        {trigger: TAB, run: "click"},
        {trigger: `${GRID} tbody tr:count(51)`},
        {trigger: ".o-notify-TeamTable-more:contains(11 left)", run: "click"},
        {trigger: `${GRID} tbody tr:count(62)`},
        {trigger: ".o-notify-TeamTable-filter", run: "edit mÉmber 05"},
        {trigger: `${GRID} tbody tr:count(11)`},
        {trigger: ".o-notify-TeamTable-filter", run: "edit nobody at all"},
        {trigger: `${GRID} tbody tr:count(1)`},
        {trigger: '.o-notify-TeamTable p:contains("No member has such a name")'},
    ],
});
