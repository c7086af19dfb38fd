import { renderHook, screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { useSaid } from "@/lib/said";
import { problem } from "@/mock/answers";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { RevisionsPage } from "./revisions-page";

const section = async (title: string | RegExp) =>
  within((await screen.findByRole("heading", { name: title })).closest("section") as HTMLElement);

describe("revisions", () => {
  it("says without a click what changed last, by whom, and what undoing it would do", async () => {
    show(<RevisionsPage />);
    const last = await section("Last change: revision 42");
    last.getByText(/Route wiki: allow role:client/);
    last.getByText(/^ada/);
    await last.findByText("tags: site=home");
    const undo = await section("What undoing it would do");
    await undo.findByText("Can no longer open");
    undo.getByText("phone");
  });

  it("rolls back only after the preview, with the tag of the newest revision", async () => {
    const sent: (string | null)[] = [];
    server.use(
      http.post("*/api/v1/revisions/:number/rollback", ({ request, params }) => {
        if (request.url.includes("preview=true")) return undefined; // the mock's
        sent.push(`${params.number} ${request.headers.get("If-Match")}`);
        return problem(412, "stale", "somebody was faster");
      }),
    );
    window.history.replaceState(null, "", "?number=40");
    const { user } = show(<RevisionsPage />);
    await user.click(await screen.findByRole("button", { name: "Roll back to it…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("Can no longer open");
    expect(sent).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Roll back" }));
    await within(dialog).findByText(/Somebody was faster/);
    expect(sent).toEqual(['40 "42"']);
  });

  it("says that it went back, once it has", async () => {
    window.history.replaceState(null, "", "?number=40");
    const { user } = show(<RevisionsPage />);
    const said = renderHook(useSaid);
    await user.click(await screen.findByRole("button", { name: "Roll back to it…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("Can no longer open");
    await user.click(within(dialog).getByRole("button", { name: "Roll back" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(said.result.current).toBe("The grid is as in revision 40");
  });

  it("offers no way back to who may only read", async () => {
    server.use(http.get("*/api/v1/session", () => Response.json({ operator: "eve", may: "read" })));
    show(<RevisionsPage />);
    await section("What undoing it would do");
    await screen.findByText("phone");
    expect(screen.queryByRole("button", { name: "Undo…" })).toBeNull();
  });

  it("teaches where there is none", async () => {
    server.use(http.get("*/api/v1/revisions", () => listing([])));
    show(<RevisionsPage />);
    await screen.findByText("Nothing was changed yet");
  });
});
