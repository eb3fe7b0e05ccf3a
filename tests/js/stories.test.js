// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Random stories: whatever breaks, in the end the bytes are there, or it is said why not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { World, chosen, fileOf, randomOf } from "./world.js";

const SEEDS = Number(process.env.SEEDS || 240);
const FIRST = Number(process.env.SEED || 1);

/** Longest time, in virtual milliseconds, in which things may break. */
const TROUBLE_MS = 60_000;

const FAULTS = [
  { kind: "reset" },
  { kind: "lost" },
  { kind: "late" },
  { kind: "status", status: 500 },
  { kind: "status", status: 503, headers: { "retry-after": "2" } },
  { kind: "status", status: 429, headers: { "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" } },
];

/** Things that happen to the page or the network from time to time. */
const EVENTS = {
  offline: (world) => {
    world.setOnline(false);
    world.clock.sleep(4000).then(() => world.setOnline(true));
  },
  expire: (world) => world.server.links.forEach((link) => Object.assign(link, { revoked: true })),
  pause: (world) => {
    world.engine.pause();
    const { engine } = world;
    world.clock.sleep(1500).then(() => engine === world.engine && engine.proceed());
  },
  logout: (world) => {
    world.server.loggedIn = false;
    world.clock.sleep(8000).then(() => {
      world.server.loggedIn = true;
    });
  },
};

function storyOf(seed) {
  const random = randomOf(seed);
  const files = [];
  const large = Math.floor(random() * 3);
  const small = random() < 0.7 ? 3 + Math.floor(random() * 12) : 0;
  for (let i = 0; i < large; i += 1) files.push(fileOf(`big/${i}.bin`, 2001 + Math.floor(random() * 40_000), seed + i));
  for (let i = 0; i < small; i += 1) files.push(fileOf(`small/${i}`, Math.floor(random() * 1900), seed + 50 + i));
  if (!files.length) files.push(fileOf("only.bin", 12_345, seed));
  const settings = { inlineMax: random() < 0.5 ? 10_000 : Infinity, linkSeconds: random() < 0.3 ? 45 : 3600 };
  return { random, files, settings, rate: random() * 0.25, reloads: random() < 0.4 ? 1 : 0 };
}

async function live(seed) {
  const { random, files, settings, rate, reloads } = storyOf(seed);
  const world = new World({ settings, seed });
  const end = world.clock.now() + TROUBLE_MS;
  world.faults = () => {
    if (world.clock.now() > end || random() > rate) return null;
    return FAULTS[Math.floor(random() * FAULTS.length)];
  };
  world.open();
  world.engine.add(chosen(...files));
  for (let i = 0; i < 3; i += 1) {
    await world.clock.pass(Math.floor(random() * 1500));
    const names = Object.keys(EVENTS);
    if (random() < 0.5) EVENTS[names[Math.floor(random() * names.length)]](world);
  }
  for (let i = 0; i < reloads; i += 1) await reload(world, files, random);
  await world.settle(["completed", "failed"], 3_600_000);
  return { world, files };
}

/** The page is loaded again and the same files are chosen again. */
async function reload(world, files, random) {
  await world.clock.pass(Math.floor(random() * 800));
  world.open();
  const { entries } = world.server.listed();
  let loaded = false;
  world.engine.load(entries).finally(() => {
    loaded = true;
  });
  await world.clock.until(() => loaded);
  world.engine.add(chosen(...files), async (conflicts) =>
    Object.fromEntries(conflicts.map(({ key }) => [key, "keep"]))
  );
  await world.clock.pass(50);
}

/** Codes that a story without hostile servers may end with; a new try must then do. */
const EXCUSES = new Set(["server_error", "link_expired"]);

/** Stories that have found something which few others would. */
const KNOWN = [1184, 2013, 2016, 2105, 2191, 3073, 3119, 3229, 3256, 3366, 3399, 5300];

const seeds = Array.from({ length: SEEDS }, (_, i) => FIRST + i);
for (const seed of process.env.SEED ? seeds : [...seeds, ...KNOWN]) {
  test(`story ${seed}`, async () => {
    const { world, files } = await live(seed);
    const failed = world.engine.snapshot().files.filter((file) => file.state === "failed");
    failed.forEach(({ key, error }) => assert.ok(EXCUSES.has(error.code), `${key}: ${JSON.stringify(error)}`));
    if (failed.length) {
      world.engine.retry();
      await world.clock.pass(100);
      await world.settle();
    }
    files.forEach((file) => assert.deepEqual(world.content(file.name), file.data, file.name));
    assert.equal(world.server.files.size, files.length);
    assert.ok(world.server.sentAgain <= world.lostBytes, `${world.server.sentAgain} bytes twice, ${world.lostBytes} lost`);
    assert.equal(world.engine.snapshot().batch, null);
    assert.equal(world.engine.snapshot().busy, false);
  });
}
