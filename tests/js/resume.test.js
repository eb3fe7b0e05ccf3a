// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** After a reload, in another browser, after a script: what is there is gone on with. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { World, chosen, fileOf } from "./world.js";

const small = (count) => Array.from({ length: count }, (_, i) => fileOf(`s/${i}`, 40, i + 1));

/** Send for a while, then load the page again. */
async function reloaded(files, until, more) {
  const world = new World(more);
  world.open();
  await world.engine.add(chosen(...files));
  await world.clock.until(() => until(world));
  return load(world);
}

async function load(world) {
  world.open();
  let done = false;
  world.engine.load(world.server.listed().entries).finally(() => {
    done = true;
  });
  await world.clock.until(() => done);
  return world;
}

test("a reload shows what is there; the same file again sends only what is missing", async () => {
  const file = fileOf("big.bin", 30_000);
  const world = await reloaded([file], (w) => w.server.puts >= 9);
  const row = world.row("big.bin");
  assert.equal(row.state, "missing");
  assert.equal(row.hasFile, false);
  assert.ok(row.doneBytes >= 8000 && row.doneBytes < 30_000);
  assert.ok(Date.parse(row.deadline) > world.clock.now());
  assert.equal(world.engine.snapshot().busy, false, "nothing here is lost by leaving");
  const sent = world.server.puts;
  await world.engine.add(chosen(file));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.equal(world.server.sentAgain, 0);
  assert.equal(world.server.puts, sent + (30 - row.parts.done));
});

test("attach does the same for one row", async () => {
  const file = fileOf("big.bin", 30_000);
  const world = await reloaded([file], (w) => w.server.puts >= 5);
  await world.engine.attach(world.row("big.bin").id, file);
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
});

test("a file of another size is refused as another file; retry takes it all the same", async () => {
  const world = await reloaded([fileOf("big.bin", 30_000)], (w) => w.server.puts >= 5);
  const other = fileOf("big.bin", 20_000, 2);
  await world.engine.attach(world.row("big.bin").id, other);
  const { state, error, doneBytes } = world.row("big.bin");
  assert.deepEqual([state, error.code], ["failed", "different_file"]);
  assert.deepEqual([error.params.size, error.params.chosen], [30_000, 20_000]);
  assert.ok(doneBytes > 0, "what is there is kept");
  world.engine.retry(world.row("big.bin").id);
  await world.clock.pass(10);
  await world.settle();
  assert.deepEqual(world.content("big.bin"), other.data);
});

test("other bytes of the same size are found by the digests of the parts; the right file goes on", async () => {
  const file = fileOf("big.bin", 30_000);
  const world = await reloaded([file], (w) => w.server.puts >= 5);
  await world.engine.add(chosen(fileOf("big.bin", 30_000, 2)));
  await world.settle(["failed"]);
  assert.equal(world.row("big.bin").error.code, "different_file");
  assert.equal(world.server.sentAgain, 0);
  await world.engine.attach(world.row("big.bin").id, file);
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.equal(world.server.sentAgain, 0);
});

test("parts of other sizes, as another program cut them, are gone on with", async () => {
  const world = new World();
  const file = fileOf("big.bin", 10_000);
  world.server.begin([{ key: "big.bin", size: 10_000, transfer: { type: "M", part_size: 3000 } }]);
  await load(world);
  await world.engine.add(chosen(file));
  await world.settle();
  assert.deepEqual(world.content("big.bin"), file.data);
  assert.equal(world.server.puts, 4);
});

test("an open batch is gone on with after a reload", async () => {
  const files = small(40);
  const world = await reloaded(files, (w) => w.server.puts >= 10);
  assert.match(world.engine.snapshot().batch.id, /^b/);
  await world.engine.add(chosen(...files));
  await world.settle();
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data));
  assert.equal(world.server.sentAgain, 0);
  assert.equal(world.server.batches.size, 1);
});

test("files chosen while the page still looks for an open batch go on in it", async () => {
  const files = small(40);
  const world = await reloaded(files, (w) => w.server.puts >= 10);
  const engine = world.open();
  engine.load(world.server.listed().entries);
  await world.clock.until(() => world.row(files[0].name));
  assert.equal(engine.snapshot().batch, null);
  await engine.add(chosen(...files));
  await world.settle();
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data));
  assert.equal(world.server.batches.size, 1);
});

test("a batch of which all has arrived is completed after a reload, without any file", async () => {
  const files = small(5);
  const world = new World();
  world.faults = ({ url }) => (/complete$/.test(url) ? { kind: "reset" } : null);
  world.open();
  await world.engine.add(chosen(...files));
  await world.clock.until(() => world.counted(/complete$/) > 0);
  world.faults = () => null;
  await load(world);
  await world.settle();
  assert.equal(world.engine.snapshot().totals.done, 5);
});

