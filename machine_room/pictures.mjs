// Takes the pictures of the README from the running web client.
// node pictures.mjs SCENE, which is the JSON that pictures.py makes.
import {createRequire} from "node:module";

const require = createRequire(process.env.NOTIFY_NODE_MODULES + "/");
const {chromium} = require("playwright-core");
const scene = JSON.parse(process.argv[2]);
const {address, folder} = scene;
/** Screens that show more than fits at once. */
const TALL = ["board"];
const SIZE = scene.phone ? [375, 812] : [1400, 800];
/** By this name Odoo knows a phone, where a message's menu opens when the finger rests on it. */
const PHONE =
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) " +
    "Chrome/140.0.0.0 Mobile Safari/537.36";
const LONG_PRESS = 700;

const browser = await chromium.launch({
    executablePath: process.env.NOTIFY_CHROMIUM,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-sync"],
});

async function open([width, height]) {
    const context = await browser.newContext({
        viewport: {width, height},
        hasTouch: scene.phone,
        isMobile: scene.phone,
        colorScheme: scene.dark ? "dark" : "light",
        ...(scene.phone && {userAgent: PHONE}),
    });
    return context.newPage();
}

async function as(login, size = SIZE) {
    const page = await open(size);
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
    if (TALL.includes(name)) {
        await page.setViewportSize({width: SIZE[0], height: scene.phone ? 2600 : 1250});
    }
    await page.waitForTimeout(800);
    await page.screenshot({path: `${folder}/${name}.png`});
    console.log(`   ${name}.png`);
}

// Takes a picture if it is wanted. One that fails among those to look at leaves the others alone.
async function picture(name, take) {
    if (scene.only && !scene.only.includes(name)) {
        return;
    }
    try {
        await take();
    } catch (error) {
        console.log(`   ${name}.png failed: ${error.message.split("\n")[0]}`);
        process.exitCode = 1;
    }
}

async function whenThere(page, path, selector) {
    await page.goto(`${address}/odoo/${path}`);
    await page.waitForSelector(selector);
}

// Lets a finger rest on an element, which opens a message's menu.
async function pressLong(page, locator) {
    await locator.scrollIntoViewIfNeeded();
    await locator.evaluate((target) => {
        const touch = new Touch({identifier: 1, target, clientX: 100, clientY: 100});
        target.dispatchEvent(new TouchEvent("touchstart", {touches: [touch], bubbles: true}));
    });
    await page.waitForTimeout(LONG_PRESS);
}

// A form on a phone shows its tabs in a menu if there is no room.
async function tab(page, within, name) {
    await page.locator(`${within} .nav-link[name=${name}]`).first().click();
}

const anna = await as("anna");
await picture("bell", async () => {
    await whenThere(anna, `sales/${scene.order}`, ".o-mail-Message");
    await anna.click(".o-notify-Bell");
    await anna.waitForSelector(".o-notify-BellMenu");
    await shoot(anna, "bell");
});
await picture("why", async () => {
    await whenThere(anna, `sales/${scene.order}`, ".o-mail-Message");
    const message = anna.locator(".o-mail-Message", {hasText: "Do you have any question"}).last();
    if (scene.phone) {
        await pressLong(anna, message);
    } else {
        await message.hover();
        await message.locator("[name^='more-action']").first().click();
    }
    await anna.locator(".o-dropdown-item[name=notify-why]").click();
    await anna.waitForSelector(".modal [role=table], .modal table");
    await shoot(anna, "why");
});
await picture("composer", async () => {
    await whenThere(anna, `sales/${scene.order}`, ".o-mail-Message");
    await anna.click(".o-mail-Chatter-sendMessage");
    await anna.fill(".o-mail-Composer-input, .o-mail-Composer .odoo-editor-editable", "In blue.");
    await anna.click(".o-notify-WillBeTold-button");
    await anna.waitForSelector(".o-notify-WillBeTold-person");
    await shoot(anna, "composer");
});
const chloe = await as("chloe");
await picture("team", async () => {
    await whenThere(chloe, `crm.team/${scene.team}`, ".o_form_view");
    await tab(chloe, ".o_form_view", "notify");
    await chloe.waitForSelector("[role=grid]");
    await shoot(chloe, "team");
});
const ben = await as("ben");
await picture("preferences", async () => {
    if (scene.phone) {
        await whenThere(ben, "my-notifications", ".o-notify-MyPage");
    } else {
        await ben.click(".o_user_menu button");
        await ben.click(".o-dropdown--menu [data-menu=preferences]");
        await tab(ben, ".modal", "notify");
    }
    await shoot(ben, "preferences");
});
for (const [name, size] of [
    ["schedule", SIZE],
    ["schedule-phone", [390, 844]],
]) {
    await picture(name, async () => {
        const page = await as("anna", size);
        await whenThere(page, "my-notifications", ".o-notify-MyTime-next");
        await shoot(page, name);
    });
}
for (const [name, size] of [
    ["digest", [900, 700]],
    ["digest-phone", [390, 844]],
]) {
    await picture(name, async () => {
        const page = await open(size);
        await page.goto(`file://${scene.digest}`);
        await shoot(page, name);
    });
}

const admin = await as("admin");
for (const {name, path, wait} of scene.screens) {
    await picture(name, async () => {
        await whenThere(admin, path, wait);
        if (wait.startsWith("#")) {
            await admin.locator(wait).scrollIntoViewIfNeeded();
        }
        await shoot(admin, name);
        await admin.setViewportSize({width: SIZE[0], height: SIZE[1]});
    });
}
await picture("simulate", async () => {
    const scheme = scene.screens.find(({name}) => name === "matrix");
    await whenThere(admin, scheme.path, ".o-notify-Matrix");
    await admin.locator("button[name=action_simulate]").first().click();
    await admin.locator(".o-notify-Simulate .o-autocomplete--input").click();
    await admin.locator(".o-autocomplete--dropdown-item").first().click();
    await admin.selectOption(".o-notify-Simulate-event", {label: "Issued"});
    await admin.waitForSelector(".o-notify-Simulate table");
    await shoot(admin, "simulate");
});

await browser.close();
