import {Component, toRaw, useEffect, useState} from "@odoo/owl";
import {useDebounced} from "@web/core/utils/timing";
import {useService} from "@web/core/utils/hooks";

/** Milliseconds without a change of the recipients until the server is asked again. */
const PATIENCE = 400;
const ICONS = {email: "fa-envelope", inbox: "fa-inbox", push: "fa-mobile"};

/**
 * Who will be told of the message in the composer; asks the server only while it is open.
 *
 * @typedef {Object} Props
 * @property {import("models").Composer} composer
 * @property {function(): Object} postData what the composer would post, see `Composer.postData`
 * @property {"message"|"note"} type
 * @extends {Component<Props, Env>}
 */
export class WillBeTold extends Component {
    static template = "notify_routing.WillBeTold";
    static props = {composer: Object, postData: Function, type: String};

    setup() {
        this.orm = useService("orm");
        this.store = useService("mail.store");
        this.state = useState({
            isOpen: false,
            isLoading: false,
            /** @type {Object|undefined} see `notify.router.preview` */
            preview: undefined,
            error: undefined,
        });
        this.asked = 0;
        this.askSoon = useDebounced(() => this.ask(), PATIENCE);
        useEffect(
            (isOpen) => {
                if (isOpen) {
                    this.state.isLoading = true;
                    this.askSoon();
                }
            },
            () => [this.state.isOpen, this.props.type, this.fingerprint]
        );
    }

    get thread() {
        return this.props.composer.thread;
    }

    /** What the answer depends on. */
    get fingerprint() {
        const {composer} = this.props;
        return JSON.stringify([
            [...this.thread.suggestedRecipients, ...this.thread.additionalRecipients].map(
                (recipient) => recipient.persona?.id || recipient.email
            ),
            composer.mentionedPartners.map(({id}) => id),
            composer.mentionedRoles.map(({id}) => id),
            // Whether a mention is still in the text.
            (String(composer.composerHtml).match(/data-oe-id="\d+"/g) || []).join(),
            composer.composerText?.match(/@\S+/g)?.join(),
            this.thread.followersCount,
        ]);
    }

    async ask() {
        const asked = ++this.asked;
        const thread = toRaw(this.thread);
        const {post_data} = await this.store.getMessagePostParams({
            body: this.props.composer.composerHtml,
            postData: this.props.postData(),
            thread,
        });
        try {
            const preview = await this.orm.silent.call(
                "notify.router",
                "preview",
                [thread.model, thread.id, post_data.subtype_xmlid],
                {
                    partner_ids: post_data.partner_ids || [],
                    body: String(post_data.body || ""),
                    emails: post_data.partner_emails || [],
                    role_ids: post_data.role_ids || [],
                }
            );
            if (asked === this.asked) {
                Object.assign(this.state, {preview, error: undefined, isLoading: false});
            }
        } catch (error) {
            if (!error.data) {
                throw error;
            }
            Object.assign(this.state, {error: error.data.message, isLoading: false});
        }
    }

    toggle() {
        this.state.isOpen = !this.state.isOpen;
    }

    iconOf(channel) {
        return ICONS[channel];
    }
}
