import {registry} from "@web/core/registry";

const BELL = ".o-mail-Chatter-topbar .o-notify-Bell";
const MENU = ".o-notify-Bell-menu";

/** Steps that open the bell's menu and wait for what the server says. */
function openBell() {
    return [{trigger: BELL, run: "click"}, {trigger: `${MENU} .o-notify-BellMenu-level`}];
}

/**
 * Steps that wait until the menu says what one is told of and why.
 *
 * @param {string} level
 * @param {string} because
 */
function told(level, because) {
    return [
        {trigger: `${MENU} .o-notify-BellMenu-level:contains("${level}")`},
        {trigger: `${MENU} .o-notify-BellMenu-because:contains("${because}")`},
    ];
}

/**
 * Walk down the menu to one of its choices.
 *
 * @param {string} selector
 * @param {Object} helpers of the tour
 */
async function walkTo(selector, helpers) {
    const choices = document.querySelectorAll(`${MENU} .o-navigable`);
    for (let i = 0; i < choices.length && !document.activeElement.matches(selector); i++) {
        await helpers.press("ArrowDown");
        // The menu sets the focus with the next frame.
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    }
}

/** How often the client has asked a method of `notify.bell`. */
function countCalls(method) {
    return performance
        .getEntriesByType("resource")
        .filter((entry) => entry.name.includes(`/notify.bell/${method}`)).length;
}

/**
 * @param {string} method of `notify.bell`
 * @param {number} times
 */
function assertCalls(method, times) {
    const found = countCalls(method);
    if (found !== times) {
        throw new Error(`notify.bell.${method} was called ${found} times instead of ${times}`);
    }
}

registry.category("web_tour.tours").add("notify_bell_precedence", {
    steps: () => [
        {
            trigger: `${BELL}[title="Notifications: you follow this"] .fa-bell`,
            run: () => assertCalls("", 0),
        },
        ...openBell(),
        ...told("Everything", "from team Europe"),
        {trigger: `${MENU} .o-notify-BellMenu-channel:contains("By e-mail")`},
        {trigger: `${MENU} [data-level=everything][aria-checked=true]`},
        {
            trigger: `${MENU}:not(:has(.o-notify-BellMenu-reset))`,
            run: () => assertCalls("read_bell", 1),
        },
        // One click, one call, at once.
        {trigger: `${MENU} [data-level=discussions]`, run: "click"},
        ...told("Discussions", "your choice"),
        {
            trigger: `${MENU} [data-level=discussions][aria-checked=true]`,
            run: () => assertCalls("", 2),
        },
        // Undo brings back the team's default as such.
        // The menu has gone by then.
        {trigger: ".o_notification:contains('Discussions') button:contains('Undo')", run: "click"},
        {trigger: ".o_notification:contains('Undone. You are told: Everything')"},
        {trigger: `body:not(:has(${MENU}))`},
        ...openBell(),
        ...told("Everything", "from team Europe"),
        {trigger: `${MENU}:not(:has(.o-notify-BellMenu-reset))`},
        // Chosen events.
        {
            trigger: `${MENU} [role=menuitemcheckbox]:contains("Note"):contains("internal")`,
            run: "click",
        },
        ...told("Chosen events", "your choice"),
        {
            trigger: `${MENU} [role=menuitemcheckbox][aria-checked=false]:contains("Note")`,
        },
        // Mute, and back.
        {trigger: `${MENU} [data-level=mute]`, run: "click"},
        ...told("Only mentions (muted)", "your choice"),
        {trigger: `${BELL}[title="Notifications: muted"] .fa-bell-slash`},
        {
            trigger: `${MENU} .o-notify-BellMenu-reset:contains("(Everything, from team Europe)")`,
            run: "click",
        },
        ...told("Everything", "from team Europe"),
        {trigger: `${BELL} .fa-bell`},
        {trigger: ".o-mail-Followers-button:contains(1)"},
        // Stop following, and follow again.
        {trigger: `${MENU} .o-notify-BellMenu-leave`, run: "click"},
        ...told("Only what is addressed to you", "you do not follow this document"),
        {trigger: `${BELL}[title="Notifications: you do not follow this"] .fa-bell-o`},
        {trigger: ".o-mail-Followers-button:contains(0)"},
        {trigger: `${MENU}:not(:has(.o-notify-BellMenu-leave))`},
        {trigger: `${MENU} [data-level=mentions]`, run: "click"},
        ...told("Only mentions", "your choice"),
        {trigger: ".o-mail-Followers-button:contains(1)"},
        {trigger: `${BELL} .fa-bell`},
        {trigger: BELL, run: "click"},
        {trigger: `body:not(:has(${MENU}))`},
    ],
});

