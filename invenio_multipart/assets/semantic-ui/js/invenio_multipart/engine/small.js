// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Small files, up to thousands: hashed, announced together, sent, completed by one job. */

import { Announcer } from "./announcing.js";
import { UploadError, readError } from "./errors.js";
import { Bell } from "./pauses.js";
import { readable } from "./sender.js";
import * as S from "./states.js";

/** Times that files are begun again because their batch ended, or was found wrong. */
const ROUNDS = 3;

export class SmallFiles {
  /** @param hooks `{explain, ready, done, settle, changed}`. */
  constructor(parts, batch, hooks) {
    const { board, clock, hasher, lanes, patience, sender, twins } = parts;
    Object.assign(this, { board, clock, hasher, lanes, patience, sender, twins });
    this.batch = batch;
    this.hooks = hooks;
    this.announcer = new Announcer(this);
    this.bell = new Bell(parts.clock);
    this.scope = new AbortController();
    this.toHash = new Set();
    this.toAnnounce = new Set();
    this.toSend = new Set();
    this.working = new Set();
    this.loops = new Set();
    /** Somebody else's batch: `{batch, since, until}`. */
    this.locked = null;
    this.paused = false;
    /** How many others want nothing to be completed just now. */
    this.held = 0;
    this.rounds = 0;
    /** A look at the server before the batch is completed, and whether something ended meanwhile. */
    this.looking = false;
    this.missed = false;
  }

  close() {
    this.scope.abort(new Error("closed"));
  }

  /** Whether a file that comes now would go along with others. */
  get active() {
    return this.batch.id !== null || this.pending > 0;
  }

  /** How many files are on their way here; counted often, so never by making a list. */
  get pending() {
    return this.toHash.size + this.toAnnounce.size + this.toSend.size + this.working.size;
  }

  offer(file) {
    this.board.move(file, S.QUEUED);
    file.kind = "small";
    file.controller = new AbortController();
    this.paused = false;
    this.toHash.add(file);
    this.start("hash", 1, this.toHash, () => this.hashAll());
  }

  /** Nobody wants this file to go on. */
  drop(file) {
    [this.toHash, this.toAnnounce, this.toSend].forEach((line) => line.delete(file));
    if (file.controller) file.controller.abort(new Error("dropped"));
    this.bell.ring();
    this.settle();
  }

  /**
   * Have loops at work for a line of files. Each takes one at once, and ends when the line is empty.
   *
   * @param most loops at the same time.
   */
  start(name, most, line, loop) {
    if (this.scope.signal.aborted) return;
    for (let i = 1; i <= most && line.size; i += 1) {
      const id = `${name}${i}`;
      if (this.loops.has(id)) continue;
      this.loops.add(id);
      loop()
        .catch((error) => this.broken(error))
        .finally(() => {
          this.loops.delete(id);
          // Somebody may have come after it had looked for the last time.
          this.start(name, most, line, loop);
          this.settle();
        });
    }
  }

  broken(error) {
    if (this.scope.signal.aborted) return;
    const why = { code: "server_error", params: { reason: String((error && error.message) || error) } };
    this.everyone().forEach((file) => this.fail(file, why));
  }

  everyone() {
    return [...this.toHash, ...this.toAnnounce, ...this.toSend, ...this.working];
  }

  async hashAll() {
    for (const file of this.toHash) {
      this.toHash.delete(file);
      await this.at(file, async () => {
        await this.hooks.ready(file, this.scope.signal);
        await readable(file);
        if (!file.md5) file.md5 = await this.hash(file);
        this.twins.note(file, file.md5);
        this.place(file);
      });
    }
  }

  async hash(file) {
    const session = this.hasher.open(file.file);
    try {
      return await session.part(0, file.size);
    } catch (error) {
      throw readError(error);
    } finally {
      session.close();
    }
  }

  /** Do something for a file; what goes wrong is the file's own. */
  async at(file, work) {
    const { controller } = file;
    this.working.add(file);
    try {
      await work(controller.signal);
    } catch (error) {
      if (controller.signal.aborted || this.scope.signal.aborted) return;
      this.fail(file, await this.hooks.explain(file, error));
    } finally {
      this.working.delete(file);
    }
  }

  /** To be announced, or has an earlier page done so? */
  place(file) {
    if (file.controller.signal.aborted) return;
    const there = this.batch.members.get(file.key);
    if (!there) {
      this.toAnnounce.add(file);
      this.start("announce", 1, this.toAnnounce, () => this.announcer.run());
      return;
    }
    // A script may have announced no more than names.
    if (differ(there.md5, file.md5) || differ(there.size, file.size)) {
      throw new UploadError("different_file", { size: file.size });
    }
    this.joined(file);
  }

