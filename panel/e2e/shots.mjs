// Pictures of pages at 1440 and 390 px, light and dark, and what is wrong with them:
//     node e2e/shots.mjs http://127.0.0.1:3901 DIRECTORY /nodes "/nodes?name=home-2" …
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { everywhere, launch, violations, watch } from "./browser.mjs";

const [base, directory, ...paths] = process.argv.slice(2);
const { origin } = new URL(base);
mkdirSync(directory, { recursive: true });
const { context, close } = await launch();
let wrong = 0;
try {
  for (const path of paths) {
    const name = path.replace(/^\//, "").replace(/[^a-z0-9]+/gi, "-") || "overview";
    await everywhere(context, async (page, where) => {
      const faults = watch(page, origin);
      await page.goto(base + path);
      await page.locator("h1").first().waitFor();
      // Loading is over when nothing says so any more.
      await page.waitForFunction(() => !/^Loading/m.test(document.body.innerText));
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: join(directory, `${name}-${where}.png`) });
      for (const line of [...faults, ...(await violations(page))]) {
        wrong += 1;
        console.log(`${path} ${where}: ${line}`);
      }
    });
  }
} finally {
  await close();
}
process.exit(wrong ? 1 : 0);
