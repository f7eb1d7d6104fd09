import {registry} from "@web/core/registry";

const DIALOG = ".modal-content.o-notify-Why";

/**
 * Steps that ask of a message in the chatter who was told.
 *
 * @param {string} text of the message
 */
function askWhy(text) {
    return [
        {
            trigger: `.o-mail-Message:contains("${text}")`,
            run: `hover && click .o-mail-Message:contains("${text}") [title='Expand']`,
        },
        {trigger: ".o-dropdown-item:contains('Who was told and why')", run: "click"},
        {trigger: `${DIALOG} .o-notify-Why-event`},
    ];
}

/** @param {string} row part of a row's selector */
function close(row) {
    return [
        {trigger: `${DIALOG} ${row}`},
        {trigger: `${DIALOG} footer button:contains("Close")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ];
}

registry.category("web_tour.tours").add("notify_why", {
    steps: () => [
        ...askWhy("Hello everybody"),
        {trigger: `${DIALOG} .o-notify-Why-event:contains("Message")`},
        {trigger: `${DIALOG} tbody tr:eq(0):contains("Anna"):contains("from team Europe")`},
        {trigger: `${DIALOG} tbody tr:eq(0):not(:contains("external"))`},
        {
            trigger:
                `${DIALOG} tbody tr:eq(1):contains("Mister Client"):contains("client@customer.example")` +
                ":contains('was chosen as recipient')",
        },
        {trigger: `${DIALOG} tbody tr:eq(1) .badge:contains("external")`},
        ...close("tbody tr:eq(1) .text-bg-danger:contains('Exception')"),
        ...askWhy("To nobody"),
        ...close(".o-notify-Why-nobody:contains('Nobody was told of this message.')"),
    ],
});

registry.category("web_tour.tours").add("notify_why_keyboard", {
    steps: () => [
        {
            trigger: '.o-mail-Message:contains("Hello everybody")',
            async run(helpers) {
                const actions = this.anchor.querySelector("[title='Expand']");
                actions.focus();
                if (document.activeElement !== actions) {
                    throw new Error("The keyboard does not reach the actions of a message.");
                }
                await helpers.press("Enter");
            },
        },
        {
            trigger: ".o-dropdown-item:contains('Who was told and why')",
            async run(helpers) {
                this.anchor.focus();
                await helpers.press("Enter");
            },
        },
        {trigger: `${DIALOG} .o-notify-Why-event`},
        {trigger: `${DIALOG}:has(:focus)`, run: "press Escape"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ],
});
