import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { session } from "@/mock/grid";
import { went } from "@/mock/navigation";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { LoginPage } from "./login-page";
import { WelcomePage } from "./welcome-page";

describe("login", () => {
  it("says no to a wrong password, then leads to the page that was asked for", async () => {
    window.history.replaceState(null, "", "/login?back=%2Fnodes%3Ffilter%3Dx");
    const { user } = show(<LoginPage />);
    await user.type(screen.getByLabelText(/^Name/), "ada");
    await user.type(screen.getByLabelText(/^Password/), "wrong");
    await user.click(screen.getByRole("button", { name: "Log in" }));
    await screen.findByText("Name or password is wrong.");
    await user.clear(screen.getByLabelText(/^Password/));
    await user.type(screen.getByLabelText(/^Password/), "a few words in a row");
    await user.click(screen.getByRole("button", { name: "Log in" }));
    await waitFor(() => expect(went.at(-1)).toBe("/nodes?filter=x"));
  });

  it("leads to no other site than this one", async () => {
    window.history.replaceState(null, "", "/login?back=%2F%2Felsewhere.example");
    const { user } = show(<LoginPage />);
    await user.type(screen.getByLabelText(/^Name/), "ada");
    await user.type(screen.getByLabelText(/^Password/), "a few words in a row");
    await user.click(screen.getByRole("button", { name: "Log in" }));
    await waitFor(() => expect(went.at(-1)).toBe("/"));
  });

  it("asks for a code where one is wanted", async () => {
    const { user } = show(<LoginPage />);
    expect(screen.queryByLabelText(/^Code/)).toBeNull();
    await user.type(screen.getByLabelText(/^Name/), "bob");
    await user.type(screen.getByLabelText(/^Password/), "a few words in a row");
    await user.click(screen.getByRole("button", { name: "Log in" }));
    went.length = 0;
    await user.type(await screen.findByLabelText(/^Code/), "123 456");
    await user.click(screen.getByRole("button", { name: "Log in" }));
    await waitFor(() => expect(went).toHaveLength(1));
  });

  it("is done by a passkey where the browser has them", async () => {
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("PublicKeyCredential", {
      parseCreationOptionsFromJSON: (options: unknown) => options,
      parseRequestOptionsFromJSON: (options: unknown) => options,
    });
    const get = async ({ publicKey }: { publicKey: { challenge: string } }) => ({
      toJSON: () => ({ answers: publicKey.challenge }),
    });
    vi.stubGlobal("navigator", { ...navigator, credentials: { get } });
    const sent: unknown[] = [];
    server.use(
      http.post("*/api/v1/session/passkey/options", () => HttpResponse.json({ challenge: "only-this" })),
      http.post("*/api/v1/session/passkey", async ({ request }) => {
        sent.push(await request.json());
        return HttpResponse.json(session);
      }),
    );
    went.length = 0;
    const { user } = show(<LoginPage />);
    await user.click(await screen.findByRole("button", { name: "Use a passkey" }));
    await waitFor(() => expect(went).toEqual(["/"]));
    expect(sent).toEqual([{ credential: { answers: "only-this" } }]);
  });
});

describe("welcome", () => {
  async function choose(link: string) {
    window.history.replaceState(null, "", `/welcome#${link}`);
    went.length = 0;
    const { user } = show(<WelcomePage />);
    await user.type(await screen.findByLabelText(/^Password/), "a few words in a row");
    await user.type(screen.getByLabelText(/^Once more/), "a few words in a row");
    await user.click(screen.getByRole("button", { name: "Set it and go in" }));
  }

  it("sets a password by a link, which leaves the address bar", async () => {
    await choose("good");
    await waitFor(() => expect(went).toEqual(["/"]));
    expect(window.location.hash).toBe("");
  });

  it("says that a link was used, and leads nowhere", async () => {
    await choose("used");
    await screen.findByText(/This link was used/);
    expect(went).toEqual([]);
  });
});
