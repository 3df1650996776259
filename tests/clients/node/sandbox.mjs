// The real program in front of its stand-ins, for one file of tests.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after } from "node:test";

/** Starts valetkey on free ports, with settings of `env`, and ends it after the tests of this file. */
export async function sandbox(env = {}) {
  const loopback = "127.0.0.1:0";
  const child = spawn(
    process.env.VALETKEY_BINARY,
    ["serve", "--sandbox", "--listen", loopback, "--sandbox-listen", loopback],
    // Nothing of the developer's environment gets in.
    { env: { VALETKEY__SERVER__ADMIN_LISTEN: "off", ...env }, stdio: ["ignore", "ignore", "pipe"] },
  );
  const end = () => child.kill("SIGKILL");
  after(end);
  // A file that takes too long is ended by a signal, and its server with it.
  process.on("SIGTERM", () => process.exit(1));
  process.on("exit", end);
  await once(child, "spawn");
  const { listen, stand_ins } = await listening(child.stderr);
  return new Sandbox(`http://${listen}`, `http://${stand_ins}`);
}

/** Where it listens, as its log says; that is read on, so that the program never blocks on it. */
async function listening(stderr) {
  return new Promise((resolve, reject) => {
    const seen = {};
    const said = [];
    const lines = createInterface({ input: stderr });
    lines.on("line", (line) => {
      said.push(line);
      Object.assign(seen, JSON.parse(line));
      if (seen.listen && seen.stand_ins) resolve(seen);
    });
    lines.on("close", () => reject(new Error(`valetkey does not serve: ${said.join("\n")}`)));
  });
}

class Sandbox {
  constructor(url, standIns) {
    /** valetkey itself: `http://127.0.0.1:…`. */
    this.url = url;
    /** The stand-in providers. */
    this.standIns = standIns;
  }

  /** The stand-in providers, for sockets: `ws://127.0.0.1:…`. */
  get sockets() {
    return this.standIns.replace("http:", "ws:");
  }

  /** What `POST /tokens/{type}` answers. */
  async token(type) {
    const response = await fetch(`${this.url}/tokens/${type}`, { method: "POST" });
    assert.equal(response.status, 200);
    return response.json();
  }

  /** Makes the stand-ins fail. */
  async fail(fault) {
    await this.#control("POST", "faults", JSON.stringify([fault]));
  }

  /** Ends all failing and forgets what reached the stand-ins. */
  async reset() {
    await this.#control("DELETE", "faults");
    await this.#control("DELETE", "history");
  }

  /** Every token made so far has expired. */
  async expire() {
    await this.#control("POST", "expire");
  }

  /** What reached the stand-ins, oldest first. */
  async history() {
    return (await this.#control("GET", "history")).json();
  }

  async #control(method, route, body) {
    const response = await fetch(`${this.standIns}/_sandbox/${route}`, { method, body });
    assert.ok(response.ok, `${method} ${route} was answered with ${response.status}`);
    return response;
  }
}
