import {CHANNELS, FLAGS} from "@notify_routing/matrix/words";
import {Component, useEffect, useRef} from "@odoo/owl";
import {DomainSelectorDialog} from "@web/core/domain_selector_dialog/domain_selector_dialog";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

/**
 * All choices of one cell. Each applies at once.
 *
 * @typedef {Object} Props
 * @property {string} title
 * @property {string} model technical name of the document type
 * @property {Object<string, {name: string, help: string}>} fields
 * @property {function(): import("./scheme_matrix").Cell|undefined} cell as it is now
 * @property {function(string): Promise<void>} toggle
 * @property {function(Object|false): Promise<void>} set
 * @property {function(): void} close
 * @extends {Component<Props, Env>}
 */
export class CellMenu extends Component {
    static template = "notify_routing.CellMenu";
    static props = {
        title: String,
        model: String,
        fields: Object,
        cell: Function,
        toggle: Function,
        set: Function,
        close: Function,
    };

    setup() {
        this.dialog = useService("dialog");
        this.choices = [...CHANNELS, ...FLAGS];
        this.root = useRef("root");
        useEffect(
            () => {
                this.root.el.querySelector("button").focus();
            },
            () => []
        );
    }

    get cell() {
        return this.props.cell() || {};
    }

    async toggle(name) {
        await this.props.toggle(name);
        this.render();
    }

    /** @param {Event} ev */
    async setWait(ev) {
        await this.props.set({wait: Number(ev.target.value) || 0});
        this.render();
    }

    async remove() {
        await this.props.set(false);
        this.props.close();
    }

    editFilter() {
        const {close, fields, model, set} = this.props;
        const domain = this.cell.email_domain || "[]";
        close();
        this.dialog.add(DomainSelectorDialog, {
            title: fields.email_domain.name,
            resModel: model,
            domain,
            confirmButtonText: _t("Apply"),
            onConfirm: (chosen) => set({email_domain: chosen === "[]" ? false : chosen}),
        });
    }

    /** @param {KeyboardEvent} ev */
    onKeydown(ev) {
        if (ev.target.matches("input") && ev.key !== "Escape") {
            return;
        }
        const step = {ArrowDown: 1, ArrowUp: -1}[ev.key];
        const choice = this.choices.find(({key}) => key && key === ev.key.toLowerCase());
        if (step) {
            const buttons = [...this.root.el.querySelectorAll("button")];
            const next = buttons.indexOf(document.activeElement) + step;
            buttons[(next + buttons.length) % buttons.length].focus();
        } else if (choice) {
            this.toggle(choice.name);
        } else if (ev.key === "Escape") {
            this.props.close();
        } else {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
    }
}
