import {_t} from "@web/core/l10n/translation";

/** How each field of a cell looks, and the key that toggles it. What it means comes with the data. */
export const CHANNELS = [
    {name: "prefer", icon: "fa-user-o"},
    {name: "email", icon: "fa-envelope"},
    {name: "inbox", icon: "fa-inbox"},
    {name: "push", icon: "fa-mobile fa-lg", key: "p"},
];

export const FLAGS = [
    {name: "mandatory", icon: "fa-lock", key: "a"},
    {name: "only_new", icon: "fa-star-o", key: "n"},
    {name: "only_mail", icon: "fa-envelope-open-o", key: "o"},
    {name: "urgent", icon: "fa-bolt", key: "u"},
    {name: "own_act", icon: "fa-reply", key: "w"},
];

/** The field that a letter toggles. */
export const NAME_OF_KEY = Object.fromEntries(
    [...CHANNELS, ...FLAGS].filter(({key}) => key).map(({key, name}) => [key, name])
);

/** @returns {string[][]} keys and what they do */
export const helpOfKeys = () => [
    [_t("Arrows"), _t("move")],
    [_t("Space"), _t("next choice of channels")],
    ["M", _t("all choices of a cell")],
    [_t("Ctrl+Z"), _t("undo")],
];
