// Rules for the web client's modules, its tests, and these configuration files. The packages come
// from requirements/node, which `make lint` installs and puts on NODE_PATH.
const globals = require("globals");
const js = require("@eslint/js");

const CAREFUL = {
    "array-callback-return": "error",
    "arrow-body-style": "error",
    curly: "error",
    "default-case-last": "error",
    eqeqeq: ["error", "always", {null: "ignore"}],
    "guard-for-in": "error",
    "no-alert": "error",
    "no-console": "error",
    "no-constructor-return": "error",
    "no-duplicate-imports": "error",
    "no-else-return": "error",
    "no-eval": "error",
    "no-extend-native": "error",
    "no-implied-eval": "error",
    "no-lonely-if": "error",
    "no-loop-func": "error",
    "no-nested-ternary": "error",
    "no-new-func": "error",
    "no-return-assign": "error",
    "no-self-compare": "error",
    "no-shadow": "error",
    "no-throw-literal": "error",
    "no-unneeded-ternary": "error",
    "no-unused-expressions": "error",
    "no-unused-vars": ["error", {args: "after-used", argsIgnorePattern: "^_"}],
    "no-use-before-define": ["error", {functions: false}],
    "no-useless-rename": "error",
    "no-useless-return": "error",
    "no-var": "error",
    "object-shorthand": "error",
    "prefer-const": "error",
    "prefer-template": "error",
    radix: "error",
    "require-await": "error",
};

module.exports = [
    {ignores: ["**/static/lib/**"]},
    js.configs.recommended,
    {
        files: ["**/static/**/*.js"],
        languageOptions: {
            ecmaVersion: 2024,
            sourceType: "module",
            globals: {...globals.browser, luxon: "readonly", odoo: "readonly"},
        },
        linterOptions: {reportUnusedDisableDirectives: "error"},
        rules: {
            ...CAREFUL,
            // The bundle brings these as modules, so that a patch of them reaches our code too.
            "no-restricted-globals": [
                "error",
                {name: "owl", message: 'import {…} from "@odoo/owl" instead.'},
                {name: "event", message: "Take the event as the handler's argument."},
                {name: "name", message: "This is the window's name, surely meant otherwise."},
            ],
            "no-restricted-syntax": [
                "error",
                {
                    selector: "MemberExpression[property.name=/^(innerHTML|outerHTML)$/]",
                    message: "Render with a template: markup from a string lets attackers in.",
                },
            ],
        },
    },
    {
        // Tests wait on helpers that a reader cannot tell from plain calls.
        files: ["**/static/tests/**/*.js"],
        rules: {"require-await": "off"},
    },
    {
        files: ["*.cjs"],
        languageOptions: {sourceType: "commonjs", globals: {...globals.node}},
        rules: CAREFUL,
    },
];
