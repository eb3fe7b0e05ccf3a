// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Large files: parts, retries, links, lost answers, commit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, fault, fileOf } from "./world.js";

const S3 = /store\.example/;

test("a large file arrives in parts, proved by its digest", async () => {
  const world = new World();
  const engine = world.open();
  const file = fileOf("a/big.bin", 9500);
  await engine.add(chosen(file));
  await world.settle();
  assert.deepEqual(world.content("a/big.bin"), file.data);
  const row = world.row("a/big.bin");
  assert.equal(row.checksum.slice(0, 4), "md5:");
  assert.deepEqual(row.parts, { total: 10, done: 10 });
  assert.equal(row.doneBytes, 9500);
  assert.equal(world.server.puts, 10);
});
