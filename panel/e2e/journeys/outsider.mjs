// A browser on a device that is no operator's: whatever it asks for, nothing of the grid is in the answer.
export async function journey({ context, given, figure }) {
  const page = await context.newPage();
  const answers = {};
  const open = async (url) => {
    const answer = await page.goto(url, { timeout: given.patience }).catch(() => null);
    answers[url] = answer?.status() ?? 0;
  };
  for (const url of given.pages) await open(url);
  // From a page of the gateway's own, whatever it is, as a script there would.
  for (const [method, path, body] of given.asked) {
    answers[`${method} ${path}`] = await page.evaluate(
      ([path, init]) =>
        fetch(path, init).then(
          async (answer) => `${answer.status} ${(await answer.json()).code}`,
          () => 0,
        ),
      [
        path,
        { method, ...(body ? { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {}) },
      ],
    );
  }
  for (const url of given.closed) await open(url);
  figure("answers", answers);
}
