// A passkey, in an authenticator that Chromium has for tests: added in the settings, and from then on a way in.
import { isLive, logIn } from "../login.mjs";

const SETTINGS = "/settings?show=you";

export async function journey(tools) {
  const { given, figure, wrong } = tools;
  const page = await logIn(tools, SETTINGS);
  const browser = await page.context().newCDPSession(page);
  await browser.send("WebAuthn.enable");
  const { authenticatorId } = await browser.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.getByRole("button", { name: "Add one…" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a passkey" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("key-1");
  await dialog.getByRole("button", { name: "Add it" }).click();
  await page.getByText("The passkey key-1 opens the panel from now on").waitFor();
  const { credentials } = await browser.send("WebAuthn.getCredentials", { authenticatorId });
  figure(
    "made for",
    credentials.map((one) => one.rpId),
  );

  const leave = async () => {
    await page.getByRole("button", { name: "Account and appearance" }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.waitForURL(/\/login/);
  };
  await leave();
  await page.goto(given.base + SETTINGS);
  await page.waitForURL(/\/login/);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.waitForURL(given.base + SETTINGS);
  await isLive(page);
  const here = page.getByRole("listitem").filter({ hasText: "this one" });
  if (!/by passkey/.test(await here.innerText())) wrong(`the session is ${await here.innerText()}`);

  // One that was removed opens nothing, though the authenticator still has it.
  await page.getByRole("listitem").filter({ hasText: "key-1" }).getByRole("button", { name: "Remove" }).click();
  await page.getByText("That passkey opens nothing any more").waitFor();
  await leave();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page
    .getByRole("alert")
    .filter({ hasText: /not known here/ })
    .waitFor();
  if (!page.url().includes("/login")) wrong("a passkey that was removed led in");
}
