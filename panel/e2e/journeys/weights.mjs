// Weights are set by sliders: what each comes to stands beside it.
import { isLive, logIn } from "../login.mjs";
import { previewed } from "../preview.mjs";

export async function journey(tools) {
  const { given, figure } = tools;
  const { service, weights } = given;
  const page = await logIn(tools, `/services?name=${service}&show=edit`);
  await isLive(page);
  const drawer = page.getByRole("complementary", { name: service });
  const all = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const [edge, weight] of Object.entries(weights)) {
    const slider = drawer.getByRole("slider", { name: `Weight of ${edge}` });
    await slider.press("Home");
    for (let step = 0; step < weight; step += 1) await slider.press("ArrowRight");
  }
  for (const weight of Object.values(weights))
    await drawer
      .getByText(new RegExp(`^${weight} · ${Math.round((100 * weight) / all)}\\s?%$`))
      .first()
      .waitFor();
  await drawer.getByRole("button", { name: "Preview…" }).click();
  const dialog = page.getByRole("dialog", { name: `Change service ${service}` });
  figure("preview", await previewed(dialog));
  await dialog.getByRole("button", { name: "Apply" }).click();
  await drawer.getByRole("button", { name: "Edit…" }).waitFor();
}
