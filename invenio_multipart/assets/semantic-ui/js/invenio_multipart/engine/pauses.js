// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Pauses: how long, and what ends them early. */

/** Tries of one request or part while the other side answers. */
export const ATTEMPTS = 8;

const BASE_MS = 500;
const CAP_MS = 30_000;

/** Longest pause that a server may ask for, in seconds. */
const ASKED_CAP = 600;

/**
 * Milliseconds before the next try: anything from 0 up to a bound that doubles.
 *
 * Many browsers that failed together must not come back together, so all of it is random.
 *
 * @param failures in a row so far, 1 or more.
 * @param random gives 0..1.
 * @param seconds what Retry-After said, never undercut; null for nothing.
 */
export function backoff(failures, random, seconds = null) {
  const pause = random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 16));
  return Math.max(pause, Math.min(seconds || 0, ASKED_CAP) * 1000);
}

/** Ends with the signal's reason when that is aborted. */
export function check(signal) {
  // Browsers of before 2022 know no reasons.
  if (signal && signal.aborted) throw signal.reason || new Error("ended");
}

/** A pause that others can end. */
export class Bell {
  constructor(clock) {
    this.clock = clock;
    this.waiting = new Set();
  }

  /**
   * Ends after so many milliseconds (Infinity: never) or at the next ring.
   *
   * @throws the signal's reason.
   */
  async wait(ms, signal) {
    check(signal);
    const nap = new AbortController();
    const end = () => nap.abort(signal && signal.aborted ? signal.reason : undefined);
    if (signal) signal.addEventListener("abort", end);
    this.waiting.add(end);
    try {
      await (ms === Infinity ? untilAborted(nap.signal) : this.clock.sleep(ms, nap.signal));
    } catch (error) {
      if (!nap.signal.aborted) throw error;
    } finally {
      this.waiting.delete(end);
      if (signal) signal.removeEventListener("abort", end);
    }
    check(signal);
  }

  /** Wake all that wait. */
  ring() {
    [...this.waiting].forEach((end) => end());
  }
}

/** A controller that follows another signal; `stop` lets go of it again. */
export function follow(signal) {
  const controller = new AbortController();
  const end = () => controller.abort(signal.reason);
  if (signal.aborted) end();
  else signal.addEventListener("abort", end);
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    stop: () => signal.removeEventListener("abort", end),
  };
}

function untilAborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
