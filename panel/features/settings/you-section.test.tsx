import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { session } from "@/mock/grid";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { SettingsPage } from "./settings-page";

const section = async (title: string) =>
  within((await screen.findByRole("heading", { name: title })).closest("section") as HTMLElement);

/** Keeps the bodies, or paths, of what is asked for. */
function sent(method: "post" | "put" | "delete", path: string, answer: () => Response): unknown[] {
  const asked: unknown[] = [];
  server.use(
    http[method](`*/api/v1${path}`, async ({ request }) => {
      const text = await request.text();
      asked.push(text ? JSON.parse(text) : new URL(request.url).pathname);
      return answer();
    }),
  );
  return asked;
}

/** A browser in a secure context, whose person says yes. */
function withPasskeys() {
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("PublicKeyCredential", {
    parseCreationOptionsFromJSON: (options: unknown) => options,
    parseRequestOptionsFromJSON: (options: unknown) => options,
  });
  const credential = { toJSON: () => ({ id: "made-here" }) };
  vi.stubGlobal("navigator", { ...navigator, credentials: { create: async () => credential } });
}

describe("you", () => {
  beforeEach(() => window.history.replaceState(null, "", "?show=you"));

  it("change your password by the old one", async () => {
    const asked = sent("post", "/session/password", () => new HttpResponse(null, { status: 204 }));
    const { user } = show(<SettingsPage />);
    await user.type(await screen.findByLabelText("The old one"), "a few words in a row");
    await user.type(screen.getByLabelText("The new one"), "other words in a row");
    await user.type(screen.getByLabelText("Once more"), "other words in a ro");
    await user.click(screen.getByRole("button", { name: "Change it" }));
    await screen.findByText("The two differ");
    expect(asked).toEqual([]);
    await user.type(screen.getByLabelText("Once more"), "w");
    await user.click(screen.getByRole("button", { name: "Change it" }));
    await waitFor(() => expect(asked).toEqual([{ old: "a few words in a row", new: "other words in a row" }]));
    await waitFor(() => expect(screen.getByLabelText("The old one")).toHaveProperty("value", ""));
  });

  it("turn codes on by one that is right, and are shown the recovery codes once", async () => {
    server.use(http.get("*/api/v1/operators", () => listing([{ ...session, name: session.operator, codes: false }])));
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Turn on…" }));
    const code = await screen.findByLabelText("The six digits that it shows");
    await user.type(code, "000 000");
    await user.click(screen.getByRole("button", { name: "Turn on" }));
    await screen.findByText(/That is not the code of now/);
    await user.clear(code);
    await user.type(code, "123 456");
    await user.click(screen.getByRole("button", { name: "Turn on" }));
    await screen.findByText(/aaaa-1111/);
  });

  it("turn codes off after a fresh login", async () => {
    const asked = sent("delete", "/totp", () => new HttpResponse(null, { status: 204 }));
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Turn off" }));
    await waitFor(() => expect(asked).toEqual(["/api/v1/totp"]));
  });

  it("end a session of yours elsewhere, and not this one", async () => {
    const asked = sent("delete", "/sessions/:id", () => new HttpResponse(null, { status: 204 }));
    const { user } = show(<SettingsPage />);
    const where = await section("Where you are logged in");
    await user.click(await where.findByRole("button", { name: "End it" }));
    await waitFor(() => expect(asked).toEqual(["/api/v1/sessions/s-2"]));
  });

  it("add a passkey under a name that you know it by", async () => {
    withPasskeys();
    const options = sent("post", "/passkeys/options", () => HttpResponse.json({ challenge: "x" }));
    const asked = sent("post", "/passkeys", () => HttpResponse.json({ id: "p-2" }, { status: 201 }));
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Add one…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(dialog.getByRole("button", { name: "Add it" }));
    await dialog.findByText(/Give it a name/);
    await user.type(dialog.getByLabelText("Name"), "phone");
    await user.click(dialog.getByRole("button", { name: "Add it" }));
    await waitFor(() => expect(asked).toEqual([{ label: "phone", credential: { id: "made-here" } }]));
    expect(options).toHaveLength(1);
  });

  it("remove a passkey", async () => {
    const asked = sent("delete", "/passkeys/:id", () => new HttpResponse(null, { status: 204 }));
    const { user } = show(<SettingsPage />);
    await user.click(await (await section("Passkeys")).findByRole("button", { name: "Remove" }));
    await waitFor(() => expect(asked).toEqual(["/api/v1/passkeys/p-1"]));
  });

  it("are told why there are none on plain http", async () => {
    show(<SettingsPage />);
    (await section("Passkeys")).getByText(/A browser offers them over HTTPS only/);
    expect(screen.queryByRole("button", { name: "Add one…" })).toBeNull();
  });
});
