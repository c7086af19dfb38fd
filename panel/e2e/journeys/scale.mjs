// How long an operator waits: until a list is there, until it can be typed into, and after each key of a filter. Times
// are the page's own, from its navigation or from the key to the frame after the one that holds what was waited for.
//     given: who {name, password}, link (the first time), pages, total {nodes, routes}, words {nodes, routes}
import { isLive, logIn } from "../login.mjs";

const ROUNDS = 5;
// Next.js fetches the styles of pages that links in sight lead to, and Chromium says of those that nobody went there.
const AHEAD = ["was preloaded"];

export async function journey(tools) {
  const { context, given, figure, wrong } = tools;
  await context.addInitScript(watching);
  const page = given.link ? await claimed(tools) : await logIn({ ...tools, given: given.who });
  await isLive(page);
  await page.close();

  await (await opened(tools, "overview", "/", `[aria-label="Edges"] a`)).close();
  for (const noun of given.pages) {
    const last = await opened(tools, noun, `/${noun}`, "[data-row]", given.total[noun]);
    const rows = await last.locator("[data-row]").count();
    if (rows > 120) wrong(`${noun}: ${rows} rows stand in the page at once`);
    if (given.words?.[noun]) await typed(last, noun, given.words[noun], figure);
    await last.close();
  }
  const overview = await tools.open("/", AHEAD);
  await overview.locator(`[aria-label="Edges"] a`).first().waitFor();
  for (const column of ["Devices", "Gateways", "Edges", "Services"]) {
    const vertices = await overview.locator(`[aria-label="${column}"] a`).count();
    if (vertices > 24) wrong(`${column}: ${vertices} stand in the graph`);
    figure(`${column.toLowerCase()} in the graph`, vertices);
  }
}

async function claimed({ open, given }) {
  const page = await open(given.link.slice(new URL(given.link).origin.length), ["401 (Unauthorized)"]);
  await page.getByLabel("Password", { exact: true }).fill(given.who.password);
  await page.getByLabel("Once more").fill(given.who.password);
  await page.getByRole("button", { name: "Set it and go in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  return page;
}

/** Loads a page some times; the last one is given, whole. */
async function opened({ open, figure }, name, path, awaited, total) {
  const seen = { row: [], keys: [], whole: [], longest: [] };
  let page;
  for (let round = 0; round < ROUNDS; round += 1) {
    await page?.close();
    page = await open("/icon.svg", AHEAD);
    await page.evaluate((selector) => sessionStorage.setItem("awaited", selector), awaited);
    await page.goto(new URL(path, page.url()).href);
    await page.locator(awaited).first().waitFor();
    await page.keyboard.press("g"); // the panel's own: it waits for a second key
    seen.keys.push(await page.evaluate(() => window.watched.key()));
    seen.row.push(await page.evaluate(() => window.watched.row()));
    if (total !== undefined) {
      const counted = page
        .getByRole("status")
        .filter({ hasText: new RegExp(`^${total.toLocaleString("en-US")} \\w+$`) });
      await counted.waitFor({ timeout: 60_000 });
      seen.whole.push(await page.evaluate(() => performance.now()));
    }
    seen.longest.push(await page.evaluate(() => window.watched.longest()));
  }
  figure(`${name}: first painted, ms`, seen.row.map(Math.round));
  figure(`${name}: answers a key, ms`, seen.keys.map(Math.round));
  if (total !== undefined) figure(`${name}: whole, ms`, seen.whole.map(Math.round));
  figure(`${name}: longest task, ms`, seen.longest.map(Math.round));
  return page;
}

/** Types a word key by key, then empties the field. */
async function typed(page, name, word, figure) {
  await page.keyboard.press("/");
  await page.waitForFunction(() => document.activeElement?.hasAttribute("data-filter"));
  const keys = [...word, ...Array.from(word, () => "Backspace")];
  for (const [at, key] of keys.entries()) {
    await page.keyboard.press(key);
    await page.evaluate((count) => window.watched.found(count), at + 1);
    await page.waitForTimeout(120); // a quick typist
  }
  figure(`${name}: a key of the filter, ms`, (await page.evaluate(() => window.watched.took)).map(Math.round));
}

/** In the page, before anything of it: notes when things were painted. */
function watching() {
  const found = { row: null, key: null, longest: 0 };
  const selector = sessionStorage.getItem("awaited");
  const each = () => {
    // The frame after the one that has it: by then that one was painted.
    if (selector && document.querySelector(selector)) requestAnimationFrame(() => (found.row ??= performance.now()));
    else requestAnimationFrame(each);
  };
  if (selector) requestAnimationFrame(each);
  addEventListener("keydown", () =>
    requestAnimationFrame(() => requestAnimationFrame(() => (found.key ??= performance.now()))),
  );
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) found.longest = Math.max(found.longest, duration);
  }).observe({ type: "longtask", buffered: true });
  const took = [];
  addEventListener(
    "keydown",
    ({ target, timeStamp }) => {
      if (!target.hasAttribute?.("data-filter")) return;
      const look = () => {
        const found = document.querySelector("[data-found-by]")?.getAttribute("data-found-by") === target.value;
        requestAnimationFrame(found ? () => took.push(performance.now() - timeStamp) : look);
      };
      requestAnimationFrame(look);
    },
    { capture: true },
  );
  const LONGEST = 20_000;
  const until = (ready, what) =>
    new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`${what} was not painted`)), LONGEST);
      const look = () => (ready() ? resolve(ready()) : requestAnimationFrame(look));
      look();
    });
  window.watched = {
    row: () => until(() => found.row, "what was awaited"),
    key: () => until(() => found.key, "the answer to a key"),
    longest: () => found.longest,
    /** From each key of the filter until the rows that it finds were painted. */
    took,
    found: (count) => until(() => took.length >= count, `what key ${count} finds`),
  };
}
