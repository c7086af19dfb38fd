// Whether an operator can make every change of the API in the panel: each operation that changes something was made by a
// page in the component tests, by what a person does there. Run after them, with what mock/setup.ts wrote down.
//     node scripts/covered.mjs OPENAPI.json MADE
import { readFileSync } from "node:fs";

// What is not for an operator's hands.
const ELSEWHERE = [
  ["/api/v1/agent/", "an agent's, of its own node"],
  ["/api/v1/enrolments", "who joins, by invitation or from a tailnet"],
];

const [openapi, list] = process.argv.slice(2);
const made = new Set(readFileSync(list, "utf8").split("\n").filter(Boolean));
const changes = Object.entries(JSON.parse(readFileSync(openapi, "utf8")).paths).flatMap(([path, operations]) =>
  Object.keys(operations)
    .filter((method) => ["post", "put", "patch", "delete"].includes(method))
    .map((method) => ({ path, operation: `${method.toUpperCase()} ${path}` })),
);

const escaped = (text) => text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");

/** A request of `operation`, whose path has names in braces; none of them is a word of the API's own. */
const asked = (operation) => new RegExp(`^${escaped(operation).replace(/\{[^}]+\}/g, "[^/]+")}$`);
const literal = new Set(changes.map(({ operation }) => operation).filter((operation) => !operation.includes("{")));

const kept = changes.filter(({ path }) => !ELSEWHERE.some(([prefix]) => path.startsWith(prefix)));
const missing = kept.filter(({ operation }) => {
  const pattern = asked(operation);
  return ![...made].some((line) => pattern.test(line) && (line === operation || !literal.has(line)));
});
for (const { operation } of missing) console.error(`${operation}: no test makes this change in the panel`);
const left = changes.length - kept.length;
console.log(
  `changes: ${kept.length - missing.length} of ${kept.length} made in the panel; ${left} are not an operator's`,
);
process.exit(missing.length ? 1 : 0);
