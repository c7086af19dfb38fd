// What a person does before anything else.

const REFUSED = ["status of 401"]; // the browser's own line on the console, for a refusal that a journey wants

/** Chromium's own word on a page that stays open: Next.js fetches the style of what may be opened before it is. */
export const PRELOADED = ["was preloaded using link preload but not used"];

/** `allowed`: what else the journey brings about itself. */
export async function logIn({ open, given }, path = "/", allowed = []) {
  const page = await open(path, [...REFUSED, ...PRELOADED, ...allowed]);
  await page.waitForURL(/\/login/);
  await page.getByLabel("Name").fill(given.name);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  return page;
}

/** Until the strip says that the page follows the grid. */
export async function isLive(page, timeout = 20_000) {
  await page
    .getByRole("status")
    .filter({ hasText: /^Live$/ })
    .waitFor({ timeout });
}
