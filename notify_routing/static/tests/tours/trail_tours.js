import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const WHY_NOT = ".o-notify-WhyNot";

/**
 * Steps that type into the search box and take one of what it offers.
 *
 * @param {string} text
 * @param {string} field as the box names it
 */
function search(text, field) {
    return [
        {trigger: ".o_searchview_input", run: `edit ${text}`},
        {trigger: `.o_searchview_autocomplete .o-dropdown-item:contains("${field}")`, run: "click"},
    ];
}

tours.add("notify_trail_search", {
    steps: () => [
        // By address: all mail to it, whatever it is about.
        ...search("Client@Customer.example", "Address"),
        {trigger: ".o_searchview_facet:contains(Client@Customer.example)"},
        {trigger: ".o_list_view:not(:has(.o_data_row:contains(Ben)))"},
        {trigger: '.o_data_row:contains("client@customer.example")'},
        {
            trigger: ".o_searchview_facet:contains(Client@Customer.example) .o_facet_remove",
            run: "click",
        },
        // By kind of event, without any word.
        {trigger: ".o_searchview_dropdown_toggler", run: "click"},
        {trigger: ".o_filter_menu .o-dropdown-item:contains(Notes)", run: "click"},
        {trigger: ".o_searchview_facet:contains(Notes)"},
        {trigger: ".o_list_view:not(:has(.o_data_row:contains(client@customer.example)))"},
        {trigger: ".o_data_row:contains(Ben)"},
        // All rows of that message.
        {trigger: ".o_data_row:contains(Ben) button[name=action_chain]", run: "click"},
        {trigger: ".breadcrumb-item:contains(Trail)"},
        {trigger: ".o_group_header:contains(Decision)"},
    ],
});

tours.add("notify_why_not", {
    steps: () => [
        {trigger: ".o-mail-Message", run: "hover && click .o-mail-Message [title=Expand]"},
        {trigger: ".o-dropdown-item:contains(Who was told and why)", run: "click"},
        // Two clicks, and who was not told reads why.
        {trigger: `${WHY_NOT}-answer:contains("Anna"):contains("does not follow the document")`},
        {trigger: `${WHY_NOT} input`, run: "edit Chloe"},
        {trigger: ".o-autocomplete--dropdown-item:contains(Chloé)", run: "click"},
        {trigger: `${WHY_NOT}-answer:contains("Chloé"):contains("does not follow the document")`},
        {trigger: `${WHY_NOT}-chain:contains("was not considered")`},
    ],
});
