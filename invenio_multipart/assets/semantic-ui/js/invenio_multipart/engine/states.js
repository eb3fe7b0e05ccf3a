// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** States of a file in the page: one list, one table of moves. */

export const MISSING = "missing";
export const QUEUED = "queued";
export const CHECKING = "checking";
export const UPLOADING = "uploading";
export const PAUSED = "paused";
export const WAITING = "waiting";
export const COMMITTING = "committing";
export const VERIFYING = "verifying";
export const COMPLETED = "completed";
export const FAILED = "failed";

/** What the server may be found to think of a file whatever we thought. */
const SERVER = [MISSING, COMMITTING, VERIFYING, COMPLETED, FAILED];

/** The only moves there are. A state may always move to itself. */
export const MOVES = {
  [MISSING]: [QUEUED, UPLOADING, ...SERVER],
  [QUEUED]: [CHECKING, UPLOADING, WAITING, PAUSED, ...SERVER],
  [CHECKING]: [UPLOADING, WAITING, PAUSED, QUEUED, ...SERVER],
  [UPLOADING]: [CHECKING, WAITING, PAUSED, QUEUED, ...SERVER],
  [PAUSED]: [QUEUED, ...SERVER],
  [WAITING]: [QUEUED, CHECKING, UPLOADING, PAUSED, ...SERVER],
  [COMMITTING]: [UPLOADING, WAITING, QUEUED, PAUSED, ...SERVER],
  [VERIFYING]: [WAITING, QUEUED, ...SERVER],
  [COMPLETED]: [],
  [FAILED]: [QUEUED, PAUSED, UPLOADING, ...SERVER],
};

/** States in which this page is at work for a file, or will be by itself. */
export const BUSY = new Set([QUEUED, CHECKING, UPLOADING, WAITING, COMMITTING]);

/** States in which bytes are still to be sent. */
const SENDING = new Set([QUEUED, CHECKING, UPLOADING]);

/** Whether pausing a file means something. */
export function isPausable({ state, before }) {
  return SENDING.has(state === WAITING ? before : state);
}

/** Whether there is something left to be sent, paused or not. */
export function isUnsent(file) {
  return file.state === PAUSED || isPausable(file);
}

/** @throws Error for a move that is not in the table: a mistake of the engine. */
export function checkMove(from, to) {
  if (from !== to && !MOVES[from].includes(to)) throw new Error(`No move from ${from} to ${to}.`);
}
