import {registry} from "@web/core/registry";

const DIALOG = ".modal-content.o-notify-Simulate";

/** @param {string} name of the person */
const row = (name, channel, state, text) =>
    `${DIALOG} tbody[data-name="${name}"] tr[data-channel=${channel}][data-state=${state}]` +
    `:contains("${text}")`;

registry.category("web_tour.tours").add("notify_simulate_scheme", {
    steps: () => [
        {trigger: "button[name=action_simulate]", run: "click"},
        {trigger: `${DIALOG} .o-notify-Simulate-document input`, run: "edit Document of Anna"},
        {trigger: ".o-autocomplete--dropdown-item:contains('Document of Anna')", run: "click"},
        {trigger: row("Anna", "email", "now", "has a role that the scheme tells of this")},
        {trigger: row("Ben", "email", "suppressed", "muted the document with the bell")},
        {trigger: `${DIALOG} .o-notify-Simulate-event`, run: "selectByLabel Message or answer"},
        {trigger: `${DIALOG}:contains("does not list this event")`},
        {trigger: `${DIALOG} .o-notify-Simulate-event`, run: "selectByLabel Note"},
        {trigger: `${DIALOG} tbody[data-name="Anna"] .o-notify-Simulate-line`, run: "click"},
        {trigger: ".modal .o_field_widget[name=role_id] input:value('Follower')"},
    ],
});

registry.category("web_tour.tours").add("notify_simulate_message", {
    steps: () => [
        {
            trigger: '.o-mail-Message:contains("Look at this")',
            run: "hover && click .o-mail-Message:contains('Look at this') [title='Expand']",
        },
        {
            trigger: ".o-dropdown-item:contains('Simulate who would be told')",
            run: "click",
        },
        {trigger: row("Anna", "email", "now", "has a role that the scheme tells of this")},
        {trigger: `${DIALOG} footer button:contains("Close")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ],
});
