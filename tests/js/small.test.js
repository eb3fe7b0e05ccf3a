// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Small files: batches of them, flat cost, and what can go wrong with one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, fault, fileOf } from "./world.js";

const many = (count, size = 50) =>
  Array.from({ length: count }, (_, i) => fileOf(`folder/${i}.txt`, size, i + 1));

test("small files go by one batch: announced together, completed by one job", async () => {
  const world = new World();
  const engine = world.open();
  const files = many(30);
  await engine.add(chosen(...files));
  await world.settle();
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data));
  assert.equal(world.counted(/^POST .*\/draft\/files/), 0);
  assert.equal(world.counted(/^PUT .*\/complete/), 1);
  assert.equal(engine.snapshot().batch, null);
  assert.equal(engine.snapshot().busy, false);
});

test("two small files are not worth a batch", async () => {
  const world = new World();
  const engine = world.open();
  await engine.add(chosen(...many(2)));
  await world.settle();
  assert.equal(world.counted(/uploads$/), 0);
});

test("1,000 files need few requests beside their own, and an empty one among them", async () => {
  const world = new World();
  const engine = world.open();
  const begun = performance.now();
  await engine.add(chosen(...many(999), fileOf("empty", 0)));
  await world.settle();
  assert.equal(engine.snapshot().totals.done, 1000);
  const others = world.requests.filter((line) => !line.startsWith("PUT /bucket"));
  assert.ok(others.length < 30, others.join("\n"));
  assert.ok(performance.now() - begun < 5000);
});
