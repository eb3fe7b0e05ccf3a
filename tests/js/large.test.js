// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Large files: parts, retries, links, lost answers, commit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, fault, fileOf } from "./world.js";

const S3 = /store\.example/;
const INIT = /draft\/files$/;
const COMMIT = /\/commit$/;

/** A world in which one file has been added. */
async function sending(file = fileOf("big.bin", 9500), more = {}, ...faults) {
  const world = new World(more);
  if (faults.length) world.breakOnce(...faults);
  world.open();
  await world.engine.add(chosen(file));
  return { world, file };
}

test("a large file arrives in parts, proved by its digest", async () => {
  const { world, file } = await sending(fileOf("a/big.bin", 9500));
  await world.settle();
  assert.deepEqual(world.content("a/big.bin"), file.data);
  const row = world.row("a/big.bin");
  assert.match(row.checksum, /^md5:[0-9a-f]{32}$/);
  assert.deepEqual(row.parts, { total: 10, done: 10 });
  assert.equal(row.doneBytes, 9500);
  assert.equal(world.server.puts, 10);
  assert.equal(world.server.sentAgain, 0);
});

test("the first byte does not wait for the digest of the whole file", async () => {
  const { world } = await sending(fileOf("big.bin", 39_000));
  await world.settle();
  const first = world.requests.findIndex((line) => line.startsWith("PUT /bucket"));
  const last = world.requests.length - 1 - [...world.requests].reverse().findIndex((l) => l.endsWith("/parts"));
  assert.ok(first < last, "parts were registered after the first was sent");
});

test("parts that wait for their turn are registered together", async () => {
  const { world } = await sending(fileOf("big.bin", 400_000), { options: { partMax: 1000 } });
  await world.settle();
  assert.equal(world.server.puts, 400);
  assert.ok(world.counted(/\/parts$/) < 120, `${world.counted(/\/parts$/)} registrations`);
});

test("an empty file is committed without a part", async () => {
  const { world } = await sending(fileOf("empty", 0));
  await world.settle();
  assert.equal(world.content("empty").length, 0);
});

test("one 503 costs one more try of that part, and nothing else", async () => {
  const { world, file } = await sending(undefined, {}, fault("status", "PUT", S3, { status: 503 }));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.equal(world.counted(/^PUT \/bucket/), 11);
});

test("Retry-After is waited for, as seconds and as a date", async () => {
  for (const value of ["40", "Thu, 01 Jan 2026 00:00:40 GMT"]) {
    const headers = { "Retry-After": value };
    const { world } = await sending(fileOf("x", 900), {}, fault("status", "PUT", S3, { status: 503, headers }));
    await world.settle();
    assert.ok(world.clock.now() - Date.UTC(2026, 0, 1) >= 40_000, value);
  }
});

test("a part that fails each time fails the file, after some tries only; retry goes on", async () => {
  const world = new World();
  world.faults = ({ to }) => (to === "store" ? { kind: "status", status: 500 } : null);
  world.open();
  await world.engine.add(chosen(fileOf("x", 900)));
  await world.settle(["failed"]);
  assert.equal(world.row("x").error.code, "server_error");
  assert.equal(world.counted(/^PUT \/bucket/), 8);
  world.faults = () => null;
  world.engine.retry(world.row("x").id);
  await world.clock.pass(10);
  await world.settle();
  assert.equal(world.counted(/POST .*draft\/files$/), 1, "it was begun once");
});

test("a refusal for good is not tried again", async () => {
  const { world } = await sending(fileOf("x", 900), {}, fault("status", "PUT", S3, { status: 400 }));
  await world.settle(["failed"]);
  assert.equal(world.counted(/^PUT \/bucket/), 1);
});

test("a store that is gone for long is waited for, and no try is used up", async () => {
  const { world, file } = await sending();
  await world.clock.pass(60);
  world.faults = ({ to }) => (to === "store" ? { kind: "reset" } : null);
  await world.clock.pass(600_000);
  const row = world.row("big.bin");
  assert.deepEqual([row.state, row.error.code], ["waiting", "storage_unreachable"]);
  const { notices, busy } = world.engine.snapshot();
  assert.deepEqual([notices[0].code, busy], ["storage_unreachable", true]);
  const tries = world.counted(/^PUT \/bucket/);
  assert.ok(tries < 80, `${tries} tries`);
  world.faults = () => null;
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.deepEqual(world.engine.snapshot().notices, []);
});

test("without a network all waits, and goes on at once when it is back", async () => {
  const { world } = await sending();
  await world.clock.pass(60);
  world.setOnline(false);
  await world.clock.pass(120_000);
  assert.equal(world.row("big.bin").error.code, "offline");
  assert.equal(world.engine.snapshot().online, false);
  const back = world.clock.now();
  world.setOnline(true);
  await world.settle();
  assert.ok(world.clock.now() - back < 5000);
});

