"use client";
/** What stands around every page of the grid: strip, rail, palette, and the stream that keeps pages live. */
import dynamic from "next/dynamic";
import { usePathname, useRouter } from "next/navigation";
import { Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { keyboard } from "@/lib/keyboard";
import { useFollow } from "@/lib/live";
import { paths } from "@/lib/paths";
import { useSaid } from "@/lib/said";
import { useLoginWanted } from "@/lib/session";
import { useSession } from "@/lib/session-query";
import { Loading } from "../states";
import { BottomBar, Rail } from "./rail";
import classes from "./shell.module.css";
import { Strip } from "./strip";

// What is opened is loaded when it is opened.
const Palette = dynamic(() => import("./palette").then((found) => found.Palette), { ssr: false });
const Keys = dynamic(() => import("./keys").then((found) => found.Keys), { ssr: false });

export function Shell({ children }: { children: React.ReactNode }) {
  const router = useRouter();
  const pathname = usePathname();
  const session = useSession();
  const wanted = useLoginWanted();
  const [palette, setPalette] = useState(false);
  const [keys, setKeys] = useState(false);
  const alive = useAlive();
  useFollow(session.data !== undefined && !wanted);

  useEffect(() => {
    if (wanted) router.replace(paths.login({ back: window.location.pathname + window.location.search }));
  }, [wanted, router]);

  useEffect(() => {
    const pressed = keyboard({
      goTo: (href) => router.push(href),
      palette: () => setPalette((open) => !open),
      keys: () => setKeys(true),
    });
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [router]);

  return (
    <div className={classes.shell}>
      <a href="#main" className={classes.skip}>
        Skip to the page
      </a>
      <Strip onPalette={() => setPalette(true)} />
      <Rail pathname={pathname} />
      <main id="main" className={classes.main} tabIndex={-1}>
        <Suspense fallback={waiting}>{alive ? children : waiting}</Suspense>
      </main>
      <BottomBar pathname={pathname} onMore={() => setPalette(true)} />
      {palette && <Palette onClose={() => setPalette(false)} />}
      {keys && <Keys onClose={() => setKeys(false)} />}
      <Said />
    </div>
  );
}

const waiting = (
  <div className={classes.waiting}>
    <Loading what="the page" rows={6} />
  </div>
);

/**
 * False until the exported page is alive. What is under a Suspense boundary becomes so later than the strip, which may
 * have answers in the cache by then: it would not be what was exported (React's error 418).
 */
function useAlive(): boolean {
  return useSyncExternalStore(
    () => () => {},
    () => true,
    () => false,
  );
}

function Said() {
  const line = useSaid();
  return (
    <div className={classes.said} role="status" data-shown={line !== "" || undefined}>
      {line}
    </div>
  );
}
