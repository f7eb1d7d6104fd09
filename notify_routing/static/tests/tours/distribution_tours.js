import {registry} from "@web/core/registry";

const DIALOG = ".modal-content.o-notify-Distribution";

/** Steps that choose a record by its name. */
function add(kind, text) {
    return [
        {trigger: `${DIALOG} .o-notify-Distribution-${kind} input`, run: `edit ${text}`},
        {trigger: `.o-autocomplete--dropdown-item:contains("${text}")`, run: "click"},
        {trigger: `${DIALOG} .o-notify-Distribution-name:contains("${text}")`},
    ];
}

registry.category("web_tour.tours").add("notify_distribution", {
    steps: () => [
        {trigger: ".o-mail-Chatter-topbar .o-notify-Bell", run: "click"},
        {trigger: ".o-notify-BellMenu-distribution", run: "click"},
        ...add("person", "Mister Client"),
        {trigger: `${DIALOG} li:contains("Mister Client") .badge:contains("external")`},
        ...add("list", "Site managers"),
        {trigger: `${DIALOG} li:contains("Site managers"):contains("2 people")`},
        {
            trigger: `${DIALOG} li:contains("Mister Client") .o-notify-Distribution-remove`,
            run: "click",
        },
        {trigger: `${DIALOG}:not(:has(li:contains("Mister Client")))`},
        {trigger: `${DIALOG} footer button:contains("Close")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ],
});
