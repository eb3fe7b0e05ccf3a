// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/**
 * The engine against a real site, without a browser; tests/resources/test_deposit_engine.py runs it.
 *
 *   node live.mjs '{"api", "token", "draft", "folder", "quit_after"?, "metadata"?}'
 *
 * All files of the folder go to the draft; those on their way are gone on with. One line of JSON at the
 * end tells how it went. After `quit_after` bodies the process ends as if it were killed.
 */

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { createEngine } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/index.js";

const task = JSON.parse(process.argv[2]);
const origin = new URL(task.api).origin;
const counts = { api: 0, puts: 0, sentBytes: 0 };

async function request(method, url, body, headers) {
  const whole = new URL(url, origin);
  const own = whole.origin === origin ? { authorization: `Bearer ${task.token}` } : {};
  const answer = await fetch(whole, { method, body, headers: { ...headers, ...own } });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function api(method, url, body) {
  counts.api += 1;
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  let answer;
  try {
    answer = await request(method, url, body && JSON.stringify(body), headers);
  } catch (error) {
    throw Object.assign(error, { offline: true });
  }
  const { status, text } = answer;
  return { status, headers: answer.headers, data: text ? JSON.parse(text) : null };
}

async function put(url, blob, headers, { onProgress }) {
  counts.puts += 1;
  if (counts.puts > task.quit_after) process.exit(3);
  const type = { "content-type": "application/octet-stream" };
  const mine = new URL(url, origin).origin === origin ? type : {};
  const answer = await request("PUT", url, await blob.arrayBuffer(), { ...headers, ...mine });
  onProgress(blob.size);
  counts.sentBytes += blob.size;
  return { status: answer.status, headers: answer.headers, body: answer.text };
}

/** A file of the disk as a browser shows it. */
function opened(name) {
  const { size, mtimeMs } = fs.statSync(name);
  const slice = (start, end) => ({
    size: end - start,
    arrayBuffer: async () => {
      const data = Buffer.alloc(end - start);
      const file = fs.openSync(name, "r");
      fs.readSync(file, data, 0, data.length, start);
      fs.closeSync(file);
      return data;
    },
  });
  return { name: path.basename(name), size, lastModified: mtimeMs, slice };
}

const hasher = {
  open: (file) => {
    const part = async (start, end) =>
      createHash("md5").update(await file.slice(start, end).arrayBuffer()).digest("hex");
    return { part, whole: () => part(0, file.size), close: () => {} };
  },
};

const clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      if (!signal) return;
      const quit = () => {
        clearTimeout(timer);
        reject(new DOMException("Ended.", "AbortError"));
      };
      if (signal.aborted) quit();
      else signal.addEventListener("abort", quit, { once: true });
    }),
  every: (ms, fn) => {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};

const draftUrl = `${task.api}/records/${task.draft}/draft`;
const memory = new Map();
const engine = createEngine({
  api,
  transport: { put, probe: async () => ({ reason: null }) },
  hasher,
  clock,
  random: Math.random,
  store: {
    get: (key) => memory.get(key) ?? null,
    set: (key, value) => memory.set(key, value),
    remove: (key) => memory.delete(key),
  },
  network: { online: () => true, onChange: () => () => {} },
  ensureDraft: async () => (await api("GET", draftUrl)).data,
  options: { partMin: 5 * 2 ** 20, smallBytes: 2 ** 20 },
});

const { entries } = (await api("GET", `${draftUrl}/files`)).data;
await engine.load(entries);
const before = engine.snapshot().files.map(({ key, state, doneBytes, parts }) => ({ key, state, doneBytes, parts }));

const names = fs.readdirSync(task.folder, { recursive: true, withFileTypes: true });
const chosen = names
  .filter((item) => item.isFile())
  .map((item) => path.join(item.parentPath ?? item.path, item.name))
  .map((name) => ({ file: opened(name), path: path.relative(task.folder, name) }));
const { refused } = await engine.add(chosen);

const settled = () => engine.snapshot().files.every(({ state }) => state === "completed" || state === "failed");
while (!settled()) await clock.sleep(50);
const ids = engine.snapshot().files.map(({ id }) => id);
if (task.metadata) await engine.setMetadata(ids, task.metadata);
if (task.cancel) await engine.remove(ids);
const { files, totals, notices, batch } = engine.snapshot();
engine.close();
process.stdout.write(`${JSON.stringify({ before, files, totals, notices, batch, refused, counts })}\n`);
