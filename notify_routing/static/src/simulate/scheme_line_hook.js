import {useService} from "@web/core/utils/hooks";

/**
 * Open a line of a scheme beside what speaks of it.
 *
 * @returns {function(number): Promise<void>} takes the id of the line
 */
export function useSchemeLine() {
    const action = useService("action");
    return (lineId) =>
        action.doAction({
            type: "ir.actions.act_window",
            res_model: "notify.scheme.line",
            res_id: lineId,
            views: [[false, "form"]],
            target: "new",
        });
}
