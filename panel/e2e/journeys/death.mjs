// An edge dies while pages are open: each says so by itself, and what lies behind it is unknown, never well.
import { isLive, logIn, PRELOADED } from "../login.mjs";

/** Runs in the page, so that what is measured is when it was shown. Answers with the moment, in ms since 1970. */
function shown({ scope, item, name, word }) {
  const found = [...document.querySelectorAll(`${scope} ${item}`)].find((one) => one.textContent.includes(name));
  return found?.textContent.includes(word) ? Date.now() : null;
}

export async function journey(tools) {
  const { ask, open, given, figure, wrong } = tools;
  const { edge, service } = given;
  const endpoint = { scope: "aside", item: "ul li", name: edge, word: "unknown" };
  const looks = {
    overview: ["/", { scope: "main", item: "ol li", name: edge, word: "broken here" }],
    graph: ["/", { scope: "main", item: "ul[aria-label='Services'] li", name: service, word: "unknown" }],
    nodes: ["/nodes", { scope: "main", item: "[role=row]", name: edge, word: "no answer" }],
    services: [`/services?name=${service}`, endpoint],
    routes: [`/routes?name=${service}`, endpoint],
  };
  const pages = {};
  for (const [name, [path]] of Object.entries(looks)) {
    pages[name] = name === "overview" ? await logIn(tools, path) : await open(path, PRELOADED);
    await isLive(pages[name]);
  }
  for (const name of ["services", "routes"]) {
    const line = pages[name].locator("aside ul li").filter({ hasText: edge });
    await line.getByText("up", { exact: true }).waitFor();
  }
  const seen = Object.entries(looks).map(async ([name, [, look]]) => {
    const found = await pages[name].waitForFunction(shown, look, { polling: 20, timeout: 20_000 });
    return [name, await found.jsonValue()];
  });
  const died = await ask("it dies");
  const times = Object.fromEntries((await Promise.all(seen)).map(([name, at]) => [name, at - died]));
  figure("shown after, ms", times);

  // For as long as it stays dead, nobody is told that it is well.
  for (let look = 0; look < given.looks; look += 1) {
    for (const name of ["services", "routes"]) {
      const line = await pages[name].locator("aside ul li").filter({ hasText: edge }).first().innerText();
      if (!line.startsWith("unknown")) wrong(`${name} says of ${service} on a dead ${edge}: ${line}`);
    }
    for (const [column, name] of [
      ["Services", service],
      ["Edges", edge],
    ]) {
      const station = pages.graph.getByRole("list", { name: column }).getByRole("listitem").filter({ hasText: name });
      if (/reached/.test(await station.innerText())) wrong(`the graph says that ${name} is reached`);
    }
    const row = await pages.nodes.getByRole("row").filter({ hasText: edge }).innerText();
    if (/connected/.test(row)) wrong(`nodes says of a dead ${edge}: ${row}`);
    await pages.nodes.waitForTimeout(500);
  }
  await ask("it comes back");
  await pages.services
    .locator("aside ul li")
    .filter({ hasText: edge })
    .getByText("up", { exact: true })
    .waitFor({ timeout: 60_000 });
  await pages.nodes.getByRole("row").filter({ hasText: edge }).getByText("connected").waitFor({ timeout: 60_000 });
}
