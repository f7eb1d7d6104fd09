import {BoardChart, SERIES} from "@notify_routing/board/board_chart";
import {Component, onMounted, onWillStart, onWillUnmount, useState, useSubEnv} from "@odoo/owl";
import {deserializeDateTime, formatDuration, serializeDateTime} from "@web/core/l10n/dates";
import {formatFloat, formatInteger} from "@web/views/fields/formatters";
import {Layout} from "@web/search/layout";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {getDefaultConfig} from "@web/views/view";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";
import {useSetupAction} from "@web/search/action_hook";

const {DateTime} = luxon;
const EVERY = 60 * 1000;
const LATE = 15 * 60;
const ALL_VIEWS = ["list", "kanban", "form", "graph", "pivot"];

/** How a state looks, and its word for those who do not see colours. */
const STATES = {
    red: {color: "danger", icon: "fa-times-circle", word: _t("Broken")},
    amber: {color: "warning", icon: "fa-exclamation-triangle", word: _t("Look at this")},
    green: {color: "success", icon: "fa-check-circle", word: _t("In order")},
    none: {color: "secondary", icon: "fa-circle-o", word: _t("Not checked yet")},
};

/**
 * What the managers of notifications see first: is everything in order, and if not, what to do.
 *
 * @extends {Component<Object, Env>}
 */
export class Board extends Component {
    static template = "notify_routing.Board";
    static components = {BoardChart, Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.states = STATES;
        this.formatInteger = formatInteger;
        this.state = useState({
            period: this.props.state?.period ?? "day",
            /** @type {Object|undefined} what ``notify.board`` told last */
            board: undefined,
            /** @type {DateTime|undefined} */
            at: undefined,
            isLoading: false,
            hasFailed: false,
        });
        // A page of its own, with the title of its action.
        useSubEnv({config: {...getDefaultConfig(), ...this.env.config}});
        useSetupAction({getLocalState: () => ({period: this.state.period})});
        onWillStart(() => {
            // Not waited for: the page says that it is loading.
            this.load();
        });
        onMounted(() => {
            this.timer = browser.setInterval(() => {
                if (!document.hidden) {
                    this.load();
                }
            }, EVERY);
        });
        onWillUnmount(() => browser.clearInterval(this.timer));
    }

    async load() {
        const {period} = this.state;
        const turn = (this.turn = (this.turn ?? 0) + 1);
        this.state.isLoading = true;
        try {
            const board = await this.orm.silent.call("notify.board", "read_board", [], {period});
            // Another period may have been chosen meanwhile.
            if (turn === this.turn) {
                Object.assign(this.state, {board, at: DateTime.now(), hasFailed: false});
            }
        } catch {
            if (turn === this.turn) {
                this.state.hasFailed = true;
            }
        } finally {
            if (turn === this.turn) {
                this.state.isLoading = false;
            }
        }
    }

    choose(period) {
        this.state.period = period;
        return this.load();
    }

    // ------------------------------------------------------------
    // WORDS
    // ------------------------------------------------------------

    get asOf() {
        const time = this.state.at.toLocaleString(DateTime.TIME_WITH_SECONDS);
        return _t("As of %s, refreshed each minute", time);
    }

    get periods() {
        return [
            {name: "day", label: _t("24 hours")},
            {name: "week", label: _t("7 days")},
        ];
    }

    /** Figures at the top: what happened in the period, then what waits now. */
    get figures() {
        const {board} = this.state;
        const {queue, figures} = board;
        const sum = (name) => board.slices[name].reduce((total, count) => total + count, 0);
        return [
            ...SERIES.map(({name, label}) => ({
                name,
                label,
                value: sum(name),
                note: name === "held" ? _t("%s wait now", formatInteger(board.held)) : "",
                open: () => this.openSeries(name),
            })),
            {
                name: "queue",
                label: _t("Waiting to leave"),
                value: queue.waiting,
                note: queue.waiting ? _t("the oldest for %s", this.age(queue.oldest_seconds)) : "",
                check: figures.queue,
                open: () => this.openQueue(),
            },
            {
                name: "again",
                label: _t("Tried again later"),
                value: queue.again,
                note: "",
                check: figures.delivery,
                open: () => this.openDeliveries(_t("Under Way"), {search_default_underway: 1}),
            },
            {
                name: "quarantine",
                label: _t("In quarantine"),
                value: board.quarantine,
                note: "",
                check: figures.quarantine,
                open: () => this.openQuarantine({}),
            },
        ];
    }

    /** @param {Object} figure @returns {string} what is wrong with it and what to do, if anything */
    advice({check}) {
        return ["red", "amber"].includes(check?.state) ? check.sentence : "";
    }

    /** @param {number} seconds @returns {string} */
    age(seconds) {
        return formatDuration(seconds, true);
    }

