import {BellMenu} from "@notify_routing/bell/bell_menu";
import {DistributionDialog} from "@notify_routing/distribution/distribution_dialog";
import {patch} from "@web/core/utils/patch";

/** @type {import("@notify_routing/bell/bell_menu").BellMenu} */
const bellMenuPatch = {
    openDistribution() {
        const {model, id} = this.props.thread;
        this.env.services.dialog.add(DistributionDialog, {model, resId: id});
    },
};
patch(BellMenu.prototype, bellMenuPatch);