test("a completion that was under way is followed after a reload", async () => {
  const world = await reloaded(small(5), (w) => w.server.jobs.size === 1, { settings: { jobMs: 20_000 } });
  assert.deepEqual(new Set(world.states()), new Set(["committing"]));
  await world.settle();
});

test("a batch of a script is followed, and left to the script", async () => {
  const world = new World();
  const files = small(3);
  const announced = files.map(({ name, data }) => ({ key: name, size: data.length, checksum: md5(data) }));
  const batch = world.server.batchModel.announce({ files: announced });
  await load(world);
  assert.deepEqual(new Set(world.states()), new Set(["missing"]));
  files.forEach((file) => world.server.put(batch.presigned_urls[file.name], file.data, batch.headers[file.name]));
  await world.clock.pass(15_000);
  assert.deepEqual(world.engine.snapshot().files.map((file) => file.doneBytes), [40, 40, 40]);
  await load(world);
  await world.clock.pass(15_000);
  assert.equal(world.counted(/complete$/), 0, "although all is there");
  world.engine.proceed();
  await world.settle();
  assert.equal(world.counted(/complete$/), 1, "when somebody says so");
});

test("files that a script has announced by name alone can be sent from here", async () => {
  const world = new World();
  const [one, two] = small(2);
  const batch = world.server.batchModel.announce({ files: [{ key: one.name }, { key: two.name }] });
  await load(world);
  world.server.put(batch.presigned_urls[one.name], one.data, {});
  await world.engine.attach(world.row(two.name).id, two);
  await world.settle();
  assert.deepEqual(world.content(two.name), two.data);
  assert.deepEqual(world.content(one.name), one.data);
});

test("of a folder that is chosen again, what was sent is compared and not asked about", async () => {
  const files = small(6);
  const world = await reloaded(files, (w) => w.server.puts === 3);
  const asked = [];
  files[0] = fileOf(files[0].name, files[0].size, 99);
  await world.engine.add(chosen(...files), (conflicts) => asked.push(...conflicts));
  await world.clock.pass(60_000);
  assert.deepEqual(asked, []);
  assert.equal(world.server.sentAgain, 0);
  const { id, state, error } = world.row(files[0].name);
  assert.deepEqual([state, error.code], ["failed", "different_file"]);
  assert.equal(world.counted(/complete$/), 0, "nobody has said yet which one is meant");
  world.engine.retry(id);
  await world.settle();
  assert.deepEqual(world.content(files[0].name), files[0].data);
});

test("a batch with temporary credentials is left to who has them", async () => {
  const world = new World();
  const [file] = small(1);
  const announced = [{ key: file.name, size: file.size, checksum: md5(file.data) }];
  const batch = world.server.batchModel.announce({ files: announced, mode: "sts-credentials" });
  await load(world);
  await world.engine.add(chosen(file, ...["x1", "x2", "x3"].map((name) => fileOf(name, 9))));
  await world.clock.pass(60_000);
  assert.equal(world.row(file.name).error.code, "locked");
  assert.deepEqual([world.row("x1").state, world.row("x1").error.code], ["waiting", "locked"]);
  assert.equal(world.server.files.size, 1, "nothing is taken out of it, and nothing added");
  world.server.files.get(file.name).stored.set(0, file.data);
  world.server.batchModel.complete(batch.id);
  await world.settle();
});

test("an upload that another computer finishes is followed", async () => {
  const file = fileOf("big.bin", 3000);
  const world = await reloaded([file], (w) => w.server.puts >= 1);
  const there = world.server.files.get("big.bin");
  [1, 2, 3].forEach((n) => there.stored.set(n, file.data.subarray((n - 1) * 1000, n * 1000)));
  world.server.commit("big.bin", { checksum: md5(file.data) });
  await world.settle();
});

test("an upload that was given up elsewhere goes from the list", async () => {
  const world = await reloaded([fileOf("big.bin", 9000)], (w) => w.server.puts >= 2);
  world.server.remove("big.bin");
  await world.clock.pass(30_000);
  assert.deepEqual(world.engine.snapshot().files, []);
});

test("files that are verified, failed or complete are shown as that", async () => {
  const world = await reloaded([fileOf("big.bin", 9000)], (w) => w.states()[0] === "verifying", {
    settings: { inlineMax: 10 },
  });
  assert.equal(world.row("big.bin").state, "verifying");
  await world.settle();
  await load(world);
  assert.equal(world.row("big.bin").state, "completed");
});

test("a page without files makes no draft", async () => {
  const world = new World();
  world.open();
  await world.engine.load([]);
  assert.equal(world.drafts, 0);
});

function md5(data) {
  return `md5:${createHash("md5").update(data).digest("hex")}`;
}