test("an answer to the beginning that was lost is found out, and nothing begun twice", async () => {
  for (const kind of ["lost", "late"]) {
    const { world, file } = await sending(undefined, {}, fault(kind, "POST", INIT));
    await world.settle();
    assert.deepEqual(world.content("big.bin"), file.data);
    assert.equal(world.counted(/POST .*draft\/files$/), 1, kind);
  }
});

test("an answer to a registration that was lost is asked for again", async () => {
  const { world, file } = await sending(undefined, {}, fault("lost", "POST", /\/parts$/));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
});

test("a commit whose answer was lost is followed up, not repeated blindly", async () => {
  for (const kind of ["lost", "late"]) {
    const { world, file } = await sending(undefined, {}, fault(kind, "POST", COMMIT));
    await world.settle();
    assert.deepEqual(world.content("big.bin"), file.data);
    assert.equal(world.counted(/\/commit$/), 1, kind);
    assert.match(world.row("big.bin").checksum, /^md5:/);
  }
});

test("a commit that never arrived is sent again", async () => {
  const { world } = await sending(undefined, {}, fault("reset", "POST", COMMIT));
  await world.settle();
  assert.equal(world.counted(/\/commit$/), 2);
});

test("a file that the server still proves is shown as that, until it is done", async () => {
  const { world } = await sending(undefined, { settings: { inlineMax: 10 } });
  await world.settle(["verifying"]);
  assert.deepEqual(world.engine.snapshot().waitingFor, [{ key: "big.bin", reason: "verifying" }]);
  assert.equal(world.row("big.bin").checksum, null);
  await world.settle();
  assert.match(world.row("big.bin").checksum, /^md5:/);
});

test("links that end by the clock are renewed in time, and by a 403 as well", async () => {
  const { world, file } = await sending(undefined, { settings: { linkSeconds: 31 } });
  world.bytesPerMs = 0.5;
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.equal(world.server.refused, 0, "the store has seen no link that had ended");
  const other = await sending();
  await other.world.clock.pass(65);
  other.world.server.links.forEach((link) => Object.assign(link, { revoked: true }));
  await other.world.settle();
  assert.deepEqual(other.world.content("big.bin"), other.file.data);
});

test("links that ended while the store was away are never used", async () => {
  const { world, file } = await sending(undefined, { settings: { linkSeconds: 40 } });
  const back = world.clock.now() + 200_000;
  world.faults = ({ to }) => (to === "store" && world.clock.now() < back ? { kind: "status", status: 503 } : null);
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.equal(world.server.refused, 0);
});

test("a store that hangs up on a link gets another one", async () => {
  const { world, file } = await sending(fileOf("big.bin", 3000));
  world.bytesPerMs = 5;
  await world.clock.until(() => world.flying === 3);
  world.hangsUp = true;
  world.server.links.forEach((link) => Object.assign(link, { revoked: true }));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
});

test("however many links are refused at once, they are renewed by one request", async () => {
  const { world } = await sending(fileOf("big.bin", 3000));
  world.bytesPerMs = 5;
  await world.clock.until(() => world.flying === 3);
  const before = world.counted(/\/parts$/);
  world.server.links.forEach((link) => Object.assign(link, { revoked: true }));
  await world.settle();
  assert.equal(world.server.refused, 3);
  assert.equal(world.counted(/\/parts$/) - before, 1);
});

test("a store that refuses each link is told from one whose links have ended", async () => {
  const world = new World();
  world.faults = ({ to }) => (to === "store" ? { kind: "status", status: 403 } : null);
  world.open();
  await world.engine.add(chosen(fileOf("x", 900)));
  await world.settle(["failed"]);
  assert.equal(world.row("x").error.code, "link_expired");
});

test("CORS and CSP are told by a probe, once it is sure", async () => {
  for (const [reason, code] of [["cors", "cors_blocked"], ["csp", "csp_blocked"]]) {
    const world = new World();
    world.probeReason = reason;
    world.faults = ({ to }) => (to === "store" ? { kind: "reset" } : null);
    world.open();
    await world.engine.add(chosen(fileOf("x", 9000)));
    await world.settle(["failed"]);
    const { error } = world.row("x");
    assert.deepEqual([error.code, error.params.address], [code, "https://store.example"]);
    assert.equal(world.probed.length, reason === "cors" ? 2 : 1);
    world.faults = () => null;
    world.engine.retry(world.row("x").id);
    await world.clock.pass(10);
    await world.settle();
  }
});

test("a gateway that answers once without CORS headers is not taken for a missing rule", async () => {
  const world = new World();
  world.probeReason = "cors";
  world.faults = ({ to }) => (to === "store" && world.probed.length < 1 ? { kind: "reset" } : null);
  world.open();
  await world.engine.add(chosen(fileOf("x", 9000)));
  await world.settle();
});

test("a store that has worked before is waited for, whatever a probe says of it now", async () => {
  const { world } = await sending();
  await world.clock.until(() => world.server.puts > 0);
  world.probeReason = "cors";
  world.faults = ({ to }) => (to === "store" ? { kind: "reset" } : null);
  await world.clock.pass(120_000);
  assert.equal(world.row("big.bin").state, "waiting");
  world.faults = () => null;
  await world.settle();
});

