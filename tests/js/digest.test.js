// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** MD5s as the page computes them where it may not use WebAssembly. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createFileDigest } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/deposit/digest.js";
import { createPlainMd5 } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/deposit/md5.js";
import { fileOf } from "./world.js";

const md5Of = (data) => createHash("md5").update(data).digest("hex");

test("the plain MD5 is MD5, at each length around its blocks", () => {
  const { data } = fileOf("x", 300);
  for (let length = 0; length <= data.length; length += 1) {
    const md5 = createPlainMd5();
    md5.init();
    md5.update(data.subarray(0, length));
    assert.equal(md5.digest(), md5Of(data.subarray(0, length)), `${length}`);
  }
});

test("it does not matter how the bytes are divided, and it can be used again", () => {
  const { data } = fileOf("x", 10_000);
  const md5 = createPlainMd5();
  for (const step of [1, 63, 64, 65, 1000, 9999]) {
    md5.init();
    for (let at = 0; at < data.length; at += step) md5.update(data.subarray(at, at + step));
    assert.equal(md5.digest(), md5Of(data), `${step}`);
  }
});

test("parts in order give the digest of the file with one read of each byte", async () => {
  const file = fileOf("x", 10_000);
  let read = 0;
  const counting = {
    size: file.size,
    slice: (start, end) => {
      read += end - start;
      return file.slice(start, end);
    },
  };
  const digest = createFileDigest(counting, createPlainMd5, 1000);
  for (let at = 0; at < 10_000; at += 2500) {
    assert.equal(await digest.part(at, at + 2500), md5Of(file.data.subarray(at, at + 2500)));
  }
  assert.equal(await digest.whole(), md5Of(file.data));
  assert.equal(read, 10_000);
});

test("parts that are left out or asked for twice do not spoil the digest of the file", async () => {
  const file = fileOf("x", 10_000);
  const digest = createFileDigest(file, createPlainMd5, 700);
  await Promise.all([digest.part(0, 3000), digest.part(6000, 9000), digest.part(0, 3000)]);
  assert.equal(await digest.part(2000, 5000), md5Of(file.data.subarray(2000, 5000)));
  assert.equal(await digest.whole(), md5Of(file.data));
});

test("an empty file has a digest, too", async () => {
  const digest = createFileDigest(fileOf("x", 0), createPlainMd5);
  assert.equal(await digest.part(0, 0), md5Of(""));
  assert.equal(await digest.whole(), md5Of(""));
});
