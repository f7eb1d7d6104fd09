import {SimulateDialog} from "@notify_routing/simulate/simulate_dialog";
import {_t} from "@web/core/l10n/translation";
import {registerMessageAction} from "@mail/core/common/message_actions";

registerMessageAction("notify-simulate", {
    condition: ({message, store}) =>
        store.self_partner?.main_user_id?.share === false &&
        Number.isInteger(message.id) &&
        Boolean(message.thread?.id) &&
        !["discuss.channel", "mail.box"].includes(message.thread.model),
    icon: "fa fa-flask",
    name: _t("Simulate who would be told"),
    onSelected: ({message, store}) =>
        store.env.services.dialog.add(SimulateDialog, {
            model: message.thread.model,
            resId: message.thread.id,
            messageId: message.id,
        }),
    sequence: 106,
});
