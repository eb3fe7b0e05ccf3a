// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Small files: batches of them, flat cost, and what can go wrong with one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, fault, fileOf } from "./world.js";

const many = (count, size = 50) =>
  Array.from({ length: count }, (_, i) => fileOf(`folder/${i}.txt`, size, i + 1));

async function sending(files, more = {}, ...faults) {
  const world = new World(more);
  if (faults.length) world.breakOnce(...faults);
  world.open();
  await world.engine.add(chosen(...files));
  return world;
}

function complete(world, files) {
  files.forEach((file) => assert.deepEqual(world.content(file.name), file.data, file.name));
}

test("small files go by one batch: announced together, completed by one job", async () => {
  const files = many(30);
  const world = await sending(files);
  await world.settle();
  complete(world, files);
  assert.equal(world.counted(/^POST .*\/draft\/files/), 0);
  assert.equal(world.counted(/^PUT .*\/complete/), 1);
  const { batch, busy, totals } = world.engine.snapshot();
  assert.deepEqual([batch, busy, totals.done], [null, false, 30]);
});

test("small files use all lanes that are worth it", async () => {
  const world = await sending(many(400));
  world.bytesPerMs = 1;
  await world.settle();
  assert.equal(world.mostFlying, 6);
});

test("while it is open the batch and its deadline are shown", async () => {
  const world = await sending(many(30));
  await world.clock.until(() => world.server.puts > 3);
  const { batch } = world.engine.snapshot();
  assert.match(batch.id, /^b/);
  assert.ok(Date.parse(batch.deadline) > world.clock.now());
});

test("two small files are not worth a batch", async () => {
  const world = await sending(many(2));
  await world.settle();
  assert.equal(world.counted(/\/uploads$/), 0);
});

test("1,000 files need few requests beside their own, and little work", async () => {
  const begun = process.cpuUsage();
  const world = await sending([...many(999), fileOf("empty", 0)]);
  let snapshots = 0;
  world.engine.subscribe(() => {
    snapshots += 1;
  });
  const since = world.clock.now();
  await world.settle();
  assert.equal(world.engine.snapshot().totals.done, 1000);
  const others = world.requests.filter((line) => !line.startsWith("PUT /bucket"));
  assert.ok(others.length < 30, others.join("\n"));
  assert.ok(snapshots <= (world.clock.now() - since) / 100 + 2, "at most ten a second");
  assert.ok(process.cpuUsage(begun).user < 10e6, "seconds of work");
});

test("the cost of a file does not grow with their number", async () => {
  const seconds = async (count) => {
    const files = many(count, 10);
    const begun = process.cpuUsage();
    const world = await sending(files);
    await world.settle();
    const { user } = process.cpuUsage(begun);
    return user / count;
  };
  await seconds(200);
  const few = await seconds(500);
  const lots = await seconds(3000);
  assert.ok(lots < 4 * few, `${few} and ${lots} microseconds each`);
});

test("an announcement whose answer was lost is found, and not made twice", async () => {
  for (const kind of ["lost", "late"]) {
    const files = many(8);
    const world = await sending(files, {}, fault(kind, "POST", /draft\/uploads$/));
    await world.settle();
    complete(world, files);
    assert.equal(world.server.batches.size, 1, kind);
    assert.equal(world.counted(/^POST .*uploads$/), 1, kind);
  }
});

test("a completion whose answer was lost is asked for again; there is one job", async () => {
  const files = many(8);
  const world = await sending(files, {}, fault("lost", "PUT", /complete$/));
  await world.settle();
  complete(world, files);
  assert.equal(world.server.jobs.size, 1);
});

test("links that have ended are renewed for all by one request", async () => {
  const files = many(40);
  const world = await sending(files);
  await world.clock.until(() => world.server.puts > 5);
  world.server.links.forEach((link) => Object.assign(link, { revoked: true }));
  await world.settle();
  complete(world, files);
  assert.ok(world.counted(/GET .*uploads\/[^/]+\/files/) <= 2);
});

test("what arrives while the list of a batch is on its way is not sent again", async () => {
  for (let wait = 1; wait < 40; wait += 3) {
    const files = many(20, 1500);
    const world = await sending(files, {}, fault("status", "PUT", /store/, { status: 403 }));
    world.bytesPerMs = 40 + wait;
    await world.settle();
    complete(world, files);
    assert.equal(world.server.sentAgain, 0, `${wait}`);
  }
});

test("a file that the server refuses is told; the others go on without it", async () => {
  const files = [...many(6), fileOf("refused.txt", 10)];
  const world = await sending(files);
  await world.settle(["completed", "failed"]);
  complete(world, files.slice(0, 6));
  assert.equal(world.row("refused.txt").error.code, "invalid_key");
});

test("a file that cannot be read is left out, and the batch completed without it", async () => {
  const files = many(6);
  files[2].broken = "NotFoundError";
  const world = await sending(files);
  await world.settle(["completed", "failed"]);
  assert.equal(world.row("folder/2.txt").error.code, "file_unreadable");
  assert.equal(world.engine.snapshot().totals.done, 5);
});

