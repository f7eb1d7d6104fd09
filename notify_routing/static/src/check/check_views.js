import {onMounted, onWillUnmount, useState} from "@odoo/owl";
import {KanbanController} from "@web/views/kanban/kanban_controller";
import {ListController} from "@web/views/list/list_controller";
import {browser} from "@web/core/browser/browser";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

const EVERY = 2000;
/** How often to look while nothing is at work, as multiples of the above. */
const REST = 10;

/**
 * Load the checks anew whenever the server has news of them.
 *
 * @param {Object} model of the view
 * @returns {{stalled: boolean}} whether nothing runs in the background
 */
function useNews(model) {
    const orm = useService("orm");
    const news = useState({stalled: false});
    let timer = undefined,
        pulse = undefined,
        turn = 0,
        isAsking = false;

    async function ask() {
        turn++;
        if (isAsking || browser.document?.hidden || (!pulse?.busy && turn % REST !== 1)) {
            return;
        }
        isAsking = true;
        try {
            const heard = await orm.silent.call("notify.check", "read_pulse", []);
            const isNew = pulse && heard.stamp !== pulse.stamp;
            pulse = heard;
            news.stalled = heard.stalled;
            // Rows that are being edited or selected are left alone.
            if (isNew && !model.root.editedRecord && !model.root.selection?.length) {
                await model.load();
            }
        } finally {
            isAsking = false;
        }
    }

    /** After a button was pressed there is something to wait for. */
    function hurry() {
        if (pulse) {
            pulse.busy = 1;
        }
    }

    onMounted(() => {
        ask();
        timer = browser.setInterval(ask, EVERY);
    });
    onWillUnmount(() => browser.clearInterval(timer));
    return Object.assign(news, {hurry});
}

/**
 * Let a view's controller hear the news of the checks.
 *
 * @param {typeof ListController | typeof KanbanController} Controller
 */
const withNews = (Controller) =>
    class extends Controller {
        setup() {
            super.setup();
            this.news = useNews(this.model);
        }

        async afterExecuteActionButton(...args) {
            await super.afterExecuteActionButton(...args);
            this.news.hurry();
        }
    };

export class CheckListController extends withNews(ListController) {
    static template = "notify_routing.CheckListView";
}

export class CheckKanbanController extends withNews(KanbanController) {
    static template = "notify_routing.CheckKanbanView";
}

registry.category("views").add("notify_check_list", {
    ...listView,
    Controller: CheckListController,
});
registry.category("views").add("notify_check_kanban", {
    ...kanbanView,
    Controller: CheckKanbanController,
});
