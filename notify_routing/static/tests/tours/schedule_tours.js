import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const IDLE = ".o-notify-MyTime[aria-busy=false]";
const NEXT = ".o-notify-MyTime-next";

tours.add("notify_my_time", {
    steps: () => [
        {trigger: `${NEXT}:contains("E-mail leaves immediately")`},
        // What "immediately" means, with the figure.
        {trigger: `${NEXT}:contains("handed to the sending job (interval: 3 minutes)")`},
        {trigger: `${IDLE} select[name=schedule_id]`, run: "selectByLabel Every day"},
        {trigger: `${IDLE} ${NEXT}:contains("Next digest:")`},
        {trigger: `${IDLE} .o-notify-MyTime-more`, run: "click"},
        {trigger: `${IDLE} select[name=note_schedule_id]`, run: "selectByLabel Every hour"},
        {
            trigger: `${IDLE} input[name=quiet_from]`,
            // The tour's own "edit" cannot read a time that is empty.
            run: ({anchor}) => {
                anchor.value = "22:00";
                anchor.dispatchEvent(new Event("change", {bubbles: true}));
            },
        },
        {trigger: `${IDLE} input[name=quiet_to]:value(07:00)`},
    ],
});

tours.add("notify_my_time_send_now", {
    steps: () => [
        {trigger: `${NEXT}:contains("2 waiting")`},
        {trigger: `${NEXT}:contains("(interval: 3 minutes): expect it by")`},
        {trigger: ".o-notify-MyTime-now", run: "click"},
        {trigger: `${IDLE} ${NEXT}:contains("(now), 2 waiting")`},
    ],
});