test("bytes that are damaged on the way are sent again", async () => {
  const { world, file } = await sending(undefined, {}, fault("damage", "PUT", S3));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
});

test("a file that is changed while it is sent is noticed", async () => {
  const { world, file } = await sending(fileOf("big.bin", 30_000));
  await world.clock.pass(100);
  file.data[29_999] ^= 1;
  file.lastModified = 2;
  await world.settle(["failed"]);
  assert.equal(world.row("big.bin").error.code, "file_changed");
});

test("a change that leaves time and size alone is found by the digests, never mixed in", async () => {
  const { world, file } = await sending(fileOf("big.bin", 30_000));
  await world.clock.pass(100);
  file.data.fill(7);
  await world.settle(["failed", "completed"]);
  assert.equal(world.row("big.bin").state, "failed");
  assert.ok(["file_changed", "checksum_mismatch"].includes(world.row("big.bin").error.code));
});

test("a file that cannot be read any more says so; chosen again it goes on", async () => {
  for (const [name, code] of [["NotReadableError", "file_changed"], ["NotFoundError", "file_unreadable"]]) {
    const { world, file } = await sending(fileOf("big.bin", 30_000));
    await world.clock.pass(100);
    file.broken = name;
    await world.settle(["failed"]);
    assert.equal(world.row("big.bin").error.code, code);
    const again = fileOf("big.bin", 30_000);
    await world.engine.add(chosen(again));
    await world.settle();
    assert.deepEqual(world.content("big.bin"), again.data);
  }
});

test("many files share the lanes, and never use more than there are", async () => {
  const world = new World({ options: { maxConcurrency: 6 } });
  world.bytesPerMs = 1;
  world.open();
  const files = Array.from({ length: 12 }, (_, i) => fileOf(`${i}.bin`, 9000, i));
  await world.engine.add(chosen(...files));
  await world.settle();
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data));
  assert.ok(world.mostFlying > 3 && world.mostFlying <= 6, `${world.mostFlying} at once`);
  assert.equal(world.counted(/POST .*draft\/files$/), 1, "all were begun by one request");
});

test("one file that the server refuses does not hold up the others", async () => {
  const world = new World({ settings: { quota: 20_000 } });
  world.open();
  await world.engine.add(chosen(fileOf("a", 9000), fileOf("b", 9000), fileOf("c", 9000)));
  await world.settle(["completed", "failed"]);
  assert.deepEqual(world.states().sort(), ["completed", "completed", "failed"]);
  const failed = world.engine.snapshot().files.find((file) => file.state === "failed");
  assert.equal(failed.error.code, "quota_exceeded");
});

test("a login that is lost is waited for", async () => {
  const { world } = await sending();
  await world.clock.pass(60);
  world.server.loggedIn = false;
  await world.clock.pass(60_000);
  assert.deepEqual([world.row("big.bin").state, world.row("big.bin").error.code], ["waiting", "login_lost"]);
  world.server.loggedIn = true;
  await world.settle();
});

test("without the right to upload it fails and says so", async () => {
  const { world } = await sending();
  world.server.allowed = false;
  await world.settle(["failed"]);
  assert.equal(world.row("big.bin").error.code, "forbidden");
});

test("a draft that was deleted meanwhile is named as that", async () => {
  const { world } = await sending();
  await world.clock.pass(80);
  world.server.gone = true;
  await world.settle(["failed"]);
  assert.equal(world.row("big.bin").error.code, "draft_gone");
});

test("a draft that is being deleted is named as that, too", async () => {
  const { world } = await sending();
  await world.clock.pass(80);
  const data = { status: 409, code: "state_conflict", state: "aborted" };
  world.server.links.forEach((link) => Object.assign(link, { revoked: true }));
  world.faults = ({ url }) => {
    if (!/\/parts$/.test(url)) return null;
    world.server.gone = true;
    return { kind: "status", status: 409, data };
  };
  await world.settle(["failed"]);
  assert.equal(world.row("big.bin").error.code, "draft_gone");
});

test("an upload whose time is over can be begun again", async () => {
  const { world, file } = await sending(undefined, { settings: { lifetimeMs: 30_000 } });
  await world.clock.pass(80);
  world.engine.pause();
  await world.clock.pass(60_000);
  world.engine.proceed();
  await world.settle(["failed"]);
  assert.equal(world.row("big.bin").error.code, "deadline_passed");
  world.engine.retry(world.row("big.bin").id);
  await world.clock.pass(10);
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
});

test("a file that is gone on with while its beginning is waited for is not forgotten", async () => {
  const world = new World();
  world.setOnline(false);
  world.open();
  const files = [1, 2, 3, 4, 5].map((i) => fileOf(`${i}.bin`, 9500, i));
  await world.engine.add(chosen(...files));
  await world.clock.pass(5000);
  assert.equal(world.states()[0], "waiting");
  world.engine.pause();
  await world.clock.pass(100);
  world.engine.proceed();
  await world.clock.pass(70_000);
  world.setOnline(true);
  await world.settle();
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data));
});
