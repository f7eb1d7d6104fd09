import {registry} from "@web/core/registry";

const PERSON = ".o-notify-WillBeTold-person";

registry.category("web_tour.tours").add("notify_preview", {
    steps: () => [
        {trigger: ".o-mail-Chatter-sendMessage", run: "click"},
        {trigger: ".o-notify-WillBeTold-button", run: "click"},
        {trigger: `${PERSON}.text-bg-light:contains("Anna"):contains("E-mail")`},
        {trigger: `${PERSON}.text-bg-light:contains("Ben"):contains("In Odoo")`},
        {trigger: `body:not(:has(${PERSON}:contains("Mister Client")))`},
        // A mention is a recipient: the list follows.
        {trigger: ".o-mail-Composer-input", run: "edit Hello @Mister"},
        {trigger: ".o-mail-Composer-suggestion:contains('Mister Client')", run: "click"},
        {trigger: `${PERSON}.text-bg-warning:contains("Mister Client"):contains("external")`},
        // Of a note the scheme tells Ben by e-mail.
        {trigger: ".o-mail-Chatter-logNote", run: "click"},
        {trigger: `${PERSON}:contains("Ben"):contains("E-mail")`},
        {trigger: `${PERSON}.text-bg-warning:contains("Mister Client"):contains("external")`},
    ],
});
