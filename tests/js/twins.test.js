// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** A chosen file that is here already: noticed beside its upload, and linked instead on demand. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { World, chosen, done, fileOf } from "./world.js";

const DELETE = /^DELETE .*\/files\/copy\.bin$/;

/** A draft with one finished file, to which the same bytes are added as `copy.bin`. */
async function copying({ first = "first.bin", size = 30_000, seed = 1, known } = {}) {
  const world = new World();
  world.open();
  if (first) {
    await world.engine.add(chosen(fileOf(first, size)));
    await world.settle();
  }
  if (known) world.engine.learn(known);
  world.file = fileOf("copy.bin", size, seed);
  await world.engine.add(chosen(world.file));
  await world.clock.pass(100);
  return world;
}

/** Files of the version before, one of which has these bytes. */
const before = (file) => [
  { key: "old.bin", size: file.size, checksum: md5(file), record: "before-1", version: 3 },
];

const md5 = ({ data }) => `md5:${createHash("md5").update(data).digest("hex")}`;

/** How often all of a file is read in one piece from now on, as a function. */
function wholeReads(file) {
  let read = 0;
  const { slice } = file;
  file.slice = (start, end) => {
    if (start === 0 && end === file.size) read += 1;
    return slice.call(file, start, end);
  };
  return () => read;
}

test("while it is sent it is known which file of the draft it equals", async () => {
  const world = await copying();
  const { state, twin } = world.row("copy.bin");
  assert.equal(state, "uploading");
  assert.deepEqual({ ...twin }, { key: "first.bin", record: null, version: null, offered: true });
  assert.equal(world.row("copy.bin").linkable, true);
  await world.settle();
  assert.equal(world.row("copy.bin").linkable, false);
  assert.deepEqual(world.content("copy.bin"), world.file.data);
});

test("other bytes of the same size are no twin", async () => {
  const world = await copying({ seed: 2 });
  await world.settle();
  assert.equal(world.row("copy.bin").twin, null);
});

test("a file of the version before is found, whether that is known sooner or later", async () => {
  const sooner = await copying({ first: null, known: before(fileOf("old", 30_000)) });
  const later = await copying({ first: null });
  assert.equal(later.row("copy.bin").twin, null);
  later.engine.learn(before(later.file));
  await later.clock.pass(10);
  for (const world of [sooner, later]) {
    const twin = { key: "old.bin", record: "before-1", version: 3, offered: true };
    assert.equal(world.row("copy.bin").state, "uploading");
    assert.deepEqual({ ...world.row("copy.bin").twin }, twin);
  }
});

test("small files are compared as well, but sent before anybody could choose", async () => {
  const world = new World();
  world.open();
  const files = ["a", "b", "c"].map((name, i) => fileOf(name, 500, i + 1));
  world.engine.learn(before(files[1]));
  await world.engine.add(chosen(...files));
  await world.settle();
  const [a, b, c] = files.map(({ name }) => world.row(name).twin);
  assert.deepEqual([a, c], [null, null]);
  assert.deepEqual({ ...b }, { key: "old.bin", record: "before-1", version: 3, offered: false });
});

test("only files of a size that is there are read ahead", async () => {
  const world = await copying({ first: null, known: before(fileOf("old", 29_999)) });
  const reads = wholeReads(world.file);
  world.engine.learn(before(fileOf("old", 29_998)));
  await world.settle();
  // For the digest of the whole, once all is sent.
  assert.equal(reads(), 1);
});

test("a file is read ahead once, however often it is paused", async () => {
  const world = await copying({ seed: 2 });
  const { id } = world.row("copy.bin");
  const reads = wholeReads(world.file);
  for (let i = 0; i < 3; i += 1) {
    world.engine.pause(id);
    await world.clock.pass(50);
    world.engine.proceed(id);
    await world.clock.pass(50);
  }
  await world.settle();
  assert.equal(reads(), 1);
});

for (const state of ["uploading", "paused"]) {
  test(`linked instead, from ${state}: nothing more is sent, and what was sent is deleted`, async () => {
    const world = await copying();
    const { id } = world.row("copy.bin");
    if (state === "paused") world.engine.pause(id);
    assert.equal(world.row("copy.bin").state, state);
    await done(world, world.engine.linkTwin(id));
    const sent = world.server.puts;
    await world.clock.pass(5000);
    assert.equal(world.server.puts, sent);
    assert.equal(world.counted(DELETE), 1);
    const { state: now, origin } = world.row("copy.bin");
    assert.equal(now, "completed");
    assert.match(origin, /first\.bin$/);
    assert.deepEqual(world.content("copy.bin"), world.file.data);
  });
}

test("when the other file has gone meanwhile, this one is sent after all", async () => {
  const world = await copying();
  world.server.files.delete("first.bin");
  const { id } = world.row("copy.bin");
  await assert.rejects(done(world, world.engine.linkTwin(id)), { status: 404 });
  await world.clock.until(() => world.row("copy.bin").state === "completed");
  assert.deepEqual(world.content("copy.bin"), world.file.data);
  assert.equal(world.row("copy.bin").twin, null);
});
