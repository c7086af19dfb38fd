// A service and a route to it, by their forms. What each would do is shown, and is not done, before it is applied.
import { isLive, logIn } from "../login.mjs";
import { previewed, select } from "../preview.mjs";

export async function journey(tools) {
  const { ask, given, figure, wrong } = tools;
  const { service: name } = given;
  const page = await logIn(tools, "/services");
  await isLive(page);
  await page.getByRole("link", { name: "Add a service" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.getByRole("textbox", { name: /Listens at/ }).fill(given.target);
  await select(page, /Runs on/, [`node:${given.edge}`]);
  await page.getByText("HTTP", { exact: true }).click();
  await page.getByRole("textbox", { name: "Path" }).fill("/healthz");
  await page.getByRole("button", { name: "Preview…" }).click();
  const publishing = page.getByRole("dialog", { name: `Publish service ${name}` });
  figure("service", await previewed(publishing));
  if ((await ask("services")).includes(name)) wrong("the service was published by its preview");
  await publishing.getByRole("button", { name: "Publish" }).click();

  const service = page.getByRole("complementary", { name });
  await service.getByRole("listitem").filter({ hasText: given.edge }).getByText("up", { exact: true }).waitFor();
  await service.getByRole("link", { name: "Route to it…" }).click();
  await page.getByRole("textbox", { name: "Host" }).fill(name);
  await select(page, /Who may open it/, ["role:client"]);
  await page.getByRole("button", { name: "Preview…" }).click();
  const adding = page.getByRole("dialog", { name: `Add route ${name}` });
  figure("route", await previewed(adding));
  figure("before", await ask("statuses"));
  await adding.getByRole("button", { name: "Add", exact: true }).click();
  const route = page.getByRole("complementary", { name });
  await route.getByText("role:client").first().waitFor();
}