registry.category("web_tour.tours").add("notify_bell_keyboard", {
    steps: () => [
        {
            trigger: `${BELL}[aria-haspopup=menu]`,
            async run(helpers) {
                this.anchor.focus();
                await helpers.press("Enter");
            },
        },
        // The keyboard starts on the level that holds, and moves from there.
        {trigger: `${MENU}[role=menu] [data-level=discussions]:focus`, run: "press ArrowUp"},
        {trigger: `${MENU} [data-level=everything]:focus`, run: "press Enter"},
        ...told("Everything", "your choice"),
        {trigger: `${MENU} [data-level=everything][aria-checked=true]:focus`, run: "press End"},
        {trigger: `${MENU} .o-navigable:last:focus`, run: "press ArrowDown"},
        {trigger: `${MENU} [data-level=everything]:focus`, run: "press ArrowDown"},
        {trigger: `${MENU} [data-level=discussions]:focus`, run: "press ArrowDown"},
        {trigger: `${MENU} [data-level=mentions]:focus`, run: "press ArrowDown"},
        {trigger: `${MENU} [data-level=mute]:focus`, run: "press Enter"},
        ...told("Only mentions (muted)", "your choice"),
        {trigger: `${MENU} [data-level=mute]:focus`, run: "press ArrowDown"},
        {
            trigger: `${MENU} [role=menuitemcheckbox]:first:focus`,
            run: "press Enter",
        },
        {trigger: `${MENU} [role=menuitemcheckbox][aria-checked=true]:first:focus`},
        ...told("Discussions", "your choice"),
        {
            trigger: `${MENU} [role=menuitemcheckbox]:first:focus`,
            run: (helpers) => walkTo(".o-notify-BellMenu-reset", helpers),
        },
        // The button goes when it is pressed: the next key must not press its neighbour.
        {trigger: `${MENU} .o-notify-BellMenu-reset:focus`, run: "press Enter"},
        ...told("Discussions", "Odoo's default"),
        {trigger: `${MENU} [data-level=discussions]:focus`, run: "press Escape"},
        {trigger: `body:not(:has(${MENU})) ${BELL}:focus`, run: "press Enter"},
        {trigger: `${MENU} [data-level=discussions]:focus`},
    ],
});

registry.category("web_tour.tours").add("notify_bell_many_clicks", {
    steps: () => [
        ...openBell(),
        {
            trigger: `${MENU} [role=menuitemcheckbox]`,
            run() {
                // Faster than the server answers: no click may be lost.
                for (const box of document.querySelectorAll(`${MENU} [role=menuitemcheckbox]`)) {
                    box.click();
                }
            },
        },
        ...told("Everything", "your choice"),
        {trigger: `${MENU}:not(:has([role=menuitemcheckbox][aria-checked=false]))`},
    ],
});

registry.category("web_tour.tours").add("notify_bell_refused", {
    steps: () => [
        // The document was deleted after the page was loaded.
        {
            trigger: `${BELL}:enabled`,
            async run() {
                const id = Number(location.pathname.split("/").pop());
                await odoo.__WOWL_DEBUG__.root.env.services.orm.unlink("res.partner", [id]);
            },
        },
        {trigger: BELL, run: "click"},
        {trigger: `${MENU} [role=alert]:contains("does not exist any more")`},
        {trigger: `${MENU} [role=alert] button:contains("Try again")`, run: "click"},
        {trigger: `${MENU} [role=alert]:contains("does not exist any more")`},
    ],
});

registry.category("web_tour.tours").add("notify_bell_unsaved", {
    steps: () => [{trigger: `${BELL}:disabled`}],
});
