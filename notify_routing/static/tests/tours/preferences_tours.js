import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const MENU = ".o-notify-LevelMenu";

/** Steps that open My Preferences the way people do. */
function openPreferences() {
    return [
        {trigger: ".o_user_menu button", run: "click"},
        {trigger: ".o-dropdown--menu [data-menu=preferences]", run: "click"},
        {trigger: ".modal .o_field_widget[name=notification_type]"},
    ];
}

/**
 * Steps that choose how to be told: both is in Odoo, and by e-mail as well.
 *
 * @param {string} channel
 */
function choose(channel) {
    const stock = channel === "email" ? "email" : "inbox";
    const radio = `.o_field_widget[name=notification_type] input[data-value=${stock}]`;
    const steps = [{trigger: radio, run: "click"}, {trigger: `${radio}:checked`}];
    if (channel === "both") {
        steps.push({trigger: ".o_field_widget[name=notify_both] input", run: "click"});
    }
    return [...steps, ...chosen(channel)];
}

/**
 * Steps that look at what is chosen.
 *
 * @param {string} channel
 */
function chosen(channel) {
    const both = ".o_field_widget[name=notify_both]";
    if (channel === "email") {
        return [{trigger: `.o_form_view:not(:has(${both}))`}];
    }
    const checked = channel === "both" ? ":checked" : ":not(:checked)";
    return [{trigger: `${both} input${checked}`}];
}

for (const channel of ["email", "inbox", "both"]) {
    tours.add(`notify_preferences_${channel}`, {
        steps: () => [
            ...openPreferences(),
            ...choose(channel),
            {
                trigger: ".modal button[name=preference_save]",
                run: "click",
                expectUnloadPage: true,
            },
            {trigger: "body:not(:has(.modal)) .o_user_menu"},
            ...openPreferences(),
            ...chosen(channel),
        ],
    });
}

/**
 * A row of the table of one's own defaults.
 *
 * @param {string} model
 */
function row(model) {
    return `.o-notify-MyTable tr[data-model="${model}"]`;
}

tours.add("notify_preferences_by_type", {
    steps: () => [
        ...openPreferences(),
        {trigger: ".modal a[name=notify]", run: "click"},
        {trigger: `${row("crm.lead")}:contains("from team Europe")`},
        {trigger: `${row("crm.lead")} .o-notify-MyTable-level`, run: "click"},
        {trigger: `${MENU} [data-level=default][aria-checked=true]:contains("Everything")`},
        {trigger: `${MENU} [data-level=mentions]`, run: "click"},
        {trigger: `${MENU}[aria-busy=false] [data-level=mentions][aria-checked=true]`},
        {trigger: `${MENU} [data-level=mentions]`, run: "press Escape"},
        {
            trigger: `${row("crm.lead")} .o-notify-LevelChip-own:contains("Only mentions")`,
        },
        {trigger: `${row("crm.lead")}:contains("your own default")`},
        {trigger: `${row("crm.lead")} select:first`, run: "select both"},
        {trigger: ".o-notify-MyTable[aria-busy=false]"},
        // Another document type, which is not followed yet.
        {trigger: ".o-notify-MyTable-add input", run: "click"},
        {trigger: '.o_select_menu_item:contains("Calendar Event")', run: "click"},
        {trigger: `${row("calendar.event")} .o-notify-MyTable-level`, run: "click"},
        {trigger: `${MENU} [data-level=everything]`, run: "click"},
        {trigger: `${MENU}[aria-busy=false] [data-level=everything][aria-checked=true]`},
        {trigger: `${MENU} [data-level=everything]`, run: "press Escape"},
        {trigger: `${row("calendar.event")} .o-notify-LevelChip-own:contains("Everything")`},
        // All of that holds without saving the form.
        {trigger: ".modal button[special=cancel]", run: "click"},
        {trigger: "body:not(:has(.modal))"},
        ...openPreferences(),
        {trigger: ".modal a[name=notify]", run: "click"},
        {trigger: `${row("calendar.event")} .o-notify-LevelChip-own:contains("Everything")`},
        {trigger: `${row("crm.lead")} select:first:value(both)`},
    ],
});

tours.add("notify_preferences_of_another_user", {
    steps: () => [
        {trigger: ".o_notebook a[name=preferences]", run: "click"},
        ...choose("both"),
        {trigger: ".o_form_button_save", run: "click"},
        {trigger: ".o_form_saved"},
    ],
});
