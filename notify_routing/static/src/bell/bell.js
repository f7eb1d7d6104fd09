import {BellMenu, focusChosen} from "@notify_routing/bell/bell_menu";
import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {Dropdown} from "@web/core/dropdown/dropdown";
import {useDropdownState} from "@web/core/dropdown/dropdown_hooks";
import {useChildRef, useService} from "@web/core/utils/hooks";

/**
 * The bell in a chatter's top bar: shows whether the user is told of the document, and opens the
 * choice of what they are told of.
 *
 * @typedef {Object} Props
 * @property {import("models").Thread} thread the document
 * @property {boolean} [disabled]
 * @property {boolean} [compact] whether the top bar is low
 * @property {function(): void} [onFollowingChanged] the user started or stopped following
 * @extends {Component<Props, Env>}
 */
export class Bell extends Component {
    static template = "notify_routing.Bell";
    static components = {BellMenu, Dropdown};
    static props = {
        thread: Object,
        disabled: {type: Boolean, optional: true},
        compact: {type: Boolean, optional: true},
        onFollowingChanged: {type: Function, optional: true},
    };

    setup() {
        this.store = useService("mail.store");
        this.dropdown = useDropdownState();
        this.menuRef = useChildRef();
        this.state = useState({
            /** Whether the menu is there; it opens when the server has answered. */
            opened: false,
        });
    }

    onOpened() {
        this.state.opened = true;
        focusChosen(this.menuRef.el);
    }

    get isLoading() {
        return this.dropdown.isOpen && !this.state.opened;
    }

    /** What is known without asking the server, from the followers that the chatter loads. */
    get look() {
        const follower = this.props.thread.selfFollower;
        if (!follower) {
            return {icon: "fa-bell-o", label: _t("Notifications: you do not follow this")};
        }
        if (follower.notify_muted) {
            return {icon: "fa-bell-slash", label: _t("Notifications: muted")};
        }
        return {icon: "fa-bell", label: _t("Notifications: you follow this")};
    }
}
