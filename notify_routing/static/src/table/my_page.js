import {Component, xml} from "@odoo/owl";
import {MyTable} from "@notify_routing/table/my_table";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";

/**
 * One's own notifications on a page of their own: where the links in mails lead.
 *
 * @extends {Component<Object, Env>}
 */
export class MyPage extends Component {
    static template = xml`
        <div class="o-notify-MyPage o_action h-100 overflow-auto bg-view">
            <div class="container py-4">
                <h1 class="h3 mb-3">My Notifications</h1>
                <MyTable />
            </div>
        </div>`;
    static components = {MyTable};
    static props = {...standardActionServiceProps};
}

registry.category("actions").add("notify_my", MyPage);
