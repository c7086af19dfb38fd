import type { NextConfig } from "next";

const developing = process.env.NODE_ENV === "development";
// Where `next dev` finds control: the mock server, or a gateway's panel through `ssh -L`.
const api = process.env.GRIDWIRE_API ?? "http://127.0.0.1:3901";

const config: NextConfig = {
  ...(developing
    ? { rewrites: async () => [{ source: "/api/:path*", destination: `${api}/api/:path*` }] }
    : { output: "export" }),
  typescript: { ignoreBuildErrors: true }, // `make panel-test` checks types; twice would cost a minute
  reactStrictMode: true,
  poweredByHeader: false,
  productionBrowserSourceMaps: false,
  images: { unoptimized: true },
  turbopack: { root: import.meta.dirname },
  experimental: { optimizePackageImports: ["@tabler/icons-react", "@mantine/core", "@mantine/hooks"] },
  devIndicators: false,
};

export default config;
