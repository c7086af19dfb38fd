// One journey in a browser, for tests/e2e: `node e2e/run.mjs NAME`, with what it needs as JSON on the first line of
// stdin. It prints a JSON line for each thing that it tells, and ends with 0 when all held.
//     {"ask": "…", "with": …}      wants something done on the grid; goes on with the JSON of the line that comes
//     {"figure": "…", "value": …}  was measured, or was shown
//     {"wrong": "…"}               does not hold
import { createInterface } from "node:readline";
import { launch, watch } from "./browser.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => (await lines.next()).value;
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const { journey } = await import(`./journeys/${process.argv[2]}.mjs`);
const given = JSON.parse(await next());
const { context, close } = await launch(given.flags ?? []);
context.setDefaultTimeout(60_000); // a machine that does much else is slow, and not wrong
let wrong = 0;
const tools = {
  context,
  given,
  /** Says what must be done on the grid, waits until it is, and gives what came of it. */
  ask: async (what, details = null) => {
    tell({ ask: what, with: details });
    return JSON.parse(await next());
  },
  figure: (name, value) => tell({ figure: name, value }),
  wrong: (what) => {
    wrong += 1;
    tell({ wrong: what });
  },
  /** A page whose faults count. `allowed`: parts of what the journey brings about itself. */
  open: async (path, allowed = []) => {
    const page = await context.newPage();
    page.faults = watch(page, new URL(given.base).origin, allowed);
    await page.goto(given.base + path);
    return page;
  },
};
try {
  await journey(tools);
  for (const page of context.pages()) for (const fault of page.faults ?? []) tools.wrong(`${page.url()}: ${fault}`);
} catch (error) {
  const seen = await Promise.all(
    context.pages().map(
      async (page) =>
        `${page.url()}\n${await page
          .locator("body")
          .innerText()
          .catch(() => "")}`,
    ),
  );
  tools.wrong([error.message, ...seen].join("\n\n"));
} finally {
  await close();
}
process.exit(wrong ? 1 : 0);
