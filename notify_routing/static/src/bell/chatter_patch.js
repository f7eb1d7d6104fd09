import {Bell} from "@notify_routing/bell/bell";
import "@mail/chatter/web/chatter_patch";
import {Chatter} from "@mail/chatter/web_portal/chatter";
import {patch} from "@web/core/utils/patch";

Object.assign(Chatter.components, {Bell});

/** @type {import("@mail/chatter/web_portal/chatter").Chatter} */
const chatterPatch = {
    /** Whether the bell is for the current user: as everything in the followers' list, it is for
     * internal users, and the server refuses others. */
    get hasBell() {
        return this.store.self_partner?.main_user_id?.share === false;
    },
    onBellChanged() {
        if (this.props.hasParentReloadOnFollowersUpdate) {
            this.reloadParentView();
        }
    },
};
patch(Chatter.prototype, chatterPatch);
