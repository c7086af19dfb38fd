// A browser as an operator's device has one, and what every page must hold in it: nothing on the console, nothing asked
// of another origin, no violation that axe finds, nothing wider than the screen.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox", // of tests, which are root in a namespace
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

export const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
export const SCHEMES = ["light", "dark"];

/** Opens a browser with a profile of its own, which goes with it. */
export async function launch(flags = []) {
  const executablePath = BROWSERS.find((path) => existsSync(path));
  if (!executablePath) throw new Error("there is no Chromium here: apt-get install chromium");
  const profile = mkdtempSync(join(tmpdir(), "gridwire-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [...FLAGS, ...flags],
    viewport: SIZES.wide,
    reducedMotion: "reduce",
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}

/** Watches a page: `faults` fills with what no page may do. `allowed`: addresses whose refusal belongs to the test. */
export function watch(page, origin, allowed = []) {
  const faults = [];
  const expected = (text) => allowed.some((part) => text.includes(part));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const text = `${message.text()} ${message.location().url ?? ""}`;
    if (!expected(text)) faults.push(`console: ${text}`);
  });
  page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== origin) faults.push(`elsewhere: ${request.url()}`);
  });
  return faults;
}

/** Violations of WCAG 2 A and AA that axe finds, whatever is wider than the screen, and text under 12 px. */
export async function violations(page) {
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
  const lines = found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `axe ${id}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
  );
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) lines.push(`wider than the screen by ${over} px`);
  return [...lines, ...(await page.evaluate(tiny))];
}

/** In the page: texts too small to be read, each size once. */
function tiny() {
  const found = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { textContent, parentElement } = texts.currentNode;
    const size = Number.parseFloat(getComputedStyle(parentElement).fontSize);
    if (size < 12 && textContent.trim() && parentElement.checkVisibility()) found.set(size, textContent.trim());
  }
  return [...found].map(([size, text]) => `${size} px: ${text.slice(0, 40)}`);
}

/** Calls `visit(page, name)` for each width and scheme. */
export async function everywhere(context, visit) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of SCHEMES) {
      const page = await context.newPage();
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await visit(page, `${size}-${colorScheme}`);
      await page.close();
    }
  }
}
