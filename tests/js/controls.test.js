// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** What a person may do with a file: in each state it does something sensible. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, done, fileOf } from "./world.js";

const S3 = /store\.example/;

/** How a file gets into each state; each returns a world with one file "big.bin" in it. */
const STATES = {
  queued: async () => begun(0, {}, 500),
  checking: async () => {
    const world = await begun(150);
    await reload(world);
    await world.engine.attach(world.row("big.bin").id, world.file);
    await until(world, "checking");
    return world;
  },
  uploading: async () => begun(100),
  paused: async () => {
    const world = await begun(100);
    world.engine.pause();
    return world;
  },
  waiting: async () => {
    const world = await begun(60);
    world.faults = ({ to }) => (to === "store" ? { kind: "reset" } : null);
    await until(world, "waiting");
    return world;
  },
  committing: async () => {
    const world = await begun(0);
    await until(world, "committing");
    return world;
  },
  verifying: async () => {
    const world = await begun(0, { settings: { inlineMax: 1 } });
    await until(world, "verifying");
    return world;
  },
  failed: async () => {
    const world = await begun(0);
    world.faults = ({ url }) => (S3.test(url) ? { kind: "status", status: 400 } : null);
    await until(world, "failed");
    return world;
  },
  completed: async () => {
    const world = await begun(0);
    await world.settle();
    return world;
  },
  missing: async () => {
    const world = await begun(150);
    await reload(world);
    return world;
  },
};

async function begun(ms, more, draftMs = 0) {
  const world = new World(more);
  world.draftMs = draftMs;
  world.file = fileOf("big.bin", 30_000);
  world.open();
  await world.engine.add(chosen(world.file));
  await world.clock.pass(ms);
  return world;
}

async function reload(world) {
  world.open();
  const loading = world.engine.load(world.server.listed().entries);
  await world.clock.pass(200);
  await loading;
}

const until = (world, state) => world.clock.until(() => world.row("big.bin").state === state);

for (const [state, reach] of Object.entries(STATES)) {
  test(`cancel from ${state} leaves nothing, here or on the server, and the name is free`, async () => {
    const world = await reach();
    assert.equal(world.row("big.bin").state, state);
    const { id } = world.row("big.bin");
    world.faults = () => null;
    await done(world, world.engine.cancel(id));
    assert.deepEqual(world.engine.snapshot().files, []);
    await world.clock.pass(5000);
    assert.equal(world.server.files.size, 0);
    await world.engine.add(chosen(world.file));
    await world.settle();
    assert.deepEqual(world.content("big.bin"), world.file.data);
  });

  test(`pause, proceed and retry from ${state} end in a complete file`, async () => {
    const world = await reach();
    const { id } = world.row("big.bin");
    world.engine.pause(id);
    await world.clock.pass(3000);
    if (world.row("big.bin").state === "paused") assert.equal(world.flying, 0);
    world.faults = () => null;
    await done(world, world.engine.retry(id));
    world.engine.proceed(id);
    if (state === "missing") await world.engine.attach(id, world.file);
    await world.settle();
    assert.deepEqual(world.content("big.bin"), world.file.data);
    assert.equal(world.server.files.size, 1);
  });

  test(`a closed page is quiet, from ${state} on`, async () => {
    const world = await reach();
    world.faults = () => null;
    world.engine.close();
    await world.clock.pass(200);
    const sent = world.requests.length;
    await world.clock.pass(120_000);
    assert.equal(world.requests.length, sent);
  });
}

test("pausing all stops all, and proceeding goes on where it was", async () => {
  const world = new World();
  world.open();
  const files = [fileOf("a", 20_000), fileOf("b", 20_000), ...[1, 2, 3, 4].map((i) => fileOf(`s${i}`, 90, i))];
  await world.engine.add(chosen(...files));
  await world.clock.pass(100);
  world.engine.pause();
  await world.clock.pass(60_000);
  assert.equal(world.flying, 0);
  assert.equal(world.engine.snapshot().busy, false);
  world.engine.proceed();
  await world.settle();
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data));
});

test("metadata is kept before the file is announced, and sent with it; later it is changed", async () => {
  const world = await begun(0, {}, 500);
  const { id } = world.row("big.bin");
  await world.engine.setMetadata([id], { title: "Depth", type: "raw" });
  await world.settle();
  assert.deepEqual(world.server.files.get("big.bin").metadata, { title: "Depth", type: "raw" });
  await done(world, world.engine.setMetadata([id], { type: null, description: "x" }));
  assert.deepEqual(world.server.files.get("big.bin").metadata, { title: "Depth", description: "x" });
  assert.deepEqual(world.row("big.bin").metadata, { title: "Depth", description: "x" });
});

test("linked files are there at once, with their origin", async () => {
  const world = new World();
  world.open();
  await done(world, world.engine.link([{ key: "l.nc", record: { id: "r1", key: "a/l.nc" } }]));
  const row = world.row("l.nc");
  assert.equal(row.state, "completed");
  assert.match(row.origin, /records\/r1\/files\/a\/l\.nc$/);
});

test("a deadline is put off for all that is unfinished", async () => {
  const world = await STATES.missing();
  const later = world.clock.now() + 9e8;
  await done(world, world.engine.extend(9e5));
  const { deadline } = world.row("big.bin");
  assert.ok(Date.parse(deadline) >= later);
  // One that is later already stays: the server refuses a sooner one.
  await done(world, world.engine.extend(60));
  assert.equal(world.row("big.bin").deadline, deadline);
});

test("a file that was changed on the disk is taken anew by a retry, where the browser lets us", async () => {
  const world = new World();
  world.open();
  const file = fileOf("big.bin", 30_000);
  const now = fileOf("big.bin", 28_000, 5);
  await world.engine.add([{ file, path: "big.bin", handle: { getFile: async () => now } }]);
  await world.clock.pass(100);
  file.broken = "NotReadableError";
  await world.settle(["failed"]);
  await done(world, world.engine.retry(world.row("big.bin").id));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), now.data);
});

test("snapshots change only when something has, and speeds and times left are told", async () => {
  const world = await begun(0);
  world.bytesPerMs = 2;
  await world.clock.pass(3000);
  const { engine } = world;
  assert.equal(engine.snapshot(), engine.snapshot());
  const { totals, files } = engine.snapshot();
  assert.ok(totals.speed > 1000 && totals.secondsLeft > 0, JSON.stringify(totals));
  assert.ok(files[0].speed > 1000 && files[0].secondsLeft > 0);
  await world.settle();
  const last = engine.snapshot();
  await world.clock.pass(60_000);
  assert.equal(engine.snapshot(), last);
});

test("publishing waits for a file that is verified only where the site wants that", async () => {
  for (const [publishRequires, waits] of [["verified", 1], ["committed", 0]]) {
    const world = await begun(0, { settings: { inlineMax: 1 }, options: { publishRequires } });
    await until(world, "verifying");
    assert.equal(world.engine.snapshot().waitingFor.length, waits);
  }
});
