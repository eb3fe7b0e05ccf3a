// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// MD5s beside the page, so that it stays quick while gigabytes are read.

import { createMD5 } from "hash-wasm";
import { createFileDigest } from "./digest";
import { createPlainMd5 } from "./md5";

/** hash-wasm's MD5, or the plain one where the page's policy forbids WebAssembly. */
const chooseMd5 = async () => {
  try {
    // hash-wasm has one memory for each digest; made once and kept, they are quick.
    const spare = [await createMD5()];
    return {
      take: async () => spare.pop() || createMD5(),
      give: (digest) => spare.push(digest),
    };
  } catch (error) {
    return { take: async () => createPlainMd5(), give: () => {} };
  }
};

const md5s = chooseMd5();
const files = new Map();

const open = async (id, file) => {
  const pool = await md5s;
  const ofFile = await pool.take();
  const ofPart = await pool.take();
  // The first that is asked for is the file's; parts come one at a time and share one.
  const both = [ofPart, ofFile];
  const digest = createFileDigest(file, () => both.pop() || ofPart);
  files.set(id, { digest, free: () => [ofFile, ofPart].forEach(pool.give) });
};

const jobs = {
  part: ({ id, start, end }) => files.get(id).digest.part(start, end),
  whole: ({ id }) => files.get(id).digest.whole(),
};

const opening = new Map();

const handle = async (message) => {
  const { id, job } = message;
  if (job === "open") {
    opening.set(id, open(id, message.file));
    return null;
  }
  await opening.get(id);
  if (job === "close") {
    const { digest, free } = files.get(id);
    files.delete(id);
    opening.delete(id);
    // Not before the last read has ended: the next file takes the same digests.
    await digest.settled();
    free();
    return null;
  }
  return jobs[job](message);
};

self.onmessage = async ({ data: message }) => {
  try {
    self.postMessage({ call: message.call, result: await handle(message) });
  } catch (error) {
    const { name, message: text } = error;
    self.postMessage({ call: message.call, error: { name, message: text } });
  }
};
