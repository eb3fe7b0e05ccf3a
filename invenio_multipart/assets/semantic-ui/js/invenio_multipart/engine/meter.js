// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** How fast bytes go, smoothed so that a person can read it. */

/** Time after which an old speed has lost two thirds of its weight. */
const MEMORY_MS = 6000;

/** Shortest time over which a speed is taken. */
const STEP_MS = 500;

export class Meter {
  constructor(clock) {
    this.clock = clock;
    this.reset();
  }

  /** Forget all; after a pause the old speed says nothing. */
  reset() {
    this.since = null;
    this.bytes = 0;
    this.speed = 0;
  }

  /** So many bytes have gone. */
  add(bytes) {
    if (this.since === null) this.since = this.clock.now();
    this.bytes += bytes;
  }

  /** Take what has gone since the last look into account; bytes per second. */
  look() {
    if (this.since === null) return 0;
    const passed = this.clock.now() - this.since;
    if (passed < STEP_MS) return this.speed;
    const now = (this.bytes * 1000) / passed;
    const weight = this.speed ? 1 - Math.exp(-passed / MEMORY_MS) : 1;
    this.speed += weight * (now - this.speed);
    if (this.speed < 1) this.speed = 0;
    this.bytes = 0;
    this.since = this.clock.now();
    return this.speed;
  }
}

/** Seconds until so many bytes have gone; null when nobody can tell. */
export function secondsLeft(bytes, speed) {
  return speed > 0 && bytes > 0 ? Math.ceil(bytes / speed) : null;
}