  joined(file) {
    const there = this.batch.members.get(file.key);
    file.announced = true;
    file.deadline = this.batch.deadline;
    if (there.uploaded) {
      this.sent(file);
      return;
    }
    this.toSend.add(file);
    this.start("send", this.lanes.most, this.toSend, () => this.sendAll());
  }

  async sendAll() {
    for (const file of this.toSend) {
      this.toSend.delete(file);
      await this.at(file, (signal) => this.send(file, signal));
    }
  }

  async send(file, signal) {
    this.patience.advance(file);
    file.storedBytes = 0;
    const find = (number) => {
      const there = this.batch.members.get(file.key);
      if (!there) throw new UploadError("batch_over");
      if (there.uploaded || !there.slices) return null;
      return there.slices.find((slice) => slice.number === number) || null;
    };
    const now = this.batch.members.get(file.key);
    if (!now) throw new UploadError("batch_over");
    const { slices } = now;
    // A batch with temporary credentials has no links: whoever has these is to send it.
    if (!slices && !now.uploaded) throw new UploadError("locked", { batch: this.batch.id });
    file.parts = { total: slices ? slices.length : 0, done: 0 };
    for (const { end, ...rest } of slices || []) {
      const slice = { ...rest, end: end ?? file.size };
      const links = {
        get: async () => find(slice.number),
        // It lives as long as its batch; when that is put off, the store's refusal brings another.
        good: () => true,
        renew: (generation) => this.batch.renew(generation, { signal: this.scope.signal }),
        damaged: (times) => times >= 2 && this.lookAtFile(file),
      };
      await this.sender.send(file, slice, links, signal);
      file.parts = { total: slices.length, done: file.parts.done + 1 };
    }
    const there = this.batch.members.get(file.key);
    if (!there) throw new UploadError("batch_over");
    there.uploaded = true;
    this.sent(file);
  }

  async lookAtFile(file) {
    if ((await this.hash(file)) !== file.md5) throw new UploadError("file_changed");
  }

  sent(file) {
    this.patience.advance(file);
    file.storedBytes = file.size;
    this.board.touch(file);
    this.settle();
  }

  fail(file, why) {
    if (why.code === "batch_over") {
      this.begunAgain([file]);
      return;
    }
    [this.toHash, this.toAnnounce, this.toSend].forEach((line) => line.delete(file));
    if (why.code === "file_changed") file.md5 = null;
    if (!gone(file) && this.board.has(file)) this.board.move(file, S.FAILED, why);
  }

  /** The batch ended while it was being filled: its files are begun again. */
  async batchIsOver(error) {
    this.rounds += 1;
    if (this.rounds > ROUNDS) throw error;
    const lost = [...this.batch.members.keys()].map((key) => this.board.find(key));
    this.batch.over();
    this.hooks.changed();
    this.begunAgain(lost.filter((file) => file && file.kind === "small" && file.file));
  }

  begunAgain(files) {
    files.forEach((file) => {
      if (gone(file) || !this.board.has(file)) return;
      if (file.state === S.COMPLETED || file.state === S.PAUSED) return;
      file.storedBytes = 0;
      file.announced = false;
      this.offer(file);
    });
  }

  /** When nothing is on its way any more the batch is completed. */
  settle() {
    this.missed = this.missed || this.looking;
    if (this.paused || this.held || this.completing || this.loops.size || this.pending) return;
    if (!this.batch.id || this.scope.signal.aborted || this.isDoubted) return;
    this.completing = this.hooks
      .settle()
      .catch((error) => this.broken(error))
      .finally(() => {
        this.completing = null;
        this.hooks.changed();
        if (this.missed) {
          this.missed = false;
          this.settle();
        }
      });
  }

  /** Look at the server; whether still nothing is on its way then. */
  async whileLooking(look) {
    this.looking = true;
    try {
      await look();
    } finally {
      this.looking = false;
    }
    return !this.pending && !this.isDoubted;
  }

  /** Somebody has chosen another file than the one that was sent, and is to say which is meant. */
  get isDoubted() {
    return [...this.batch.members.keys()].some((key) => {
      const file = this.board.find(key);
      return file && file.state === S.FAILED && file.error.code === "different_file";
    });
  }

  /** Options of a call that is made for these files. */
  callOptions(files) {
    const wait = (code) => files.forEach((file) => !gone(file) && this.patience.begin(file, code));
    return { signal: this.scope.signal, onWait: wait };
  }
}

/** Whether what was announced, if it was, is another thing. */
function differ(announced, found) {
  return announced !== null && announced !== undefined && announced !== found;
}

/** Whether nobody wants the file to go on. */
function gone(file) {
  return !file.controller || file.controller.signal.aborted;
}
