// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Choosing files: names, limits, duplicates. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, fileOf } from "./world.js";

/** A world whose draft has a finished file "a.txt". */
async function withFile(more) {
  const world = new World(more);
  world.open();
  await world.engine.add(chosen(fileOf("a.txt", 100)));
  await world.settle();
  return world;
}

const always = (answer) => async (conflicts) => Object.fromEntries(conflicts.map(({ key }) => [key, answer]));

test("folders are kept, and equal names in them are different files", async () => {
  const world = new World();
  world.open();
  await world.engine.add(chosen(fileOf("a/same.txt", 10, 1), fileOf("b/same.txt", 10, 2)));
  await world.settle();
  assert.deepEqual([...world.server.files.keys()].sort(), ["a/same.txt", "b/same.txt"]);
});

test("names are cleaned as the server wants them, and that is told", async () => {
  const world = new World();
  world.open();
  const file = fileOf("x", 10);
  const paths = ["/./a//b\u0007.txt", "c/../d.txt", "e\u0301.txt"];
  await world.engine.add(paths.map((path) => ({ file, path })));
  const keys = world.engine.snapshot().files.map(({ key }) => key);
  assert.deepEqual(keys, ["a/b_.txt", "c/_/d.txt", "\u00e9.txt"]);
  const { code, params } = world.engine.snapshot().notices[0];
  assert.deepEqual([code, params.files], ["names_cleaned", 2]);
  world.engine.dismiss("names_cleaned");
  assert.deepEqual(world.engine.snapshot().notices, []);
});

test("a name that is taken is asked about once for all, with what is there", async () => {
  const world = await withFile();
  let asked = null;
  const more = chosen(fileOf("a.txt", 70, 2), fileOf("b.txt", 10, 3), fileOf("b.txt", 20, 4));
  await world.engine.add(more, async (conflicts) => {
    asked = conflicts;
    return {};
  });
  assert.deepEqual(asked.map(({ key, where, size }) => [key, where, size]), [
    ["a.txt", "server", 70],
    ["b.txt", "queue", 20],
  ]);
  assert.equal(asked[0].existing.size, 100);
  await world.settle();
  assert.equal(world.content("a.txt").length, 100);
  assert.equal(world.content("b.txt").length, 10, "the first one stays");
});

test("replace puts the new file in the place of the old one", async () => {
  const world = await withFile();
  const file = fileOf("a.txt", 70, 2);
  const adding = world.engine.add(chosen(file), always("replace"));
  await world.clock.pass(500);
  await adding;
  await world.settle();
  assert.deepEqual(world.content("a.txt"), file.data);
  assert.equal(world.engine.snapshot().totals.files, 1);
});

test("rename finds a name that is free; keep and skip leave what is there", async () => {
  const world = await withFile();
  await world.engine.add(chosen(fileOf("a.txt", 70, 2)), always("rename"));
  await world.settle();
  assert.deepEqual([...world.server.files.keys()], ["a.txt", "a (2).txt"]);
  for (const answer of ["keep", "skip"]) {
    const { added } = await world.engine.add(chosen(fileOf("a.txt", 70, 2)), always(answer));
    assert.deepEqual(added, []);
  }
});

test("composed and decomposed letters are one name", async () => {
  const world = new World();
  world.server.beginOne({ key: "e\u0301.txt", size: 3, transfer: {} });
  Object.assign(world.server.files.get("e\u0301.txt"), { state: "completed", content: Buffer.from("abc") });
  world.open();
  const loading = world.engine.load(world.server.listed().entries);
  await world.clock.pass(100);
  await loading;
  let asked = [];
  await world.engine.add(chosen(fileOf("\u00e9.txt", 5)), async (conflicts) => {
    asked = conflicts;
    return {};
  });
  assert.equal(asked.length, 1);
});

test("limits are told with their numbers before anything is sent", async () => {
  const cases = [
    [{ maxFiles: 2 }, "too_many_files", { limit: 2, files: 3, present: 0, chosen: 3 }],
    [{ quota: 100 }, "quota_exceeded", { limit: 100, used: 0, chosen: 150, size: 150 }],
  ];
  for (const [options, code, params] of cases) {
    const world = new World({ options });
    world.open();
    const files = chosen(fileOf("a", 50), fileOf("b", 50), fileOf("c", 50));
    const { added, refused } = await world.engine.add(files);
    assert.deepEqual([added, refused.length, refused[0].code], [[], 3, code]);
    assert.deepEqual(world.engine.snapshot().notices, [{ code, params }]);
    assert.deepEqual(world.requests, []);
  }
});

test("a file that is too large is left out, the others go", async () => {
  const world = new World({ options: { maxSize: 100 } });
  world.open();
  const { refused } = await world.engine.add(chosen(fileOf("a", 50), fileOf("b", 500)));
  assert.deepEqual(refused, [{ path: "b", code: "too_large", params: { limit: 100, size: 500 } }]);
  await world.settle();
  assert.deepEqual([...world.server.files.keys()], ["a"]);
});

test("what replaces a file does not count twice", async () => {
  const world = await withFile({ options: { maxFiles: 1, quota: 120 } });
  const adding = world.engine.add(chosen(fileOf("a.txt", 120, 2)), always("replace"));
  await world.clock.pass(500);
  assert.equal((await adding).added.length, 1);
});
