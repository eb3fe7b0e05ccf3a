// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** The files of the draft as the page sees them, and snapshots of them. */

import { foldKey } from "./keys.js";
import { Meter, secondsLeft } from "./meter.js";
import * as S from "./states.js";

/** Shortest time between two snapshots that listeners are told of. */
const PACE_MS = 100;

/** One file; the engine changes it, the page sees `view()` of it. */
export class BoardFile {
  constructor(clock, id, fields) {
    this.id = id;
    this.key = fields.key;
    this.size = fields.size;
    this.state = fields.state;
    this.error = null;
    this.checksum = null;
    this.metadata = {};
    this.origin = null;
    this.deadline = null;
    /** What the browser gave us; null when the bytes are not at hand. */
    this.file = null;
    this.handle = null;
    /** The chosen file's time of change, to notice a later one. */
    this.modified = null;
    /** Bytes on the server, and bytes on their way in each body that is being sent. */
    this.storedBytes = 0;
    this.flying = new Map();
    this.parts = { total: 0, done: 0 };
    /** `large` or `small`: how it is sent; null for what was not begun here. */
    this.kind = null;
    /** The server has an entry for it. */
    this.announced = false;
    /** What is known of its parts; null until it is sent, and after. */
    this.work = null;
    /** Bytes that the server has read to prove the digest. */
    this.verifiedBytes = 0;
    /** What has the same content and is here already: `{key, record, version, offered}`, or null. */
    this.twin = null;
    /** What was read ahead of its upload: `{bytes, checksum}`, or null. */
    this.ahead = null;
    /** When it was completed, in milliseconds. */
    this.doneAt = null;
    /** State before it began to wait. */
    this.before = null;
    this.meter = new Meter(clock);
    Object.assign(this, fields);
    this.shown = null;
  }

  get doneBytes() {
    let flying = 0;
    this.flying.forEach((bytes) => {
      flying += bytes;
    });
    return Math.min(this.storedBytes + flying, this.size);
  }

  /** Bytes that were read here and compared, since it is checked. */
  get checkedBytes() {
    return this.work && this.work.next ? this.work.slices[this.work.next - 1].end : 0;
  }

  /** What the page sees: the same object as long as nothing has changed. */
  view() {
    if (!this.shown) {
      const speed = this.state === S.UPLOADING ? Math.round(this.meter.speed) : 0;
      this.shown = Object.freeze({
        id: this.id,
        key: this.key,
        size: this.size,
        doneBytes: this.doneBytes,
        speed,
        secondsLeft: secondsLeft(this.size - this.doneBytes, speed),
        state: this.state,
        error: this.error,
        checksum: this.checksum,
        metadata: this.metadata,
        origin: this.origin,
        twin: this.twin,
        linkable: Boolean(this.twin && this.twin.offered && S.isUnsent(this)),
        hasFile: this.file !== null,
        deadline: this.deadline,
        parts: this.parts,
        checkedBytes: this.checkedBytes,
        verifiedBytes: this.verifiedBytes,
      });
    }
    return this.shown;
  }
}

export class Board {
  /**
   * @param around gives `{online, notices, batch, locked, busy}` for a snapshot.
   * @param waits whether publishing waits for a file in this state.
   */
  constructor(clock, around, waits) {
    this.clock = clock;
    this.around = around;
    this.waits = waits;
    this.files = new Map();
    this.byKey = new Map();
    this.listeners = new Set();
    this.meter = new Meter(clock);
    this.count = 0;
    this.cached = null;
    /** Something is other than in the last snapshot; and something that can wait is. */
    this.changed = true;
    this.moved = false;
    this.builtAt = -Infinity;
    this.toldAt = -Infinity;
    this.telling = false;
    this.closed = false;
  }

  /** A new file on the board. */
  add(fields) {
    this.count += 1;
    const file = new BoardFile(this.clock, `f${this.count}`, fields);
    this.files.set(file.id, file);
    this.byKey.set(foldKey(file.key), file);
    this.touch(file);
    return file;
  }

  remove(file) {
    if (!this.files.delete(file.id)) return;
    if (this.byKey.get(foldKey(file.key)) === file) this.byKey.delete(foldKey(file.key));
    this.touch();
  }

  has(file) {
    return this.files.get(file.id) === file;
  }

  /** The file of this key, or of one that only looks the same. */
  find(key) {
    return this.byKey.get(foldKey(key));
  }

  /**
   * The file is in another state.
   *
   * @param error `{code, params}`, or null.
   */
  move(file, state, error = null) {
    S.checkMove(file.state, state);
    if (state === S.WAITING && file.state !== S.WAITING) file.before = file.state;
    if (state !== S.UPLOADING && file.state === S.UPLOADING) file.meter.reset();
    file.state = state;
    file.error = error;
    this.touch(file);
  }

  /** Something about the file, or about all, has changed. */
  touch(file) {
    if (file) file.shown = null;
    this.changed = true;
    this.tell();
  }

  /** Bytes have gone; that is told at a gentle pace. */
  progress(file, bytes) {
    file.shown = null;
    if (bytes > 0) {
      file.meter.add(bytes);
      this.meter.add(bytes);
    }
    this.moved = true;
    this.tell();
  }

  /** Look at the speeds, about once a second while anything is sent. */
  tick() {
    this.meter.look();
    for (const file of this.files.values()) {
      if (file.meter.since !== null) {
        file.meter.look();
        file.shown = null;
      }
    }
    this.moved = true;
    this.tell();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** All as it is now; a new object only when something has changed. */
  snapshot() {
    const due = this.moved && this.clock.now() - this.builtAt >= PACE_MS;
    if (this.changed || due) this.build();
    return this.cached;
  }

  build() {
    this.changed = false;
    this.moved = false;
    this.builtAt = this.clock.now();
    const files = [];
    const waitingFor = [];
    const totals = { files: this.files.size, done: 0, failed: 0, bytes: 0, sentBytes: 0 };
    for (const file of this.files.values()) {
      const view = file.view();
      files.push(view);
      totals.bytes += view.size;
      totals.sentBytes += view.doneBytes;
      if (view.state === S.COMPLETED) totals.done += 1;
      else if (view.state === S.FAILED) totals.failed += 1;
      if (this.waits(view.state)) {
        waitingFor.push({ key: view.key, reason: view.error ? view.error.code : view.state });
      }
    }
    const around = this.around();
    totals.speed = around.busy ? Math.round(this.meter.speed) : 0;
    totals.secondsLeft = secondsLeft(totals.bytes - totals.sentBytes, totals.speed);
    this.cached = Object.freeze({ files, totals, waitingFor, ...around });
  }

  tell() {
    if (this.telling || this.closed) return;
    this.telling = true;
    const wait = Math.max(this.toldAt + PACE_MS - this.clock.now(), 0);
    this.clock.sleep(wait).then(() => {
      if (this.closed) return;
      this.telling = false;
      this.toldAt = this.clock.now();
      if (this.changed || this.moved) this.build();
      [...this.listeners].forEach((listener) => listener(this.cached));
    });
  }
}
