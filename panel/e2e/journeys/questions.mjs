// Each question of `given.pages`, answered on its page without a click, wide and narrow: its words stand there whole.
//     pages: [{path, name, questions: [{ask, says: ["regular expression", …]}]}]
// With a directory, a picture of each page, and one of each question with its answer in the middle.
import { join } from "node:path";
import { SIZES, violations, watch } from "../browser.mjs";
import { logIn } from "../login.mjs";

const SHOWN = [
  ["wide", "light"],
  ["narrow", "dark"],
];
const PATIENCE_MS = 10_000;

export async function journey(tools) {
  const { given, context } = tools;
  if (given.wrongly) await refused(tools);
  await (await (given.link ? claim(tools) : logIn(tools))).close();
  for (const shown of given.pages) {
    for (const [size, colorScheme] of SHOWN) {
      const page = await context.newPage();
      await page.setViewportSize(SIZES[size]);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const where = `${shown.path} ${size}-${colorScheme}`;
      await look(page, tools, shown, where, `${shown.name}-${size}-${colorScheme}`);
      await page.close();
    }
  }
}

/** Somebody mistypes a password, as the audit log is to tell. */
async function refused({ open, given }) {
  const page = await open("/", ["401 (Unauthorized)"]);
  await page.waitForURL(/\/login/);
  await page.getByLabel("Name").fill(given.name);
  await page.getByLabel("Password", { exact: true }).fill("six green boats");
  const answer = page.waitForResponse((one) => one.request().method() === "POST" && one.status() === 401);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await answer;
  await page.close();
}

/** By the one-time link. */
async function claim({ open, given }) {
  const page = await open(given.link.slice(new URL(given.link).origin.length), ["401 (Unauthorized)"]);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and go in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  return page;
}

async function look(page, { given, wrong }, { path, questions }, where, name) {
  const faults = watch(page, new URL(given.base).origin);
  await page.goto(given.base + path);
  await page.locator("h1").first().waitFor();
  const keep = async (file) => {
    if (given.pictures) await page.screenshot({ path: join(given.pictures, `${file}.png`) });
  };
  for (const { ask, says } of questions) {
    const missing = await until(page, says);
    for (const line of missing) wrong(`${where}: ${ask} ${line}`);
    if (missing.length > 0) wrong(`${where}: ${await page.locator("main").innerText()}`);
  }
  for (const line of [...faults, ...(await violations(page))]) wrong(`${where}: ${line}`);
  // As high as all of it, so that what stands at the screen's foot does so in the picture.
  const { width, height } = page.viewportSize();
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.max(height, whole) });
  await keep(name);
  await page.setViewportSize({ width, height });
  for (const { ask, says } of questions) {
    await page.evaluate(find, { patterns: says, show: true });
    await keep(
      `${name}-${ask
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/-$/, "")}`,
    );
  }
}

/** What of `says` does not stand on the page in time. */
async function until(page, says) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const missing = await page.evaluate(find, { patterns: says, show: false });
    if (missing.length === 0 || Date.now() > end) return missing;
    await page.waitForTimeout(200);
  }
}

/** In the page: what does not stand there, or not whole. A clipped or hidden text is none. */
function find({ patterns, show }) {
  const words = (element) => element.innerText.replace(/\s+/g, " ").trim();
  const seen = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 4 && height > 4 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const cut = (element) => {
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const { overflowX } = getComputedStyle(at);
      if (overflowX !== "visible" && at.scrollWidth > at.clientWidth + 1) return true;
    }
    return false;
  };
  const all = [...document.querySelectorAll("main, main *")].filter((element) => element instanceof HTMLElement);
  const wrong = [];
  for (const pattern of patterns) {
    const wanted = new RegExp(pattern, "i");
    const holding = all.filter((element) => wanted.test(words(element)) && seen(element));
    const smallest = holding.filter((element) => ![...element.children].some((child) => holding.includes(child)));
    const whole = smallest.find((element) => !cut(element));
    if (!whole) wrong.push(smallest.length > 0 ? `"${pattern}" is cut off` : `"${pattern}" is not there`);
    else if (show && pattern === patterns[0]) whole.scrollIntoView({ block: "center" });
  }
  return wrong;
}
