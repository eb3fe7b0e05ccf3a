// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** How a file is cut into parts. */

const MIB = 2 ** 20;

/** Parts that a store takes of one file. */
const MAX_PARTS = 10_000;

/** Steps that make a bar move smoothly; more would only cost requests. */
const WANTED_PARTS = 160;

/**
 * Bytes of each part but the last.
 *
 * Small parts make progress smooth and a failure cheap; large ones are needed for large files.
 *
 * @param size bytes of the file, 0 or more.
 */
export function partSizeFor(size, { partMin, partMax }) {
  const smooth = Math.min(Math.max(size / WANTED_PARTS, partMin), partMax);
  const needed = Math.max(smooth, size / MAX_PARTS);
  const step = Math.min(MIB, partMin);
  return Math.ceil(needed / step) * step;
}

/**
 * The slices of a file by the server's plan: `{number, start, end}`, numbers from 1.
 *
 * An empty file has none: it is committed without a part.
 */
export function planSlices(size, partSize) {
  const slices = [];
  for (let start = 0; start < size; start += partSize) {
    slices.push({ number: slices.length + 1, start, end: Math.min(start + partSize, size) });
  }
  return slices;
}

/**
 * The slices by parts of any sizes, as another uploader registered them.
 *
 * @param parts `{number, size}` of all parts, ascending.
 * @returns null when they do not make up the file.
 */
export function ledgerSlices(size, parts) {
  const slices = [];
  let start = 0;
  for (const part of parts) {
    if (part.number !== slices.length + 1) return null;
    slices.push({ number: part.number, start, end: start + part.size });
    start += part.size;
  }
  return start === size ? slices : null;
}
