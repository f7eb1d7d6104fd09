import {registry} from "@web/core/registry";

const DIALOG = ".o-mail-FollowerSubtypeDialog";
const QUESTION = ".modal:contains('Tell an external of internal events?')";

/** Steps that open the choice of what Mister Client is told of, and tick Note. */
function tickNote() {
    return [
        {trigger: ".o-mail-Followers-button:enabled", run: "click"},
        {
            trigger: ".o-mail-Follower:contains('Mister Client') [aria-label='Edit subscription']",
            run: "click",
        },
        {trigger: `${DIALOG} label:contains("Note") .badge:contains("internal")`},
        {trigger: `${DIALOG} label:contains("Discussions"):not(:has(.badge))`},
        {trigger: `${DIALOG} label:contains("Note") input`, run: "check"},
    ];
}

registry.category("web_tour.tours").add("notify_externals_cancel", {
    steps: () => [
        ...tickNote(),
        {trigger: `${DIALOG} button:contains("Apply")`, run: "click"},
        {trigger: `${QUESTION} main:contains("Mister Client"):contains("Note")`},
        {trigger: `${QUESTION} button:contains("Cancel")`, run: "click"},
        {trigger: `body:not(:has(${QUESTION}))`},
        {trigger: `${DIALOG} label:contains("Note") input:checked`},
        {trigger: `${DIALOG} button:contains("Cancel")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ],
});

registry.category("web_tour.tours").add("notify_externals_confirm", {
    steps: () => [
        ...tickNote(),
        {trigger: `${DIALOG} button:contains("Apply")`, run: "click"},
        {trigger: `${QUESTION} button:contains("Tell them")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
        {
            trigger:
                ".o-mail-Message:contains('decided that Mister Client'):contains('will be told of: Note')",
        },
        // What was confirmed is not asked again.
        {trigger: ".o-mail-Followers-button:enabled", run: "click"},
        {
            trigger: ".o-mail-Follower:contains('Mister Client') [aria-label='Edit subscription']",
            run: "click",
        },
        {trigger: `${DIALOG} label:contains("Note") input:checked`},
        {trigger: `${DIALOG} button:contains("Apply")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ],
});

registry.category("web_tour.tours").add("notify_externals_colleague", {
    steps: () => [
        {trigger: ".o-mail-Followers-button:enabled", run: "click"},
        {
            trigger: ".o-mail-Follower:contains('Ben') [aria-label='Edit subscription']",
            run: "click",
        },
        {trigger: `${DIALOG} label:contains("Note"):not(:has(.badge)) input`, run: "check"},
        {trigger: `${DIALOG} button:contains("Apply")`, run: "click"},
        {trigger: `body:not(:has(${DIALOG}))`},
    ],
});
