import {ConnectionLostError, RPCError} from "@web/core/network/rpc";
import {_t} from "@web/core/l10n/translation";

/** More events than these are counted instead of named. */
const NAMED_EVENTS = 2;

const ICONS = {
    everything: "fa-bell",
    discussions: "fa-comments-o",
    mentions: "fa-at",
    custom: "fa-check-square-o",
    private: "fa-lock",
};

/**
 * @param {{level: string}} told
 * @returns {string} class of the icon of a level
 */
export function iconOf({level}) {
    return ICONS[level];
}

/**
 * @param {{subtype_ids: number[]}} told
 * @param {import("./table_hook").Kind} kind
 * @returns {string[]} names of the events
 */
export function eventsOf({subtype_ids}, kind) {
    return kind.subtypes.filter(({id}) => subtype_ids.includes(id)).map(({name}) => name);
}

/**
 * @param {{level: string, subtype_ids: number[]}} told
 * @param {import("./table_hook").Kind} kind
 * @param {import("./table_hook").Level[]} levels
 * @returns {string} a level in few words
 */
export function labelOf(told, kind, levels) {
    if (told.level === "private") {
        return _t("Own default");
    }
    if (told.level !== "custom") {
        return levels.find(({id}) => id === told.level).name;
    }
    const events = eventsOf(told, kind);
    if (!events.length) {
        return _t("No events");
    }
    return events.length > NAMED_EVENTS
        ? _t("%(count)s events", {count: events.length})
        : events.join(", ");
}

/**
 * @param {Error} error
 * @returns {string} what to tell the user
 * @throws {Error} the error itself, if it is none of the server's
 */
export function rpcErrorText(error) {
    if (error instanceof ConnectionLostError) {
        return _t("The server cannot be reached. Nothing was changed.");
    }
    if (error instanceof RPCError) {
        return error.data?.message || error.message;
    }
    throw error;
}
