import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const BOARD = ".o-notify-Board";

/** @param {string} name of a figure */
const figure = (name) => `${BOARD} [data-figure=${name}]`;

/** Steps from a list back to the board. */
const back = () => [
    {trigger: ".breadcrumb-item a:contains(Board)", run: "click"},
    {trigger: figure("sent")},
];

const bothHeld = () => [
    {trigger: '.o_list_view .o_data_row:contains("waits@"):contains("Held until")'},
    {trigger: '.o_list_view .o_data_row:contains("left@"):contains("Sent")'},
];

tours.add("notify_board", {
    steps: () => [
        // The app opens with it.
        {trigger: `${figure("sent")} .fs-2:contains("2")`},
        {trigger: `${figure("failed")} .fs-2:contains("1")`},
        {trigger: `${BOARD} canvas[aria-label*="Sent: 2"]`},
        {
            trigger: `${BOARD} [data-list=people] li:contains("client@customer.example"):contains("2")`,
        },
        {trigger: `${BOARD} [data-list=reasons] li:contains("muted the document")`},
        // The figures are doors into the lists.
        {trigger: figure("failed"), run: "click"},
        {trigger: ".o_searchview_facet:contains(Failed)"},
        {trigger: ".o_searchview_facet:contains(Last 24 Hours)"},
        {
            trigger:
                '.o_list_view:not(:has(.o_data_row:contains("client@"))) .o_data_row:contains("bad@")',
        },
        ...back(),
        {trigger: `${BOARD} [data-list=people] button:contains("client@")`, run: "click"},
        {trigger: '.o_list_view .o_data_row:contains("client@customer.example")'},
        ...back(),
        // The chart's table, and from one of its hours into the list.
        {trigger: `${BOARD}-table summary`, run: "click"},
        {trigger: `${BOARD}-table td:nth-child(2) button:contains("2")`, run: "click"},
        {trigger: '.o_list_view .o_data_row:contains("client@customer.example")'},
        ...back(),
        // What was held counts whether it waits or has left, and both are in the list.
        {trigger: `${figure("held")}:contains("1 wait now") .fs-2:contains("2")`},
        {trigger: figure("held"), run: "click"},
        {trigger: ".o_searchview_facet:contains(Held)"},
        ...bothHeld(),
        ...back(),
        {trigger: `${BOARD}-table summary`, run: "click"},
        {trigger: `${BOARD}-table td:nth-child(3) button:contains("2")`, run: "click"},
        ...bothHeld(),
        ...back(),
        {trigger: `${BOARD} [data-period=week]`, run: "click"},
        {trigger: `${BOARD} [data-period=week][aria-pressed=true]`},
        {trigger: `${figure("sent")} .fs-2:contains("3")`},
    ],
});

tours.add("notify_board_empty", {
    steps: () => [
        {trigger: `${BOARD}-empty:contains("Nothing has been sent yet")`},
        {trigger: `${BOARD}-refresh:not(:disabled)`, run: "click"},
        {trigger: `${BOARD}-empty`},
    ],
});

tours.add("notify_board_red", {
    steps: () => [
        {
            trigger:
                `${BOARD}-trouble[data-state=red]:contains("Outgoing server: Broken")` +
                ":contains('Correct the name.')",
        },
        {trigger: `${BOARD} [data-list=servers] li:contains("Broken") .text-bg-danger`},
        {trigger: `${BOARD}-trouble:contains("Outgoing server: Broken")`, run: "click"},
        {trigger: ".o_form_view .o_field_widget[name=sentence]:contains('Correct the name.')"},
        {trigger: ".o_form_view .o_field_widget[name=evidence]"},
        // And to the server itself, where it is mended.
        {trigger: "button[name=action_open_target]", run: "click"},
        {trigger: ".o_form_view .o_field_widget[name=smtp_host] input"},
    ],
});
