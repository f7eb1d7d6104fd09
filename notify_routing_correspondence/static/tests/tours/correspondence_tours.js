import {registry} from "@web/core/registry";

const WHY = ".modal-content.o-notify-Why";

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
        // Issuing told everybody involved: the chatter knows whom, and why.
        {
            trigger: ".o-mail-Message:contains('Issued')",
            run: "hover && click .o-mail-Message:contains(Issued) [title='Expand']",
        },
        {trigger: ".o-dropdown-item:contains('Who was told and why')", run: "click"},
        {trigger: `${WHY} tr:contains("Ben"):contains("has a role that the scheme tells of this")`},
        {trigger: `${WHY} tr:contains("Dora"):contains("external")`},
        {trigger: `${WHY} footer button:contains("Close")`, run: "click"},
        {trigger: `body:not(:has(${WHY}))`},
    ],
});
