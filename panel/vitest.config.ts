import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: { "next/navigation": `${import.meta.dirname}/mock/navigation.ts`, "@": import.meta.dirname },
  },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { url: "http://panel.grid/" } },
    include: ["{app,components,features,lib,mock}/**/*.test.{ts,tsx}"],
    setupFiles: ["mock/setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
    testTimeout: 60_000, // a bound, not a measure: a machine may do other things meanwhile
    restoreMocks: true,
    unstubGlobals: true,
  },
});
