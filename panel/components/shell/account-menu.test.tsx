import { screen, waitFor } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";
import { keys } from "@/lib/query";
import { went } from "@/mock/navigation";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import AccountMenu from "./account-menu";

it("logs out: the session ends, nothing of it is kept, the login page comes", async () => {
  let ended = 0;
  server.use(
    http.delete("*/api/v1/session", () => {
      ended += 1;
      return new Response(null, { status: 204 });
    }),
  );
  const { user, client } = show(<AccountMenu />);
  await screen.findByText(/^ada on /);
  client.setQueryData(keys.nodes, ["what was seen"]);
  await user.click(screen.getByRole("menuitem", { name: "Log out" }));
  await waitFor(() => expect(went.at(-1)).toBe("/login"));
  expect(ended).toBe(1);
  expect(client.getQueryData(keys.nodes)).toBeUndefined();
});