test("where one call takes fewer files there are more calls, and one batch", async () => {
  const files = many(25);
  const world = await sending(files, { settings: { callFiles: 10 } });
  await world.settle();
  complete(world, files);
  assert.equal(world.server.batches.size, 1);
});

test("a batch of somebody else is shown and waited for", async () => {
  const world = new World();
  const checksum = "md5:d41d8cd98f00b204e9800998ecf8427e";
  world.server.batchModel.announce({ files: [{ key: "theirs", size: 0, checksum }] }, "other");
  world.open();
  await world.engine.add(chosen(...many(4)));
  await world.clock.pass(40_000);
  const { locked, files } = world.engine.snapshot();
  assert.match(locked.batch, /^b/);
  assert.deepEqual([files[0].state, files[0].error.code], ["waiting", "locked"]);
  world.server.batchModel.abort(locked.batch);
  await world.settle();
  assert.equal(world.engine.snapshot().locked, null);
});

test("a batch that is ended by somebody is begun again", async () => {
  const files = many(30);
  const world = await sending(files);
  await world.clock.until(() => world.server.puts > 8);
  world.server.batchModel.abort(world.engine.snapshot().batch.id);
  await world.settle();
  complete(world, files);
});

test("what the job finds missing is sent again", async () => {
  const files = many(6);
  const world = await sending(files);
  await world.clock.until(() => world.server.puts === 6);
  [...world.server.files.values()][3].stored.clear();
  await world.settle();
  complete(world, files);
  assert.equal(world.server.jobs.size, 2);
});

test("files added while a batch is being completed follow in the next one", async () => {
  const first = many(5);
  const world = await sending(first, { settings: { jobMs: 5000 } });
  await world.clock.until(() => world.counted(/complete$/) === 1);
  const more = [fileOf("x1", 5), fileOf("x2", 5), fileOf("x3", 5)];
  await world.engine.add(chosen(...more));
  await world.settle();
  complete(world, [...first, ...more]);
  assert.equal(world.server.batches.size, 2);
});

test("pausing one file lets the others become complete; it follows when it goes on", async () => {
  const files = many(12, 1500);
  const world = await sending(files);
  await world.clock.until(() => world.flying === 3);
  const { id } = world.row("folder/11.txt");
  world.engine.pause(id);
  await world.settle(["completed", "paused"]);
  assert.equal(world.engine.snapshot().totals.done, 11);
  assert.equal(world.engine.snapshot().batch, null);
  world.engine.proceed(id);
  await world.settle();
  complete(world, files);
});

test("a page that is closed among small files is quiet from then on", async () => {
  for (const ms of [1, 30, 45, 70, 120, 300]) {
    const world = await sending(many(400));
    await world.clock.pass(ms);
    world.engine.close();
    await world.clock.pass(200);
    const sent = world.requests.length;
    await world.clock.pass(60_000);
    assert.equal(world.requests.length, sent, `${ms}`);
  }
});

test("all paused and gone on with at once, while they are taken out of their batch", async () => {
  for (const ms of [0, 20, 40, 60, 90, 150]) {
    const files = many(12, 1500);
    const world = await sending(files);
    await world.clock.until(() => world.flying === 3);
    world.engine.snapshot().files.slice(6).forEach(({ id }) => world.engine.pause(id));
    await world.clock.pass(60 + ms);
    world.engine.proceed();
    await world.settle();
    complete(world, files);
  }
});

test("paused and gone on with while they are announced, files are sent once", async () => {
  for (const ms of [5, 15, 25, 29, 35]) {
    const files = many(12, 1500);
    const world = await sending(files);
    await world.clock.until(() => world.counted(/draft\/uploads$/) === 1);
    await world.clock.pass(3);
    world.engine.pause();
    await world.clock.pass(ms - 3);
    world.engine.proceed();
    await world.settle();
    complete(world, files);
    assert.equal(world.server.puts, 12, `${ms}`);
  }
});

test("a completion that is refused is told, and can be tried again", async () => {
  const files = many(5);
  const world = await sending(files, {}, fault("status", "PUT", /complete$/, { status: 400 }));
  await world.settle(["failed"]);
  assert.equal(world.engine.snapshot().busy, false);
  world.engine.retry();
  await world.clock.pass(100);
  await world.settle();
  complete(world, files);
  assert.equal(world.server.sentAgain, 0);
});

test("giving up all files of a batch takes one request", async () => {
  const world = await sending(many(50));
  await world.clock.until(() => world.server.puts > 5);
  const ids = world.engine.snapshot().files.map((file) => file.id);
  const removal = world.engine.remove(ids);
  await world.clock.pass(2000);
  await removal;
  assert.equal(world.counted(/^DELETE/), 0);
  assert.equal(world.server.files.size, 0);
  assert.deepEqual(world.engine.snapshot().files, []);
});

test("giving up one file of a batch takes it out", async () => {
  const files = many(10);
  const world = await sending(files);
  await world.clock.until(() => world.server.puts > 2);
  const removal = world.engine.cancel(world.row("folder/9.txt").id);
  await world.settle();
  await removal;
  complete(world, files.slice(0, 9));
  assert.equal(world.server.files.size, 9);
});
