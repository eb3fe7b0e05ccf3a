// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** The rules without any time or network: names, parts, pauses, answers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { apiError, putVerdict, retryAfter } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/errors.js";
import { Gate } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/gate.js";
import { cleanKey, freeKey, keyPath } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/keys.js";
import { Lanes } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/lanes.js";
import { backoff } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/pauses.js";
import { VirtualClock } from "./clock.js";
import { ledgerSlices, partSizeFor, planSlices } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/plan.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const LIMITS = { partMin: 8 * MIB, partMax: 64 * MIB };

test("parts have 8 to 64 MiB by the size of the file, and never more than 10,000 of them", () => {
  assert.equal(partSizeFor(0, LIMITS), 8 * MIB);
  assert.equal(partSizeFor(GIB, LIMITS), 8 * MIB);
  assert.equal(partSizeFor(5 * GIB, LIMITS), 32 * MIB);
  assert.equal(partSizeFor(100 * GIB, LIMITS), 64 * MIB);
  assert.ok(Math.ceil((2 * 1024 * GIB) / partSizeFor(2 * 1024 * GIB, LIMITS)) <= 10_000);
});

test("slices cover a file without gaps", () => {
  for (const size of [0, 1, 999, 1000, 1001, 12_345]) {
    const slices = planSlices(size, 1000);
    assert.equal(slices.reduce((sum, { start, end }) => sum + end - start, 0), size);
    slices.forEach(({ number, start }, i) => assert.deepEqual([number, start], [i + 1, i * 1000]));
  }
  assert.equal(ledgerSlices(10, [{ number: 1, size: 4 }, { number: 2, size: 5 }]), null);
  assert.equal(ledgerSlices(9, [{ number: 1, size: 4 }, { number: 2, size: 5 }]).length, 2);
});

test("keys are those that the server takes", () => {
  const cases = {
    "a/b.txt": "a/b.txt",
    "/a//b/./c": "a/b/c",
    "../a": "_/a",
    "a\\..\\b": "a_.._b",
    "a\\b": "a\\b",
    "x\u0000\u009fy": "x__y",
    "\ud800x": "\ufffdx",
    "odd #1 100% ?&+ä.txt": "odd #1 100% ?&+ä.txt",
  };
  Object.entries(cases).forEach(([path, key]) => assert.equal(cleanKey(path), key));
  assert.equal(cleanKey("//"), null);
  assert.equal(cleanKey(`${"a".repeat(300)}.tar.gz`), `${"a".repeat(248)}.tar.gz`);
  assert.equal(cleanKey(`${"d".repeat(300)}/a.txt`), null);
  assert.ok(Buffer.byteLength(cleanKey("\u{1f30a}".repeat(400), 1000)) <= 1024);
  assert.equal(keyPath("a b/ü#.txt"), "a%20b/%C3%BC%23.txt");
});

test("a free name keeps its ending and stays within the limit", () => {
  const taken = new Set(["a (2).txt"]);
  assert.equal(freeKey("a.txt", (key) => taken.has(key)), "a (3).txt");
  assert.equal(freeKey(`d/${"x".repeat(253)}`, () => false).length, 255);
});

test("what is worth another try is told from what is not", () => {
  const api = (status, data = {}) => apiError({ status, headers: {}, data }, 0);
  const again = { 400: "no", 403: "no", 404: "no", 408: "away", 409: "no", 423: "no", 425: "away", 429: "away" };
  Object.assign(again, { 413: "no", 500: "counted", 501: "counted", 502: "away", 503: "away", 504: "away" });
  Object.entries(again).forEach(([status, wanted]) => assert.equal(api(Number(status)).again, wanted, status));
  assert.equal(api(400, { message: "Not a valid value." }).again, "counted");
  assert.equal(api(400, { message: "CSRF token missing or incorrect." }).again, "counted");
  assert.equal(api(400, { code: "quota_exceeded" }).code, "quota_exceeded");
  const xml = (code) => `<Error><Code>${code}</Code></Error>`;
  const put = (status, body = "") => putVerdict({ status, headers: {}, body }, 0).kind;
  assert.deepEqual(
    [put(200), put(403), put(404), put(500), put(503), put(400), put(412)],
    ["ok", "link", "link", "counted", "away", "fatal", "fatal"]
  );
  assert.equal(put(400, xml("BadDigest")), "damaged");
  assert.equal(put(400, '{"code": "part_refused"}'), "damaged");
  assert.equal(put(400, xml("RequestTimeout")), "counted");
  assert.equal(put(400, xml("SlowDown")), "away");
});

