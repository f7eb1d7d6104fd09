import {registry} from "@web/core/registry";

/** Steps that add somebody to a field with people. */
function addPerson(field, name) {
    return [
        {trigger: `.o_field_widget[name=${field}] input`, run: `edit ${name}`},
        {
            trigger: `.o-autocomplete--dropdown-item:not(:has(.fa-spin)):contains("${name}")`,
            run: "click",
        },
        {trigger: `.o_field_widget[name=${field}] .o_tag:contains("${name}")`},
    ];
}

registry.category("web_tour.tours").add("notify_correspondence", {
    steps: () => [
        {trigger: ".o_field_widget[name=subject] :is(input, textarea)", run: "edit Fire doors"},
        ...addPerson("assignee_ids", "Ben"),
        ...addPerson("distribution_ids", "Dora"),
        {trigger: ".o_form_button_save:enabled", run: "click"},
        {trigger: "button[name=action_issue]", run: "click"},
        {trigger: ".o_statusbar_status .o_arrow_button_current:contains('Open')"},
        // Issuing is written into the chatter, and told from there.
        {trigger: ".o-mail-Message:contains('Issued') .o-mail-Message-notification"},
    ],
});
