import {Composer} from "@mail/core/common/composer";
import {WillBeTold} from "@notify_routing/preview/will_be_told";
import {patch} from "@web/core/utils/patch";

Object.assign(Composer.components, {WillBeTold});

/** @type {import("@mail/core/common/composer").Composer} */
const composerPatch = {
    /** Whether this is the composer of a document's chatter, before something is sent. */
    get canPreview() {
        const {composer, mode} = this.props;
        return (
            mode === "extended" &&
            !composer.message &&
            Boolean(this.thread?.id) &&
            !["discuss.channel", "mail.box"].includes(this.thread.model) &&
            this.store.self_partner?.main_user_id?.share === false
        );
    },
};
patch(Composer.prototype, composerPatch);
