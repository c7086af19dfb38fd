// Every page at 1440 and 390 px, light and dark: nothing on the console, nothing from elsewhere, nothing for axe, nothing
// wider than the screen. With a directory, a picture of each.
import { join } from "node:path";
import { everywhere, violations, watch } from "../browser.mjs";
import { logIn } from "../login.mjs";

export async function journey(tools) {
  const { context, given, wrong } = tools;
  await (await logIn(tools)).close();
  for (const path of given.pages) {
    await everywhere(context, async (page, where) => {
      // A page that is not there is asked for on purpose.
      const faults = watch(page, new URL(given.base).origin, ["/nothing-is-here"]);
      await page.goto(given.base + path);
      await page.locator("h1").first().waitFor();
      await page.waitForFunction(() => !/^Loading/m.test(document.body.innerText));
      for (const line of [...faults, ...(await violations(page))]) wrong(`${path} ${where}: ${line}`);
      const name = path.replace(/^\//, "").replace(/[^a-z0-9]+/gi, "-") || "overview";
      if (given.pictures) await page.screenshot({ path: join(given.pictures, `${name}-${where}.png`) });
    });
  }
}
