// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Time that passes only when nothing else is left to do, so that days cost milliseconds. */

export class VirtualClock {
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.time = start;
    this.timers = new Set();
    this.count = 0;
  }

  now() {
    return this.time;
  }

  /** As in a browser: rejects with an error of its own, not with the signal's reason. */
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal && signal.aborted) {
        reject(new DOMException("Ended.", "AbortError"));
        return;
      }
      this.count += 1;
      const timer = { at: this.time + Math.max(ms, 0), order: this.count, fire: resolve };
      this.timers.add(timer);
      if (!signal) return;
      const quit = () => {
        this.timers.delete(timer);
        reject(new DOMException("Ended.", "AbortError"));
      };
      signal.addEventListener("abort", quit, { once: true });
      timer.fire = () => {
        signal.removeEventListener("abort", quit);
        resolve();
      };
    });
  }

  every(ms, fn) {
    const timer = { at: this.time + ms, order: 0, idle: true };
    timer.fire = () => {
      fn();
      timer.at = this.time + ms;
      this.timers.add(timer);
    };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
      timer.fire = () => {};
    };
  }

  /** Let time pass until it is so. @throws Error after `limit` milliseconds, or when all stand still. */
  async until(done, limit = 3_600_000) {
    const end = this.time + limit;
    for (;;) {
      await quiet();
      if (done()) return;
      const timer = this.next();
      if (!timer || ![...this.timers].some((one) => !one.idle)) throw new Error("Nothing happens any more.");
      if (timer.at > end) throw new Error(`Not so after ${limit} ms.`);
      this.fire(timer);
    }
  }

  /** Let so many milliseconds pass. */
  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await quiet();
      const timer = this.next();
      if (!timer || timer.at > end) break;
      this.fire(timer);
    }
    this.time = end;
    await quiet();
  }

  next() {
    let first = null;
    for (const timer of this.timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }

  fire(timer) {
    this.timers.delete(timer);
    this.time = Math.max(this.time, timer.at);
    timer.fire();
  }
}

/** All that can happen without time has happened. */
function quiet() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
