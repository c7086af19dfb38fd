// A session ends under an open page: it leads to the login, and from there back to where it was.
import { isLive, logIn } from "../login.mjs";

export async function journey(tools) {
  const { ask, given, figure } = tools;
  const page = await logIn(tools, given.path);
  await isLive(page);
  await page.getByRole("row").nth(1).waitFor();
  const began = Date.now();
  await ask("the session is over");
  await page.waitForURL(/\/login/, { timeout: 30_000 });
  figure("login wanted after, ms", Date.now() - began);
  await page.getByLabel("Name").fill(given.name);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForURL(new URL(given.path, given.base).href);
  await page.getByRole("row").nth(1).waitFor();
  await isLive(page);
}
