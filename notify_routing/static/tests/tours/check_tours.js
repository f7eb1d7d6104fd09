import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const JOB = '.o_data_row:contains("Email Queue Manager")';

tours.add("notify_check_mend", {
    steps: () => [
        {trigger: "button[name=action_run_all]", run: "click"},
        // Red, amber and green, each with its sentence.
        {trigger: `${JOB}:contains("switched off") .text-bg-danger`},
        {trigger: '.o_data_row:contains("Mail waiting to leave") .text-bg-warning'},
        {trigger: '.o_data_row:contains("Runs in time") .text-bg-success'},
        // Mend it where it is wrong, and look again. The switch saves by itself: a button to save
        // is there for the blink of an eye only.
        {trigger: `${JOB} button[name=action_open_target]`, run: "click"},
        {trigger: ".o_form_view .o_field_widget[name=active] input:not(:checked)", run: "click"},
        {trigger: ".o_form_view .o_field_widget[name=active] input:checked"},
        {trigger: ".o_back_button a, .breadcrumb-item a:contains(Set-up Check)", run: "click"},
        {trigger: `${JOB} button[name=action_run]`, run: "click"},
        {trigger: `${JOB}:contains("Runs in time") .text-bg-success`},
    ],
});
