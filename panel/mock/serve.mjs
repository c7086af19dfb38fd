// Control as the panel expects it, without a grid: `node mock/serve.mjs [port] [directory]`. It answers /api/ by the
// same handlers as the tests do; with a directory (out), it serves the exported panel too, as nginx will.
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { createServer as createVite } from "vite";

const [port = "3901", directory] = process.argv.slice(2);
const vite = await createVite({
  root: join(import.meta.dirname, ".."),
  configFile: false,
  appType: "custom",
  logLevel: "warn",
  server: { middlewareMode: true, hmr: false, ws: false },
  optimizeDeps: { noDiscovery: true },
});
const { getResponse } = await import("msw");

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};

function file(path) {
  const asked = normalize(decodeURIComponent(path));
  for (const name of [asked, `${asked}.html`, join(asked, "index.html")]) {
    const full = join(directory, name);
    if (statSync(full, { throwIfNoEntry: false })?.isFile()) return full;
  }
  return null;
}

async function answer(request, response) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  if (!url.pathname.startsWith("/api/")) {
    const found = directory ? file(url.pathname) : null;
    const page = found ?? join(directory ?? ".", "404.html");
    response.writeHead(found ? 200 : 404, { "Content-Type": TYPES[extname(page)] ?? "application/octet-stream" });
    response.end(directory ? readFileSync(page) : "");
    return;
  }
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const hasBody = !["GET", "HEAD"].includes(request.method);
  const asked = new Request(url, {
    method: request.method,
    headers: request.headers,
    signal: gone.signal,
    ...(hasBody && { body: Readable.toWeb(request), duplex: "half" }),
  });
  const { handlers } = await vite.ssrLoadModule("/mock/handlers.ts");
  const given = await getResponse(handlers, asked);
  response.writeHead(given.status, Object.fromEntries(given.headers));
  if (given.body)
    Readable.fromWeb(given.body)
      .on("error", () => response.end())
      .pipe(response);
  else response.end();
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end(String(error));
  });
}).listen(Number(port), "127.0.0.1", () => console.log(`mock of control: http://127.0.0.1:${port}`));
