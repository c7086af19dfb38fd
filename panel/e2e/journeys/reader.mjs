// Whose right to change is taken is told so in plain words at the next step, and from then on is offered no change.
import { isLive, PRELOADED } from "../login.mjs";
import { select } from "../preview.mjs";

const CHANGES = /…$|^(Add .*|Undo|Approve|Remove|Revoke|Drain|Invite|Disable|Enable|New link|Let .*)$/;
const ALLOWED = ["401 (Unauthorized)", "403 (Forbidden)", ...PRELOADED];

export async function journey(tools) {
  const { ask, open, given, figure, wrong } = tools;
  const page = await open(given.link.slice(new URL(given.link).origin.length), ALLOWED);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and go in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await isLive(page);

  await page.goto(`${given.base}/services/add`);
  await page.getByRole("textbox", { name: "Name" }).fill("mine");
  await page.getByRole("textbox", { name: /Listens at/ }).fill("127.0.0.1:9000");
  await select(page, /Runs on/, ["role:edge"]);
  await ask("may only look");
  await page.getByRole("button", { name: "Preview…" }).click();
  figure("refusal", await page.locator("main").getByRole("alert").innerText());

  for (const path of given.pages) {
    await page.goto(given.base + path);
    await page.locator("h1").first().waitFor();
    await page.waitForFunction(() => !/^Loading/m.test(document.body.innerText));
    const main = page.locator("main");
    if (path.endsWith("/add")) await main.getByText(/^You may look, and not change anything/).waitFor();
    const buttons = (await main.getByRole("button").allInnerTexts()).filter((text) => CHANGES.test(text));
    const links = (await main.getByRole("link").allInnerTexts()).filter((text) => text.startsWith("Add"));
    for (const text of [...buttons, ...links]) wrong(`${path} offers “${text}” to who may only look`);
  }

  const answers = await page.evaluate(async (asked) => {
    const found = {};
    for (const [method, path, body] of asked) {
      const answer = await fetch(`/api/v1${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {}),
      });
      const { code } = await answer.json();
      found[`${method} ${path}`] = `${answer.status} ${code}`;
    }
    return found;
  }, given.changes);
  figure("changes", answers);
}
