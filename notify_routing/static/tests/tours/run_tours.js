import {registry} from "@web/core/registry";

const BAR = ".o-notify-RunProgress";

/**
 * Steps that wait until the bar stands somewhere.
 *
 * @param {string} state
 * @param {string} label
 */
function standsAt(state, label) {
    return [{trigger: `${BAR}[data-state=${state}]:contains("${label}")`, timeout: 30000}];
}

registry.category("web_tour.tours").add("notify_run", {
    steps: () => [
        {trigger: ".o_notebook a[name=notify]", run: "click"},
        {trigger: ".o-notify-TeamTable-apply", run: "click"},
        // The preview says what would happen, and nothing has.
        {trigger: ".o_form_view .alert-info:contains(Nothing has been changed yet)"},
        {trigger: ".o_field_widget[name=change_count]:contains(6)"},
        {trigger: ".o_field_widget[name=kept_count]:contains(1)"},
        {trigger: ".o_field_widget[name=document_types]:contains(Lead)"},
        {trigger: ".o_statusbar_buttons button[name=action_start]", run: "click"},
        // Without reloading the page: the bar asks how far it is.
        ...standsAt("running", "0 of 7"),
        ...standsAt("running", "3 of 7"),
        {trigger: ".o_statusbar_buttons button[name=action_cancel]", run: "click"},
        ...standsAt("cancelled", "of 7"),
        {trigger: ".o_statusbar_buttons button[name=action_start]:contains(Go On)", run: "click"},
        ...standsAt("done", "7 of 7"),
        {trigger: ".o_field_widget[name=changed_count]:contains(6)"},
        {trigger: ".o_statusbar_buttons button[name=action_undo]", run: "click"},
        {trigger: ".modal-footer .btn-primary", run: "click"},
        ...standsAt("undone", "6 of 6"),
        {trigger: ".o_field_widget[name=restored_count]:contains(6)"},
        {trigger: "body:not(:has(.o_statusbar_buttons button:visible))"},
    ],
});

registry.category("web_tour.tours").add("notify_run_nothing_to_do", {
    steps: () => [
        {trigger: ".o_notebook a[name=notify]", run: "click"},
        {trigger: ".o-notify-TeamTable-apply", run: "click"},
        {trigger: ".alert-info:contains(There is nothing to do)"},
        {trigger: ".o_form_view:not(:has(button[name=action_start]))"},
    ],
});

registry.category("web_tour.tours").add("notify_run_without_defaults", {
    steps: () => [
        {trigger: ".o_notebook a[name=notify]", run: "click"},
        {trigger: ".o-notify-TeamTable-apply", run: "click"},
        {trigger: '.modal:contains("Team Europe has no defaults yet")'},
    ],
});
