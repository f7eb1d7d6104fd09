import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const ALERTS = '.o_data_row:contains("Alerts of")';
const LOOKS = ".o_form_view .o_field_widget[name=effective_from]";

tours.add("notify_sender_start", {
    steps: () => [
        {trigger: '.o_radio_item:contains("A relay that accepts") input', run: "click"},
        {trigger: ".o_field_widget[name=address] input", run: "edit mail@company.example"},
        {trigger: ".o_field_widget[name=smtp_host] input", run: "edit smtp.company.example"},
        {trigger: "button[name=action_start]", run: "click"},
        // What it looks like, in the list and on the form, where it follows what is typed.
        {trigger: `${ALERTS} td[name=effective_from]:contains("mail@company.example")`},
        {trigger: `${ALERTS} td[name=name]`, run: "click"},
        {trigger: `${LOOKS}:contains("mail@company.example")`},
        {
            trigger: ".o_field_widget[name=name_pattern] input",
            run: "edit Desk of %(company)s && click body",
        },
        {trigger: `${LOOKS}:contains("Desk of")`},
        {trigger: "button[name=action_send_test]", run: "click"},
        {trigger: '.o-mail-Message:contains("The server took the test to boss@company.example")'},
    ],
});
