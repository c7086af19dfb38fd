// Control goes and comes: what is shown says so, stays, and follows again without a reload.
import { isLive, logIn } from "../login.mjs";

export async function journey(tools) {
  const { ask } = tools;
  const page = await logIn(tools, "/nodes");
  page.faults.length = 0;
  await page.getByRole("row").nth(1).waitFor();
  await isLive(page);
  await ask("control away");
  await page
    .getByRole("status")
    .filter({ hasText: /^(Reconnecting|Offline)$/ })
    .waitFor({ timeout: 60_000 });
  await page.getByText(/^As of /).waitFor({ timeout: 60_000 });
  await page.getByRole("row").nth(1).waitFor();
  await ask("control back");
  await isLive(page, 120_000);
  await page.getByText(/^As of /).waitFor({ state: "detached", timeout: 60_000 });
  // What failed meanwhile stands on the browser's console, as it should.
  page.faults.splice(
    0,
    page.faults.length,
    ...page.faults.filter((fault) => !/Failed to load|ERR_|EventSource/.test(fault)),
  );
}
