// A link that was used opens nothing, and says so.
export async function journey({ open, given }) {
  const page = await open(given.link.slice(new URL(given.link).origin.length), [
    "403 (Forbidden)",
    "401 (Unauthorized)",
  ]);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and go in" }).click();
  await page
    .getByRole("alert")
    .filter({ hasText: /gridwire operator/ })
    .waitFor();
  if (!page.url().includes("/welcome")) throw new Error("a used link led in");
}
