// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// The engine's hasher in a browser: a worker, or this page where none can start.

import { createFileDigest } from "./digest";
import { createPlainMd5 } from "./md5";

/** Bytes hashed at once on the page itself; about 3 ms, so that nothing stutters. */
const PAGE_SLICE = 256 * 1024;

const startWorker = () => {
  const worker = new Worker(new URL("./hash.worker.js", import.meta.url));
  const calls = new Map();
  let number = 0;

  const settle = ({ call, result, error }) => {
    const waiting = calls.get(call);
    calls.delete(call);
    if (error) waiting.reject(new DOMException(error.message, error.name));
    else waiting.resolve(result);
  };

  worker.onmessage = ({ data }) => settle(data);
  const lost = new Promise((resolve) => {
    worker.onerror = resolve;
  });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      number += 1;
      calls.set(number, { resolve, reject });
      worker.postMessage({ ...message, call: number });
    });
  return { ask, lost, stop: () => worker.terminate() };
};

const openHere = (file) => {
  const digest = createFileDigest(file, createPlainMd5, PAGE_SLICE);
  return { part: digest.part, whole: digest.whole, close: () => {} };
};

const openThere = (worker, id, file) => {
  worker.ask({ job: "open", id, file });
  return {
    part: (start, end) => worker.ask({ job: "part", id, start, end }),
    whole: () => worker.ask({ job: "whole", id }),
    close: () => worker.ask({ job: "close", id }).catch(() => {}),
  };
};

/**
 * MD5s of files, for the engine.
 *
 * @returns {{open: function, stop: function}} `open(file)` gives `part(start, end)` and
 *   `whole()`, promises of hex MD5s, and `close()`. A file that cannot be read rejects
 *   with a DOMException `NotReadableError` or `NotFoundError`.
 */
export const createHasher = () => {
  let worker;
  let files = 0;
  try {
    worker = startWorker();
  } catch (error) {
    return { open: openHere, stop: () => {} };
  }
  // The policy of the page may refuse the worker only after it was made.
  let broken = false;
  const lost = worker.lost.then(() => {
    broken = true;
  });

  const open = (file) => {
    if (broken) return openHere(file);
    files += 1;
    const there = openThere(worker, files, file);
    let here = null;
    const fallBack = () => {
      here = here || openHere(file);
      return here;
    };
    const either =
      (job) =>
      (...range) => {
        if (broken) return fallBack()[job](...range);
        return Promise.race([
          there[job](...range),
          lost.then(() => fallBack()[job](...range)),
        ]);
      };
    return { part: either("part"), whole: either("whole"), close: there.close };
  };
  return { open, stop: worker.stop };
};