test("Retry-After is read in both forms; nonsense is no form", () => {
  assert.equal(retryAfter("7", 0), 7);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:01:00 GMT", 0), 60);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:01:00 GMT", 90_000), 0);
  assert.equal(retryAfter("soon", 0), null);
  assert.equal(retryAfter(null, 0), null);
});

test("pauses grow, are random in full, have a bound, and never undercut what was asked", () => {
  assert.equal(backoff(1, () => 1), 500);
  assert.equal(backoff(3, () => 1), 2000);
  assert.equal(backoff(3, () => 0), 0);
  assert.equal(backoff(99, () => 1), 30_000);
  assert.equal(backoff(1, () => 0, 12), 12_000);
  assert.equal(backoff(1, () => 0, 1e9), 600_000);
});

/** Send bodies whose speed is a function of how many are sent at once; the limits it came to. */
async function laned(speedOf, seconds, most = 6) {
  const clock = { time: 0, now: () => clock.time };
  const lanes = new Lanes(clock, most);
  const seen = [];
  while (clock.time < seconds * 1000) {
    const free = [];
    for (let i = 0; i < lanes.limit; i += 1) free.push(await lanes.take());
    const at = lanes.limit;
    clock.time += (at * 1000) / speedOf(at);
    free.forEach((give) => {
      lanes.sent(1000);
      give();
    });
    seen.push(lanes.limit);
  }
  return seen;
}

test("lanes grow while that makes the whole faster, and stay where it does not", async () => {
  const wide = await laned((count) => count * 10, 60);
  assert.equal(wide[wide.length - 1], 6);
  const narrow = await laned((count) => Math.min(count, 3) * 10, 60);
  const late = narrow.slice(narrow.length / 2);
  assert.ok(late.filter((limit) => limit <= 4).length > late.length * 0.9, late.join());
});

test("trouble halves the lanes, and one always stays", () => {
  const lanes = new Lanes({ now: () => 0 }, 6);
  lanes.trouble();
  assert.equal(lanes.limit, 1);
  lanes.trouble();
  assert.equal(lanes.limit, 1);
});

test("whoever waits for a lane can leave the line", async () => {
  const lanes = new Lanes({ now: () => 0 }, 1);
  const free = await lanes.take();
  const controller = new AbortController();
  const waiting = lanes.take(controller.signal);
  controller.abort(new Error("left"));
  await assert.rejects(waiting, /left/);
  free();
  free();
  assert.equal(lanes.active, 0);
  await lanes.take();
});

/** Three requests that were on their way have failed. */
async function close(gate, seconds) {
  const tickets = [await gate.pass(), await gate.pass(), await gate.pass()];
  tickets.forEach((ticket) => ticket.failed(seconds));
}

/** A gate whose pauses have no chance in them, and how many have passed it. */
function gated() {
  const clock = new VirtualClock();
  const network = { isOn: true, online: () => network.isOn };
  const gate = new Gate({ clock, random: () => 1, network }, "away", () => {});
  const passed = [];
  const pass = () => gate.pass().then((ticket) => passed.push(ticket));
  return { clock, network, gate, passed, pass };
}

test("of many who wait for a server that is away one tries; with its success all go", async () => {
  const { clock, gate, passed, pass } = gated();
  await close(gate);
  assert.equal(gate.trouble, "away");
  for (let i = 0; i < 5; i += 1) pass();
  await clock.pass(1900);
  assert.equal(passed.length, 0);
  await clock.pass(60_000);
  assert.equal(passed.length, 1);
  passed[0].failed();
  await clock.pass(60_000);
  assert.equal(passed.length, 2);
  passed[1].left();
  await clock.pass(1);
  assert.equal(passed.length, 3, "who leaves makes room for another try");
  passed[2].worked();
  await clock.pass(1);
  assert.equal(passed.length, 5);
  assert.equal(gate.trouble, null);
});

test("a closed gate can be knocked at, and a browser that says it is offline is asked again", async () => {
  const { clock, network, gate, passed, pass } = gated();
  await close(gate, 300);
  pass();
  await clock.pass(200_000);
  assert.equal(passed.length, 0);
  gate.knock();
  await clock.pass(1);
  assert.equal(passed.length, 1);
  passed[0].worked();
  network.isOn = false;
  pass();
  await clock.pass(20_000);
  assert.equal(passed.length, 1);
  await clock.pass(20_000);
  assert.equal(passed.length, 2);
});
