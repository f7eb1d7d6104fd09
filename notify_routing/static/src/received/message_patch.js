import {Message} from "@mail/core/common/message";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";

/** @type {import("@mail/core/common/message").Message} */
const messagePatch = {
    /** What is special about how an incoming message came, in words, or nothing. */
    get receivedText() {
        return {
            automatic: _t("Automatic answer"),
            other_address: _t("From another address"),
        }[this.message.notify_received];
    },
    /** The same, explained. */
    get receivedTitle() {
        return {
            automatic: _t("A program wrote this. It is filed here, and nobody was told."),
            other_address: _t("It came from %(address)s, not from the address that we wrote to.", {
                address: this.message.email_from || _t("another address"),
            }),
        }[this.message.notify_received];
    },
};
patch(Message.prototype, messagePatch);
