// A node is revoked, once its name was typed, and the list of another window says so.
import { isLive, logIn, PRELOADED } from "../login.mjs";
import { previewed } from "../preview.mjs";

export async function journey(tools) {
  const { open, given, figure, wrong } = tools;
  const { node } = given;
  const page = await logIn(tools, `/nodes?name=${node}`, [`/api/v1/nodes/${node}`]); // its drawer asks once more for it
  await isLive(page);
  const other = await open("/nodes", PRELOADED);
  await isLive(other);
  const row = other.getByRole("row").filter({ has: other.getByText(node, { exact: true }) });
  await row.waitFor();
  await page.bringToFront();
  await page.getByRole("complementary", { name: node }).getByRole("button", { name: "Revoke…" }).click();
  const dialog = page.getByRole("dialog", { name: `Revoke ${node}` });
  figure("preview", await previewed(dialog));
  const revoke = dialog.getByRole("button", { name: `Revoke ${node}` });
  const typed = dialog.getByRole("textbox", { name: `Type ${node} to confirm` });
  for (const text of ["", node.slice(0, -1), `${node}x`]) {
    await typed.fill(text);
    if (await revoke.isEnabled()) wrong(`“${text}” was enough to revoke ${node}`);
  }
  await typed.fill(node);
  await revoke.click();
  await page.getByText(new RegExp(`^${node} was cut off at every gateway in`)).waitFor();
  await row.waitFor({ state: "detached" });
  await other.goto(`${given.base}/events`);
  await other
    .getByRole("row")
    .filter({ hasText: node })
    .getByText(/^node revoked/)
    .first()
    .waitFor();
}
