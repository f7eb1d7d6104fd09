// Layout of everything that is not Python. The plugin comes from requirements/node, which
// `make lint` installs and puts on NODE_PATH.
module.exports = {
    plugins: [require.resolve("@prettier/plugin-xml")],
    printWidth: 100,
    tabWidth: 4,
    bracketSpacing: false,
    trailingComma: "es5",
    // Prose is broken where its author broke it, so that a change shows as a small diff.
    proseWrap: "preserve",
    // In a view or a mail template, white space can be part of what people read.
    xmlWhitespaceSensitivity: "preserve",
    xmlSelfClosingSpace: true,
    overrides: [
        {files: ["*.yml", "*.yaml", "*.md", "*.json"], options: {tabWidth: 2}},
        {files: "package.json", options: {tabWidth: 4}},
    ],
};
