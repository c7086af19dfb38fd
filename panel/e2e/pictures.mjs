// Pictures for the documents, small, out of those that tests/e2e/test_questions.py keeps:
//     node e2e/pictures.mjs FROM TO
// As WebP, which a browser writes by itself; at most so high that a page of text is not all picture.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./browser.mjs";

const [from, to] = process.argv.slice(2);
const KEPT = {
  "question-overview-wide-light": "overview",
  "question-overview-narrow-dark": "overview-phone",
  "question-nodes-wide-light": "nodes",
  "question-routes-wide-light": "routes",
  "question-traffic-wide-light": "traffic",
  "question-perimeter-wide-light": "perimeter",
  "question-revisions-wide-light": "revisions",
};
const HIGHEST = { wide: 1000, narrow: 900 }; // px
const QUALITY = 0.82;

const { context, close } = await launch();
try {
  const page = await context.newPage();
  for (const [picture, name] of Object.entries(KEPT)) {
    const png = readFileSync(join(from, `${picture}.png`)).toString("base64");
    const highest = HIGHEST[picture.includes("-wide-") ? "wide" : "narrow"];
    const webp = await page.evaluate(shrink, { png, highest, quality: QUALITY });
    const bytes = Buffer.from(webp, "base64");
    writeFileSync(join(to, `${name}.webp`), bytes);
    console.log(`${name}.webp ${Math.round(bytes.length / 1000)} kB`);
  }
} finally {
  await close();
}

async function shrink({ png, highest, quality }) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = Math.min(image.height, highest);
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}
