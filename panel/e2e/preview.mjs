// A change as it is previewed before it is made.

/** What a dialog says that the change would do: the lines below each of its headings. */
export async function previewed(dialog) {
  await dialog.getByRole("heading", { level: 3 }).first().waitFor();
  return dialog.evaluate((root) =>
    Object.fromEntries(
      [...root.querySelectorAll("h3")].map((heading) => [
        heading.textContent.trim(),
        [...heading.parentElement.querySelectorAll("li")].map((line) => line.textContent.trim()),
      ]),
    ),
  );
}

/** Puts selectors in the place of those that stand in a field. */
export async function select(page, field, selectors) {
  const input = page.getByRole("combobox", { name: field });
  await input.focus();
  while ((await page.locator("form [data-with-remove]").count()) > 0) await input.press("Backspace");
  for (const selector of selectors) {
    await input.fill(selector);
    await input.press("Enter");
  }
  await input.press("Escape");
}
