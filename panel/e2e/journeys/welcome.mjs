// An operator opens the one-time link, sets a password, leaves, and comes back to the page that was asked for.
import { isLive, logIn } from "../login.mjs";

export async function journey(tools) {
  const { open, given, figure } = tools;
  const page = await open(given.link.slice(new URL(given.link).origin.length), ["401 (Unauthorized)"]);
  if (page.url().includes(given.link.split("#")[1])) {
    await page.waitForURL((url) => url.hash === "");
  }
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByLabel("Once more").fill("shorter");
  await page.getByRole("button", { name: "Set it and go in" }).click();
  await page.getByText("The two differ").waitFor();
  await page.getByText("It is shorter than 12 characters").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and go in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await isLive(page);

  await page.getByRole("button", { name: "Account and appearance" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.waitForURL(/\/login/);
  await page.close();

  const again = await logIn(tools, "/nodes?filter=edge");
  await again.waitForURL(/\/nodes\?filter=edge$/);
  await again.getByRole("row").nth(1).waitFor();
  await again.close();

  const first = await open("/nodes");
  await first.getByRole("row").nth(1).waitFor();
  const took = await first.evaluate(() => performance.now());
  const loaded = await first.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .reduce((sum, entry) => sum + (entry.name.endsWith(".js") ? entry.encodedBodySize : 0), 0),
  );
  figure("nodes listed after, ms", Math.round(took));
  figure("JavaScript loaded, kB", Math.round(loaded / 1000));
}
