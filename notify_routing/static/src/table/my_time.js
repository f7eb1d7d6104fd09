import {Component, markRaw, onWillStart, useState} from "@odoo/owl";
import {Mutex} from "@web/core/utils/concurrency";
import {rpcErrorText} from "@notify_routing/table/words";
import {useService} from "@web/core/utils/hooks";

/**
 * When the current user's e-mail leaves: schedules, quiet hours, absence, and what happens next.
 *
 * @extends {Component<{}, Env>}
 */
export class MyTime extends Component {
    static template = "notify_routing.MyTime";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        /** Changes apply one after the other. */
        this.mutex = new Mutex();
        this.state = useState({
            /** @type {Object|undefined} see `notify.preference.read_my_time` */
            time: undefined,
            /** @type {string|undefined} */
            error: undefined,
            isBusy: false,
            isDetailed: false,
        });
        onWillStart(() => {
            // The form is not kept waiting.
            this.load();
        });
    }

    get time() {
        return this.state.time;
    }

    /** The classes that stand below the general one are for those who look for them. */
    get classes() {
        return this.state.isDetailed ? this.time.classes : this.time.classes.slice(0, 1);
    }

    async load() {
        this.state.error = undefined;
        try {
            this.show(await this.call("read_my_time", []));
        } catch (error) {
            this.state.error = rpcErrorText(error);
        }
    }

    /**
     * @param {string} method of `notify.preference`
     * @param {Array} args
     */
    call(method, args) {
        return this.orm.call("notify.preference", method, args);
    }

    /** @param {Object} time */
    show(time) {
        this.state.time = markRaw(time);
        // Whoever chose more than one schedule wants to see that.
        this.state.isDetailed ||= time.classes.slice(1).some(({value}) => value);
    }

    /**
     * @param {string} method of `notify.preference`
     * @param {Array} args
     */
    change(method, args) {
        return this.mutex.exec(async () => {
            this.state.isBusy = true;
            try {
                this.show(await this.call(method, args));
            } catch (error) {
                this.notification.add(rpcErrorText(error), {type: "danger"});
                // What was typed and refused gives way to what holds.
                await this.load();
            } finally {
                this.state.isBusy = false;
            }
        });
    }

    /** @param {Object} values see `notify.preference.set_my_time` */
    set(values) {
        return this.change("set_my_time", [values]);
    }

    /**
     * @param {string} field
     * @param {string} id empty for none
     */
    choose(field, id) {
        return this.set({[field]: Number(id) || false});
    }

    sendNow() {
        return this.change("send_mine_now", []);
    }

    /**
     * @param {"from"|"to"} end
     * @param {string} text e.g. "22:00", empty for no quiet hours
     */
    setQuiet(end, text) {
        const quiet = {...this.time.quiet, [end]: text};
        if (!text) {
            return this.set({quiet_from: 0, quiet_to: 0});
        }
        // One end alone is a night.
        quiet.from ||= "22:00";
        quiet.to ||= "07:00";
        return this.set({quiet_from: toHours(quiet.from), quiet_to: toHours(quiet.to)});
    }
}

/**
 * @param {string} text e.g. "07:30"
 * @returns {number} e.g. 7.5
 */
function toHours(text) {
    const [hours, minutes] = text.split(":").map(Number);
    return hours + minutes / 60;
}
