// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** What the deposit page does without React and without a browser. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ASSETS = new URL("../../invenio_multipart/assets/semantic-ui/", import.meta.url);
const DEPOSIT = new URL("js/invenio_multipart/deposit/", ASSETS);

const load = (name) => import(new URL(`${name}.js`, DEPOSIT).href);

const md5 = (data) => createHash("md5").update(data).digest("hex");

const file = (key, more = {}) => ({ id: key, key, size: 10, doneBytes: 0, state: "queued", ...more });

test("MD5 in plain JavaScript is MD5, at each boundary and however the data comes", async () => {
  const { createPlainMd5 } = await load("md5");
  for (const size of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 70_001]) {
    const data = randomBytes(size);
    const digest = createPlainMd5();
    for (let at = 0; at < size; at += 37) digest.update(data.subarray(at, Math.min(at + 37, size)));
    assert.equal(digest.digest(), md5(data), `${size} bytes`);
  }
});

test("parts and the whole file are hashed from one read of each byte", async () => {
  const [{ createFileDigest }, { createPlainMd5 }] = [await load("digest"), await load("md5")];
  const data = randomBytes(100_000);
  let read = 0;
  const blob = new Blob([data]);
  const counted = {
    size: data.length,
    slice: (start, end) => {
      read += end - start;
      return blob.slice(start, end);
    },
  };
  const digest = createFileDigest(counted, createPlainMd5, 4096);
  const parts = await Promise.all([digest.part(0, 40_000), digest.part(40_000, 100_000)]);
  assert.deepEqual(parts, [md5(data.subarray(0, 40_000)), md5(data.subarray(40_000))]);
  assert.equal(await digest.whole(), md5(data));
  assert.equal(await digest.whole(), md5(data), "asked for again");
  assert.equal(read, data.length);
});

test("a part that was left out is read for the digest of the whole file", async () => {
  const [{ createFileDigest }, { createPlainMd5 }] = [await load("digest"), await load("md5")];
  const data = randomBytes(50_000);
  const digest = createFileDigest(new Blob([data]), createPlainMd5, 4096);
  await digest.part(0, 10_000);
  await digest.part(30_000, 50_000);
  await digest.part(0, 10_000);
  assert.equal(await digest.whole(), md5(data));
});

test("a file that has become shorter cannot be read", async () => {
  const [{ createFileDigest }, { createPlainMd5 }] = [await load("digest"), await load("md5")];
  const digest = createFileDigest(new Blob(["short"]), createPlainMd5);
  await assert.rejects(digest.part(0, 100), { name: "NotReadableError" });
});

test("folders come before files, and numbers are in the order of people", async () => {
  const { inOrder } = await load("tree");
  const keys = ["b.txt", "run 10/x", "run 2/x", "a.txt", "run 2/sub/y", "A2.txt"];
  assert.deepEqual(inOrder(keys), ["run 2/sub/y", "run 2/x", "run 10/x", "a.txt", "A2.txt", "b.txt"]);
});

test("a folder counts all that is below it, and folds it up", async () => {
  const { treeRows } = await load("tree");
  const files = [
    file("a/b/1", { state: "completed", doneBytes: 0 }),
    file("a/b/2", { state: "failed", doneBytes: 4 }),
    file("a/3"),
    file("4"),
  ];
  const open = treeRows(files, new Set());
  assert.deepEqual(
    open.map(({ type, name, depth }) => [type, name, depth]),
    [
      ["folder", "a", 0],
      ["folder", "b", 1],
      ["file", "1", 2],
      ["file", "2", 2],
      ["file", "3", 1],
      ["file", "4", 0],
    ]
  );
  const { files: count, done, failed, size, doneBytes } = open[0];
  assert.deepEqual({ count, done, failed, size, doneBytes }, { count: 3, done: 1, failed: 1, size: 30, doneBytes: 14 });
  const closed = treeRows(files, new Set(["a/"]));
  assert.deepEqual(closed.map(({ name }) => name), ["a", "4"]);
  assert.equal(closed[0].files, 3, "folded up it counts the same");
});

test("names that are part of object's own are names like others", async () => {
  const { treeRows, inOrder } = await load("tree");
  const keys = inOrder(["__proto__/constructor", "__proto__/toString", "hasOwnProperty"]);
  const rows = treeRows(keys.map((key) => file(key)), new Set());
  assert.deepEqual(rows.map(({ name }) => name), ["__proto__", "constructor", "toString", "hasOwnProperty"]);
});

test("finished files of equal content are named, empty and unfinished ones are not", async () => {
  const { twinsOf } = await load("tree");
  const done = { state: "completed", checksum: "md5:1" };
  const files = [
    file("a", done),
    file("b", done),
    file("c", { ...done, checksum: "md5:2" }),
    file("d", { checksum: "md5:1" }),
    file("e", { ...done, size: 0 }),
    file("f", done),
  ];
  const twin = { key: "a", version: null };
  assert.deepEqual([...twinsOf(files)], [["b", twin], ["f", twin]]);
});

test("a twin that the engine has found is named as long as it is there", async () => {
  const { twinsOf } = await load("tree");
  const before = { key: "x", version: 1 };
  const here = { key: "a", version: null };
  const gone = { key: "gone", version: null };
  const files = [
    file("a", { state: "completed", checksum: "md5:1" }),
    file("b", { twin: here }),
    file("c", { twin: before }),
    file("d", { twin: gone }),
  ];
  assert.deepEqual([...twinsOf(files)], [["b", here], ["c", before]]);
});

test("files that file managers do not show are known, in whatever folder", async () => {
  const { isHidden } = await load("chosen");
  for (const path of [".git/config", "a/.DS_Store", "a/Thumbs.db", "__MACOSX/x"]) assert.ok(isHidden(path), path);
  for (const path of ["a.txt", "a/b.c/d", "thumbs/x.db"]) assert.ok(!isHidden(path), path);
});

/** All texts of the page, as they stand in its sources. */
const texts = () => {
  const found = new Set();
  for (const name of readdirSync(DEPOSIT).filter((n) => n.endsWith(".js"))) {
    const source = readFileSync(new URL(name, DEPOSIT), "utf8");
    for (const [, text] of source.matchAll(/\bt\(\s*("(?:[^"\\]|\\.)*")/g)) found.add(JSON.parse(text));
  }
  return found;
};

test("the English catalogue has each text of the page, and no other", () => {
  const catalogue = new URL("translations/invenio_multipart/messages/en/translations.json", ASSETS);
  const english = JSON.parse(readFileSync(catalogue, "utf8"));
  const expected = [...texts()].flatMap((text) =>
    text.includes("{{count}}") ? [text, `${text}_plural`] : [text]
  );
  assert.deepEqual(Object.keys(english).sort(), expected.sort());
  const places = (text) => new Set(text.match(/{{\w+}}/g) || []);
  for (const [text, words] of Object.entries(english)) {
    for (const place of places(words)) assert.ok(text.includes(place), `${words}: ${place}`);
  }
});
