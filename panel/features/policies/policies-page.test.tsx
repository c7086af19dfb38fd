import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { isPreview } from "@/mock/answers";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { PoliciesPage } from "./policies-page";

describe("a policy", () => {
  it("is changed after its preview, with the tag that was read", async () => {
    const sent: unknown[] = [];
    server.use(
      http.put("*/api/v1/policies/family", async ({ request }) => {
        if (!isPreview(request)) sent.push([request.headers.get("If-Match"), await request.clone().json()]);
      }),
    );
    window.history.replaceState(null, "", "?name=family&show=edit");
    const { user } = show(<PoliciesPage />);
    const field = await screen.findByRole("combobox", { name: /Lets in/ });
    await user.type(field, "friends{Enter}");
    await screen.findByText(/“friends” is no selector/);
    await user.type(field, "role:client{Enter}");
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(await dialog.findByRole("button", { name: "Apply" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    const allow = [
      { kind: "node", value: "phone" },
      { kind: "role", value: "client" },
    ];
    expect(sent[0]).toEqual(['"1"', { name: "family", allow }]);
  });

  it("is removed by its typed name", async () => {
    const gone: unknown[] = [];
    server.use(
      http.delete("*/api/v1/policies/:name", ({ request, params }) => {
        if (!isPreview(request)) gone.push([params.name, request.headers.get("If-Match")]);
      }),
    );
    window.history.replaceState(null, "", "?name=family");
    const { user } = show(<PoliciesPage />);
    await user.click(await screen.findByRole("button", { name: "Remove…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.type(dialog.getByRole("textbox"), "family");
    await user.click(dialog.getByRole("button", { name: "Remove family" }));
    await waitFor(() => expect(gone).toEqual([["family", '"1"']]));
    await waitFor(() => expect(window.location.search).toBe(""));
  });
});
