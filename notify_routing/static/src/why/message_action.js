import {WhyDialog} from "@notify_routing/why/why_dialog";
import {registerMessageAction} from "@mail/core/common/message_actions";
import {_t} from "@web/core/l10n/translation";

registerMessageAction("notify-why", {
    condition: ({message, store}) =>
        store.self_partner?.main_user_id?.share === false && isOfDocument(message),
    icon: "fa fa-question-circle-o",
    name: _t("Who was told and why"),
    onSelected: ({message, store}) =>
        store.env.services.dialog.add(WhyDialog, {messageId: message.id}),
    sequence: 105,
});

/**
 * Whether a message is kept on a document: in Discuss the members of the channel are told, and
 * what the client has not posted yet nobody is told of.
 *
 * @param {import("models").Message} message
 * @returns {boolean}
 */
function isOfDocument(message) {
    return (
        Number.isInteger(message.id) &&
        !message.is_transient &&
        Boolean(message.thread?.id) &&
        !["discuss.channel", "mail.box"].includes(message.thread.model)
    );
}
