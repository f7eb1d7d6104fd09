import {Follower} from "@mail/core/common/follower_model";
import {patch} from "@web/core/utils/patch";

/** @type {import("models").Follower} */
const followerPatch = {
    setup() {
        super.setup(...arguments);
        /**
         * Ids of the internal subtypes that ask for care with this follower, who is external.
         *
         * @type {number[]}
         */
        this.notify_internal_ids = [];
    },
};
patch(Follower.prototype, followerPatch);
