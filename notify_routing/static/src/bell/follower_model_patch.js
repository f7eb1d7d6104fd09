import {Follower} from "@mail/core/common/follower_model";
import {patch} from "@web/core/utils/patch";

/** @type {import("models").Follower} */
const followerPatch = {
    setup() {
        super.setup(...arguments);
        /** Whether the person wants nothing of the document that does not name them. */
        this.notify_muted = false;
    },
};
patch(Follower.prototype, followerPatch);