    /** @param {string} moment @returns {string} the hour, with the day if it is not today */
    time(moment) {
        const local = deserializeDateTime(moment);
        const isToday = local.hasSame(DateTime.now(), "day");
        return local.toLocaleString(isToday ? DateTime.TIME_SIMPLE : DateTime.DATETIME_SHORT);
    }

    /** @param {Object} server @returns {string} how fast it takes mail, and how much waits */
    pace({seconds, waiting}) {
        const count = formatInteger(waiting);
        if (seconds === false) {
            return _t("%s waiting", count);
        }
        const time = formatFloat(seconds, {digits: [16, 1]});
        return _t("%(time)s s per mail, %(count)s waiting", {time, count});
    }

    /** @param {Object} mailbox @returns {string} how much of its mail is not where it belongs */
    heap({waiting, quarantine}) {
        return _t("%(waiting)s waiting, %(quarantine)s in quarantine", {
            waiting: formatInteger(waiting),
            quarantine: formatInteger(quarantine),
        });
    }

    /** @param {Object} mailbox @returns {string} */
    trouble({trouble_since: since}) {
        return since ? _t("in trouble since %s", this.time(since)) : "";
    }

    /** @param {Object} server @returns {string} what holds its mail up */
    brake(server) {
        const words = [];
        if (server.paused_until) {
            words.push(_t("paused until %s", this.time(server.paused_until)));
        }
        if (server.calm_until) {
            words.push(_t("fewer sessions until %s", this.time(server.calm_until)));
        }
        if (server.limited) {
            words.push(_t("limited"));
        }
        return words.join(", ");
    }

    get lateJobs() {
        return this.state.board.jobs.filter(({state}) => state !== "green");
    }

    get jobsInTime() {
        return this.state.board.jobs.filter(({state}) => state === "green");
    }

    get jobsInTimeWords() {
        return _t("%s run in time", formatInteger(this.jobsInTime.length));
    }

    /** @param {Object} job @returns {string} */
    lateness(job) {
        if (job.late_seconds > LATE) {
            return _t("%s late", this.age(job.late_seconds));
        }
        return job.last ? _t("last run %s", this.time(job.last)) : _t("has not run yet");
    }

    // ------------------------------------------------------------
    // WAYS INTO THE LISTS
    // ------------------------------------------------------------

    open(name, resModel, {domain = [], context = {}, views = ["list", "form"]} = {}) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: resModel,
            views: views.map((view) => [false, view]),
            domain,
            context,
        });
    }

    openDeliveries(name, context, domain = []) {
        return this.open(name, "notify.delivery", {context, domain, views: ALL_VIEWS});
    }

    openTrail(name, context, domain = []) {
        return this.open(name, "notify.trail", {context, domain, views: ALL_VIEWS});
    }

    /** The filter of the lists for the period that is shown. */
    get periodFilter() {
        return this.state.period === "day"
            ? {search_default_last_day: 1}
            : {search_default_last_week: 1};
    }

    /** Open what a series counts; of what was held, also what has left since. */
    openSeries(name, context = this.periodFilter, domain = []) {
        const {label} = SERIES.find((one) => one.name === name);
        const filters = {[`search_default_${name}`]: 1, ...context};
        return name === "held"
            ? this.openTrail(label, filters, domain)
            : this.openDeliveries(label, filters, domain);
    }

    openSlice(name, number) {
        const {starts, seconds} = this.state.board.slices;
        const end = deserializeDateTime(starts[number]).plus({seconds});
        const between = [
            ["date", ">=", starts[number]],
            ["date", "<", serializeDateTime(end)],
        ];
        return this.openSeries(name, {}, between);
    }

    openQueue() {
        if (!this.state.board.queue.readable) {
            return this.openDeliveries(_t("Under Way"), {search_default_underway: 1});
        }
        const context = {search_default_outgoing: 1};
        return this.open(_t("Waiting to leave"), "mail.mail", {context});
    }

    openQuarantine(context) {
        return this.open(_t("Quarantine"), "notify.quarantine", {
            context: {search_default_open: 1, ...context},
            views: ["list", "kanban", "form"],
        });
    }

    /** Open a check with what it found and the way to mend it, or the list of them all. */
    openCheck(id) {
        if (!id) {
            return this.action.doAction("notify_routing.notify_check_action_open");
        }
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Set-up Check"),
            res_model: "notify.check",
            res_id: id,
            views: [[false, "form"]],
        });
    }

    openServer({name, id}) {
        return this.openDeliveries(name, {search_default_server_id: id, ...this.periodFilter});
    }

    openPerson({email}) {
        return this.openDeliveries(email, {...this.periodFilter, search_default_sent: 1}, [
            ["email", "=", email],
        ]);
    }

    openReason({code, name}) {
        return this.openTrail(name, {search_default_suppressed: 1, ...this.periodFilter}, [
            ["reason", "=", code],
        ]);
    }
}

registry.category("actions").add("notify_board", Board);
