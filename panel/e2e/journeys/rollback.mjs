// Back to an earlier revision, after its plan was read.
import { isLive, logIn } from "../login.mjs";
import { previewed } from "../preview.mjs";

export async function journey(tools) {
  const { given, ask, figure, wrong } = tools;
  const { number } = given;
  const page = await logIn(tools, "/revisions");
  await isLive(page);
  await page
    .getByRole("row")
    .filter({ has: page.getByText(String(number), { exact: true }) })
    .click();
  const drawer = page.getByRole("complementary", { name: `Revision ${number}` });
  const before = await ask("revision");
  await drawer.getByRole("button", { name: "Roll back to it…" }).click();
  const dialog = page.getByRole("dialog", { name: `Roll back to revision ${number}` });
  figure("plan", await previewed(dialog));
  if ((await ask("revision")) !== before) wrong("the plan was carried out before anybody said so");
  await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
  await page.getByRole("heading", { name: `Last change: revision ${before + 1}` }).waitFor();
}
