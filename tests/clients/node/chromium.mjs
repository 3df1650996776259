// Debian's Chromium, for one file of tests.

import { after } from "node:test";
import { chromium } from "playwright-core";

/** Starts a browser, with `args` besides, and ends it after the tests of this file. */
export async function launch(args = []) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
  after(() => browser.close());
  return browser;
}
