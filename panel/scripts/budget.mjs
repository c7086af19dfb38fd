// How much JavaScript each page loads before it does anything: gzipped, against 300 KB. Run after `next build`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 300;
const out = join(import.meta.dirname, "..", "out");
const sizes = new Map();

function gzipped(path) {
  if (!sizes.has(path)) sizes.set(path, gzipSync(readFileSync(join(out, path)), { level: 6 }).length);
  return sizes.get(path);
}

const pages = readdirSync(out, { recursive: true }).filter((name) => name.endsWith(".html"));
let failed = false;
for (const page of pages.sort()) {
  const html = readFileSync(join(out, page), "utf8");
  // `nomodule` scripts are for browsers that none of the panel's users have.
  const scripts = [...html.matchAll(/<script\b[^>]*>/g)]
    .map(([tag]) => tag)
    .filter((tag) => !/\bnomodule\b/i.test(tag));
  const sources = new Set(scripts.map((tag) => /\bsrc="\/([^"?]+)/.exec(tag)?.[1]).filter(Boolean));
  const kb = [...sources].reduce((sum, source) => sum + gzipped(source), 0) / 1000;
  const foreign = [...html.matchAll(/(?:src|href)="(https?:)?\/\/[^"]*/g)].map(([found]) => found);
  console.log(`${page.padEnd(24)} ${kb.toFixed(0).padStart(4)} KB in ${sources.size} scripts`);
  if (kb > LIMIT_KB || foreign.length > 0) {
    failed = true;
    console.error(`${page}: ${kb > LIMIT_KB ? `more than ${LIMIT_KB} KB` : `asks elsewhere: ${foreign.join(", ")}`}`);
  }
}
if (pages.length === 0) {
  failed = true;
  console.error("no pages in out: build first");
}
process.exit(failed ? 1 : 0);
