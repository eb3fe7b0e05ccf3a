// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** A door to one server: closed while that is away, and opened again by a single try. */

import { Bell, backoff } from "./pauses.js";

/** Failures in a row after which a server is taken to be away, and one try at a time is enough. */
const AWAY_AFTER = 3;

/** How often a browser that says it is offline is not believed. */
const DOUBT_MS = 30_000;

export class Gate {
  /**
   * @param code why requests wait while it is closed.
   * @param changed called when it closes or opens.
   */
  constructor({ clock, random, network }, code, changed) {
    this.clock = clock;
    this.random = random;
    this.network = network;
    this.usual = code;
    this.changed = changed;
    this.bell = new Bell(clock);
    this.failures = 0;
    this.openAt = 0;
    this.trying = null;
    this.code = code;
    this.shown = null;
  }

  /** The code of what is waited for; null while the server is there. */
  get trouble() {
    if (!this.network.online()) return "offline";
    return this.failures >= AWAY_AFTER ? this.code : null;
  }

  /**
   * Wait until a try makes sense.
   *
   * @param onWait called with a code whenever it does not.
   * @returns a ticket; `worked()`, `failed(seconds)` or `left()` must be called with it.
   * @throws the signal's reason.
   */
  async pass(signal, onWait) {
    let doubted = false;
    for (;;) {
      const offline = !doubted && !this.network.online();
      const ms = offline ? DOUBT_MS : this.pause();
      if (ms <= 0) break;
      if (this.trouble && onWait) onWait(this.trouble);
      this.tell();
      await this.bell.wait(ms, signal);
      doubted = doubted || offline;
    }
    const ticket = this.ticket();
    if (this.failures >= AWAY_AFTER) this.trying = ticket;
    return ticket;
  }

  /** Try now: somebody asked for it, or the network has just come back. */
  knock() {
    this.openAt = 0;
    this.bell.ring();
    this.tell();
  }

  /** Waiting helps, but nothing that we could send would: a login is lost. */
  shut(code, seconds) {
    this.code = code;
    this.failures = Math.max(this.failures, AWAY_AFTER);
    this.openAt = this.clock.now() + seconds * 1000;
    this.tell();
  }

  pause() {
    if (this.trying) return Infinity;
    return this.openAt - this.clock.now();
  }

  ticket() {
    const ticket = {
      worked: () => {
        this.trying = null;
        this.failures = 0;
        this.openAt = 0;
        this.code = this.usual;
        this.bell.ring();
        this.tell();
      },
      failed: (seconds = null) => {
        this.end(ticket);
        this.failures += 1;
        const pause = backoff(this.failures, this.random, seconds);
        this.openAt = Math.max(this.openAt, this.clock.now() + pause);
        this.bell.ring();
        this.tell();
      },
      left: () => this.end(ticket),
    };
    return ticket;
  }

  end(ticket) {
    if (this.trying !== ticket) return;
    this.trying = null;
    this.bell.ring();
  }

  tell() {
    if (this.trouble === this.shown) return;
    this.shown = this.trouble;
    this.changed();
  }
}
