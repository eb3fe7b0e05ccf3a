// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Digests of a file and of its parts from one read of each byte. Runs in the worker, or
// on the page itself where a worker cannot start.

/** Bytes that are read at a time, and memory per file. */
const SLICE = 4 * 2 ** 20;

/**
 * @param {Blob} file
 * @param {() => object} createMd5 makes a digest with `init`, `update` and `digest`
 * @param {number} slice bytes read at a time
 * @returns {{part: function, whole: function, settled: function}} MD5s as hex. Parts that
 *   are asked for in order grow the digest of the whole file along the way; what they
 *   have left out is read by `whole`. `settled` waits until nothing is read any more.
 */
export const createFileDigest = (file, createMd5, slice = SLICE) => {
  const ofFile = createMd5();
  ofFile.init();
  let known = 0;
  let proof = null;
  let turn = Promise.resolve();

  const read = async (start, end, ofPart) => {
    for (let at = start; at < end; at += slice) {
      const upTo = Math.min(at + slice, end);
      const data = new Uint8Array(await file.slice(at, upTo).arrayBuffer());
      if (data.length !== upTo - at) throw new DOMException("shorter", "NotReadableError");
      if (ofPart) ofPart.update(data);
      if (at <= known && upTo > known) {
        ofFile.update(data.subarray(known - at));
        known = upTo;
      }
    }
  };

  // One at a time: two parts that are read together would mix in the file's digest.
  const inTurn = (work) => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };

  return {
    part: (start, end) =>
      inTurn(async () => {
        const ofPart = createMd5();
        ofPart.init();
        await read(start, end, ofPart);
        return ofPart.digest("hex");
      }),
    whole: () =>
      inTurn(async () => {
        // A digest can be taken once.
        if (proof) return proof;
        await read(known, file.size, null);
        proof = ofFile.digest("hex");
        return proof;
      }),
    settled: () => turn,
  };
};
