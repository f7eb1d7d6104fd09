import {Component, onMounted, onWillUnmount, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {formatInteger} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const EVERY = 2000;
const AT_WORK = ["running", "undoing"];

/**
 * How far the application of defaults is. Asks the server while it is at work.
 *
 * @extends {Component<import("@web/views/fields/standard_field_props").StandardFieldProps, Env>}
 */
export class RunProgress extends Component {
    static template = "notify_routing.RunProgress";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
        this.state = useState({
            /** @type {{state: string, done: number, total: number, progress: number}|undefined} */
            news: undefined,
        });
        onMounted(() => {
            this.timer = browser.setInterval(() => this.ask(), EVERY);
        });
        onWillUnmount(() => browser.clearInterval(this.timer));
    }

    /** What was heard last; the form's own data until then. */
    get now() {
        const {data} = this.props.record;
        return this.isAtWork && this.state.news ? this.state.news : data;
    }

    get isAtWork() {
        return AT_WORK.includes(this.props.record.data.state);
    }

    get percent() {
        return Math.floor(this.now.progress);
    }

    get label() {
        const {done, total} = this.now;
        const words = {done: formatInteger(Math.min(done, total)), total: formatInteger(total)};
        return _t("%(done)s of %(total)s", words);
    }

    async ask() {
        const {record} = this.props;
        if (!this.isAtWork || this.isAsking) {
            return;
        }
        this.isAsking = true;
        try {
            this.state.news = await this.orm.silent.call(record.resModel, "read_progress", [
                record.resId,
            ]);
            if (this.state.news.state !== record.data.state) {
                await record.load();
                this.state.news = undefined;
            }
        } finally {
            this.isAsking = false;
        }
    }
}

registry.category("fields").add("notify_run_progress", {
    component: RunProgress,
    supportedTypes: ["float"],
    fieldDependencies: [
        {name: "state", type: "selection"},
        {name: "done", type: "integer"},
        {name: "total", type: "integer"},
    ],
});
