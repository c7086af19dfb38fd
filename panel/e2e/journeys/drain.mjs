// By keyboard alone: find an edge, look at what draining would do, do it, and see it so in another window at once.
import { isLive, logIn, PRELOADED } from "../login.mjs";

export async function journey(tools) {
  const { open, given } = tools;
  const page = await logIn(tools, "/");
  await isLive(page);
  const other = await open("/nodes", PRELOADED);
  const row = (window) => window.getByRole("row").filter({ has: window.getByText(given.edge, { exact: true }) });
  await row(other).waitFor();
  await isLive(other);

  await page.bringToFront();
  await page.keyboard.press("g");
  await page.keyboard.press("n");
  await row(page).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type(given.edge);
  await page.keyboard.press("Tab");
  await row(page).focus();
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("complementary", { name: given.edge });
  await drawer.getByRole("button", { name: "Drain…" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: `Drain ${given.edge}` });
  await dialog.getByText("drained: yes").waitFor();
  await dialog.getByRole("button", { name: "Drain", exact: true }).press("Enter");
  await drawer.getByRole("button", { name: "Take back into use…" }).waitFor();
  await row(other).getByText("drained").waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
}
