// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** How many bodies are sent at the same time, over all files: what the line is worth. */

import { check } from "./pauses.js";

/** The number to begin with: the stock page's own. */
const FIRST = 3;

/** More is kept when it makes the whole so much faster. */
const WORTH = 1.08;

/** How long a number is kept after trouble, or after one more was of no use. */
const HOLD_MS = 20_000;

/** Shortest time over which a speed is judged. */
const LOOK_MS = 1000;

export class Lanes {
  /** @param most at any time, 1 or more. */
  constructor(clock, most) {
    this.clock = clock;
    this.most = most;
    this.limit = Math.min(FIRST, most);
    this.active = 0;
    this.queue = new Set();
    this.fresh();
    this.before = 0;
    this.grew = false;
    this.holdUntil = 0;
  }

  /**
   * Wait for a lane; first come, first served.
   *
   * @returns a function that gives it back; calling it twice does no harm.
   * @throws the signal's reason.
   */
  async take(signal) {
    check(signal);
    if (this.active >= this.limit || this.queue.size) await this.line(signal);
    else this.active += 1;
    let mine = true;
    return () => {
      if (mine) this.give();
      mine = false;
    };
  }

  /** A body has arrived. */
  sent(bytes) {
    this.bytes += bytes;
    this.count += 1;
    const passed = this.clock.now() - this.since;
    if (passed < LOOK_MS || this.count < 2 * this.limit) return;
    this.judge((this.bytes + this.count) / passed);
    this.fresh();
  }

  /** A body has not arrived, because the line or the store is overloaded or broken. */
  trouble() {
    this.limit = Math.max(1, Math.floor(this.limit / 2));
    this.holdUntil = this.clock.now() + HOLD_MS / 2;
    this.before = 0;
    this.grew = false;
    this.fresh();
  }

  judge(speed) {
    const now = this.clock.now();
    if (this.grew && speed < this.before * WORTH) {
      // One more lane made nothing faster: back, and leave it for a while.
      this.limit = Math.max(1, this.limit - 1);
      this.holdUntil = now + HOLD_MS;
      this.grew = false;
    } else if (now >= this.holdUntil && this.limit < this.most) {
      this.limit += 1;
      this.grew = true;
      this.before = speed;
      this.admit();
    } else {
      this.grew = false;
    }
  }

  fresh() {
    this.since = this.clock.now();
    this.bytes = 0;
    this.count = 0;
  }

  line(signal) {
    return new Promise((resolve, reject) => {
      const turn = { go: null };
      const quit = () => {
        this.queue.delete(turn);
        reject(signal.reason);
      };
      turn.go = () => {
        if (signal) signal.removeEventListener("abort", quit);
        resolve();
      };
      if (signal) signal.addEventListener("abort", quit, { once: true });
      this.queue.add(turn);
    });
  }

  give() {
    this.active -= 1;
    this.admit();
  }

  admit() {
    for (const turn of this.queue) {
      if (this.active >= this.limit) return;
      this.queue.delete(turn);
      this.active += 1;
      turn.go();
    }
  }
}
