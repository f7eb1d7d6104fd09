// Takes the pictures of the README from the running web client.
// node pictures.mjs ADDRESS FOLDER ORDER_ID TEAM_ID DIGEST SCREENS
import {createRequire} from "node:module";

const require = createRequire(process.env.NOTIFY_NODE_MODULES + "/");
const {chromium} = require("playwright-core");
const [address, folder, order, team, digest, screens] = process.argv.slice(2);

const browser = await chromium.launch({
    executablePath: process.env.NOTIFY_CHROMIUM,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-sync"],
});

async function as(login, width = 1400, height = 800) {
    const context = await browser.newContext({viewport: {width, height}});
    const page = await context.newPage();
    await page.goto(`${address}/web/login`);
    await page.fill("input[name=login]", login);
    await page.fill("input[name=password]", login);
    await Promise.all([
        page.waitForURL(/\/odoo/),
        page.click(".oe_login_form button[type=submit]"),
    ]);
    return page;
}

async function shoot(page, name) {
    await page.waitForTimeout(800);
    await page.screenshot({path: `${folder}/${name}.png`});
    console.log(`   ${name}.png`);
}

const anna = await as("anna");
await anna.goto(`${address}/odoo/sales/${order}`);
await anna.waitForSelector(".o-mail-Message");
await anna.click(".o-notify-Bell");
await anna.waitForSelector(".o-notify-BellMenu");
await shoot(anna, "bell");
await anna.keyboard.press("Escape");

const message = anna.locator(".o-mail-Message", {hasText: "Do you have any question"}).first();
await message.hover();
await message.locator("[title='Expand']").first().click();
await anna.locator(".o-dropdown-item", {hasText: "Who was told and why"}).click();
await anna.waitForSelector(".modal [role=table], .modal table");
await shoot(anna, "why");

const chloe = await as("chloe");
await chloe.goto(`${address}/odoo/crm.team/${team}`);
await chloe.locator(".nav-link", {hasText: "Notifications"}).click();
await chloe.waitForSelector("[role=grid]");
await shoot(chloe, "team");

const ben = await as("ben");
await ben.click(".o_user_menu button");
await ben.click(".o-dropdown--menu [data-menu=preferences]");
await ben.locator(".modal .nav-link", {hasText: "Notifications"}).click();
await shoot(ben, "preferences");

for (const [name, width, height] of [
    ["schedule", 1400, 800],
    ["schedule-phone", 390, 844],
]) {
    const page = await as("anna", width, height);
    await page.goto(`${address}/odoo/my-notifications`);
    await page.waitForSelector(".o-notify-MyTime-next");
    await shoot(page, name);
}
for (const [name, width, height] of [
    ["digest", 900, 700],
    ["digest-phone", 390, 844],
]) {
    const context = await browser.newContext({viewport: {width, height}});
    const page = await context.newPage();
    await page.goto(`file://${digest}`);
    await shoot(page, name);
}

const admin = await as("admin");
for (const {name, path, wait} of JSON.parse(screens)) {
    await admin.goto(`${address}/odoo/${path}`);
    await admin.waitForSelector(wait);
    await shoot(admin, name);
}
const scheme = JSON.parse(screens).find(({name}) => name === "matrix");
await admin.goto(`${address}/odoo/${scheme.path}`);
await admin.locator("[name=action_simulate]").click();
await admin.locator(".o-notify-Simulate .o-autocomplete--input").click();
await admin.locator(".o-autocomplete--dropdown-item").first().click();
await admin.waitForSelector(".o-notify-Simulate table");
await shoot(admin, "simulate");

await browser.close();
