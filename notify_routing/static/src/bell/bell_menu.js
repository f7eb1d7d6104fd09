import {Component, onWillStart, useEffect, useRef, useState} from "@odoo/owl";
import {ConnectionLostError, RPCError} from "@web/core/network/rpc";
import {Mutex} from "@web/core/utils/concurrency";
import {POSITION_BUS} from "@web/core/position/position_hook";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

/** Takes the last offer away: only the last change can be undone. */
let closeLastUndo = () => {};

/**
 * What `notify.bell` says of one document, see `read_bell` there.
 *
 * @typedef {Object} BellState
 * @property {boolean} following
 * @property {string} level
 * @property {string} level_name
 * @property {string} because
 * @property {boolean} is_default
 * @property {{level: string, level_name: string, because: string}} default
 * @property {{id: string, name: string, help: string}[]} levels
 * @property {{id: number, name: string, help: string|false, internal: boolean,
 *             checked: boolean}[]} subtypes
 * @property {string} [channel]
 * @property {Object} memento
 */

/**
 * The choices under the bell. Each applies at once, and can be undone.
 *
 * @typedef {Object} Props
 * @property {import("models").Thread} thread the document
 * @property {function(): void} [onFollowingChanged]
 * @extends {Component<Props, Env>}
 */
export class BellMenu extends Component {
    static template = "notify_routing.BellMenu";
    static props = {
        thread: Object,
        onFollowingChanged: {type: Function, optional: true},
    };

    setup() {
        // The services themselves, as "Undo" is offered when this component has gone.
        this.orm = this.env.services.orm;
        this.store = useService("mail.store");
        this.notification = useService("notification");
        this.root = useRef("root");
        /** Clicks apply one after the other, each on what the last one left. */
        this.mutex = new Mutex();
        this.state = useState({
            /** @type {BellState|undefined} */
            bell: undefined,
            /** @type {string|undefined} what went wrong, in words */
            error: undefined,
            busy: false,
        });
        // The menu's place depends on its size, so it waits for its content.
        onWillStart(() => this.load());
        useEffect(
            () => this.onContentChanged(),
            () => [this.state.bell, this.state.error]
        );
    }

    async load() {
        try {
            this.state.bell = await this.call("read_bell");
            this.state.error = undefined;
        } catch (error) {
            this.state.error = wordsOf(error);
        }
    }

    onContentChanged() {
        this.env[POSITION_BUS]?.trigger("update");
        if (document.activeElement === document.body) {
            // The button that was pressed has gone. The menu would go on to its neighbour, which
            // a second "Enter" must not press by mistake.
            focusChosen(this.root.el);
        }
    }

    /**
     * @param {string} method of `notify.bell`
     * @param {Object} [kwargs]
     * @param {import("models").Thread} [thread]
     * @returns {Promise<BellState>}
     */
    call(method, kwargs = {}, {model, id} = this.props.thread) {
        return this.orm.call("notify.bell", method, [model, id], kwargs);
    }

    /** The words on the button that goes back to the default. */
    get defaultLabel() {
        const {following, default: standard} = this.state.bell;
        const words = {level: standard.level_name, because: standard.because};
        return following
            ? _t("Back to my default (%(level)s, %(because)s)", words)
            : _t("Follow by my default (%(level)s, %(because)s)", words);
    }

    /** @param {string} level */
    chooseLevel(level) {
        return this.apply("set_bell", () => ({level}));
    }

    /** @param {number} subtypeId */
    toggleSubtype(subtypeId) {
        return this.apply("set_bell", () => ({
            subtype_ids: this.state.bell.subtypes
                .filter((subtype) => subtype.checked !== (subtype.id === subtypeId))
                .map((subtype) => subtype.id),
        }));
    }

    /**
     * Change the subscription, show its new state, and offer to undo that.
     *
     * @param {string} method of `notify.bell`
     * @param {function(): Object} kwargs evaluated when earlier changes are through
     */
    apply(method, kwargs = () => ({})) {
        const {thread} = this.props;
        return this.mutex.exec(async () => {
            const {memento} = this.state.bell;
            this.state.busy = true;
            try {
                this.show(await this.call(method, kwargs(), thread), thread);
                this.offerUndo(memento, thread);
            } catch (error) {
                this.notification.add(wordsOf(error), {type: "danger"});
            } finally {
                this.state.busy = false;
            }
        });
    }

    /**
     * @param {BellState & {store_data: Object}} bell
     * @param {import("models").Thread} thread
     */
    show(bell, thread) {
        const wasFollowing = Boolean(thread.selfFollower);
        this.store.insert(bell.store_data);
        this.state.bell = bell;
        if (wasFollowing !== Boolean(thread.selfFollower)) {
            this.props.onFollowingChanged?.();
        }
    }

    /**
     * @param {Object} memento the state to come back to
     * @param {import("models").Thread} thread
     */
    offerUndo(memento, thread) {
        closeLastUndo();
        const onClick = () => {
            closeLastUndo();
            return this.undo(memento, thread);
        };
        closeLastUndo = this.notification.add(
            _t("You are now told: %(level)s", {level: this.state.bell.level_name}),
            {type: "success", autocloseDelay: 8000, buttons: [{name: _t("Undo"), onClick}]}
        );
    }

    /**
     * @param {Object} memento
     * @param {import("models").Thread} thread
     */
    async undo(memento, thread) {
        try {
            this.show(await this.call("restore_bell", {memento}, thread), thread);
            const level = this.state.bell.level_name;
            this.notification.add(_t("Undone. You are told: %(level)s", {level}));
        } catch (error) {
            this.notification.add(wordsOf(error), {type: "danger"});
        }
    }
}

/**
 * Set the keyboard's start: on the level that holds, else on the first choice.
 *
 * @param {HTMLElement} el the menu
 */
export function focusChosen(el) {
    const chosen = el.querySelector(".o-navigable[aria-checked=true]");
    (chosen || el.querySelector(".o-navigable"))?.focus();
}

/**
 * @param {Error} error
 * @returns {string} what to tell the user
 * @throws {Error} the error itself, if it is none of the server's
 */
function wordsOf(error) {
    if (error instanceof ConnectionLostError) {
        return _t("The server cannot be reached. Nothing was changed.");
    }
    if (error instanceof RPCError) {
        return error.data?.message || error.message;
    }
    throw error;
}
