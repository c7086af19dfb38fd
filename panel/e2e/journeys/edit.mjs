// A route is edited by two at once. Who comes second sees both versions and decides: theirs, or mine over it.
import { isLive, logIn } from "../login.mjs";
import { previewed, select } from "../preview.mjs";

export async function journey(tools) {
  const { ask, given, figure, wrong } = tools;
  const { route } = given;
  const page = await logIn(tools, `/routes?name=${route}`, ["412 (Precondition Failed)"]);
  await isLive(page);
  const drawer = page.getByRole("complementary", { name: route });
  const dialog = page.getByRole("dialog", { name: `Change route ${route}` });
  const apply = dialog.getByRole("button", { name: "Apply" });
  const edit = async (...selectors) => {
    await drawer.getByRole("button", { name: "Edit…" }).click();
    await select(page, /Who may open it/, selectors);
  };
  const preview = () => drawer.getByRole("button", { name: "Preview…" }).click();
  const done = () => drawer.getByRole("button", { name: "Edit…" }).waitFor();

  await edit("role:operator");
  await preview();
  figure("alone", await previewed(dialog));
  await apply.click();
  await done();
  figure("after alone", await ask("statuses"));

  /** Somebody else changes the route while the form is open, and the page has heard of it. */
  const overtaken = async (mine, theirs) => {
    await edit(...mine);
    const heard = page.waitForResponse(
      (response) => response.url().endsWith(`/routes/${route}`) && response.request().method() === "GET",
    );
    await ask("somebody is faster", theirs);
    await heard;
    for (const selector of mine) {
      if (!(await drawer.locator("form").getByText(selector, { exact: true }).count())) wrong(`${selector} was lost`);
    }
    await preview();
    const both = dialog.getByRole("region", { name: "Both versions" });
    await both.getByText("From theirs (−) to yours (+)").waitFor();
    if (await apply.isEnabled()) wrong("it can be applied before anybody has decided");
    return both;
  };
  const both = await overtaken(["node:phone"], ["node:guest"]);
  figure("conflict", await both.getByRole("listitem").allTextContents());
  await both.getByRole("button", { name: "Preview mine over it" }).click();
  await both.waitFor({ state: "detached" });
  figure("mine over theirs", await previewed(dialog));
  await apply.click();
  await done();
  figure("after mine", await ask("statuses"));

  const again = await overtaken(["node:guest"], ["role:client", "role:operator"]);
  await again.getByRole("button", { name: "Keep theirs" }).click();
  await done();
  for (const selector of ["role:client", "role:operator"]) await drawer.getByText(selector, { exact: true }).waitFor();
  figure("after theirs", await ask("statuses"));
}
