// An edge is invited, joins by the command that the page prints, waits for a yes, and is in. Each step is shown when it
// happens, from both ends: what arrives at the gateway, and what the newcomer confirms.
import { isLive, logIn, PRELOADED } from "../login.mjs";
import { previewed } from "../preview.mjs";

export async function journey(tools) {
  const { ask, open, given, figure } = tools;
  const { edge } = given;
  const page = await logIn(tools, "/nodes");
  await isLive(page);
  await page.getByRole("link", { name: "Add a node" }).click();
  await page.getByRole("button", { name: /A host that runs services/ }).click();
  await page.getByRole("textbox", { name: "Name" }).fill(edge);
  const reach = page.getByRole("combobox", { name: /Lets be published/ });
  await reach.fill(given.reach);
  await reach.press("Enter");
  await page.getByText("How long the token is good, and whether it waits for a yes").click();
  await page.getByText("Always", { exact: true }).click();
  await page.getByRole("button", { name: "Invite", exact: true }).click();

  const command = await page
    .locator("pre")
    .filter({ hasText: /^gridwire join/ })
    .innerText();
  const token = await page.getByLabel("the token", { exact: true }).innerText();
  const steps = page.getByRole("list", { name: `How far ${edge} has come` });
  const step = (state, title) => steps.locator(`li[data-state="${state}"]`).filter({ hasText: title });
  await step("now", "It calls a gateway").getByText(`waits for you, at ${edge}`).waitFor();

  await ask("the gateway's answers are lost");
  await ask("it joins", { command, token });
  await step("done", "It calls a gateway")
    .getByText(/^[1-9]\d* handshakes? begun/)
    .waitFor();
  await step("now", "Its tunnel stands").waitFor();
  await ask("they arrive again");
  await step("now", "You say yes").getByText("waits for your yes").waitFor({ timeout: 40_000 });
  for (const title of ["It calls a gateway", "Its tunnel stands", "Its own key is known"])
    await step("done", title).waitFor();
  await step("later", "It is in").waitFor();
  await ask("it has joined");

  const list = await open("/nodes", PRELOADED);
  const row = list.getByRole("row").filter({ has: list.getByText(edge, { exact: true }) });
  await row.getByText("waits for a yes").waitFor();
  await isLive(list);
  await page.bringToFront();
  await page.getByRole("button", { name: "Approve…" }).click();
  const dialog = page.getByRole("dialog", { name: `Approve ${edge}` });
  figure("listeners", (await previewed(dialog)).Listeners ?? []);
  await dialog.getByRole("button", { name: "Approve", exact: true }).click();
  await step("done", "It is in").waitFor();
  await page.getByRole("status").getByText("joined", { exact: true }).waitFor();
  await ask("it runs");
  await row.getByText("connected").waitFor();
}
