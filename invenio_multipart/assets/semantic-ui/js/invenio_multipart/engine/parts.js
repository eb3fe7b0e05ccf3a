// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Parts of one file: hashed in order, registered, and sent as soon as they have a link. */

import { UploadError, readError } from "./errors.js";
import { Bell, check, follow } from "./pauses.js";
import { unchanged } from "./sender.js";

/**
 * Parts that are hashed and not yet sent, beyond those that lanes can take. More of them make fewer
 * registrations, which sites limit to some a minute; but their bytes shall still be in the machine's
 * memory when they are sent, or the disk is read twice.
 */
const AHEAD = [4, 16];
const AHEAD_BYTES = 128 * 2 ** 20;

/** Parts in one registration. */
const MOST = 100;

/**
 * A link is good if a request begins so long before its end; this is for the way. Of links that live
 * for seconds it is half of their time.
 */
const MARGIN_MS = 30_000;

/** Refusals of other bytes than announced before we look whether it is the file. */
const DAMAGED_TWICE = 2;

export class PartRun {
  /**
   * @param work `{session, slices, md5s, next, stored, resumed}` of the file; what is known of it
   *     outlives this run.
   */
  constructor({ server, sender, hasher, clock, lanes, patience, board }, file, work, signal) {
    Object.assign(this, { server, sender, hasher, clock, lanes, patience, board, file, work });
    this.scope = follow(signal);
    this.signal = this.scope.signal;
    this.bell = new Bell(clock);
    /** Parts on their way, by number. */
    this.open = new Map();
    this.wanting = [];
    this.registering = false;
    this.generation = 0;
    this.renewing = null;
    this.failure = null;
    this.sends = new Set();
    const [{ end = 1 } = {}] = work.slices;
    this.ahead = Math.min(Math.max(Math.floor(AHEAD_BYTES / end), AHEAD[0]), AHEAD[1]);
  }

  /**
   * All parts are in the store; the MD5 of the file.
   *
   * @throws UploadError whatever went wrong first; the signal's reason.
   */
  async run() {
    try {
      await this.sendHashed();
      await this.hashOthers();
      while (this.open.size) await this.pause();
      if (!this.work.whole) this.work.whole = await this.read(() => this.work.session.whole());
      // Bytes of before and after a change would make a file that never was.
      await unchanged(this.file);
      return this.work.whole;
    } catch (error) {
      this.scope.abort(error);
      await Promise.allSettled([...this.sends]);
      throw this.failure || error;
    } finally {
      this.scope.stop();
    }
  }

  /** Parts that an earlier run has hashed and not brought there. */
  async sendHashed() {
    for (const slice of this.work.slices.slice(0, this.work.next)) {
      if (!this.isStored(slice)) await this.offer(slice);
    }
  }

  async hashOthers() {
    const { work } = this;
    while (work.next < work.slices.length) {
      const slice = work.slices[work.next];
      const md5 = await this.read(() => work.session.part(slice.start, slice.end));
      work.md5s[work.next] = md5;
      work.next += 1;
      this.checkFailure();
      this.board.progress(this.file, 0);
      if (!this.isStored(slice)) await this.offer(slice);
    }
  }

  async read(call) {
    try {
      return await call();
    } catch (error) {
      // What the session knew is of no use without it.
      this.work.session.close();
      this.file.work = null;
      throw readError(error);
    }
  }

  /** The server has these very bytes already. */
  isStored(slice) {
    const stored = this.work.stored.get(slice.number);
    if (!stored || !stored.md5) return false;
    if (stored.md5 === this.work.md5s[slice.number - 1]) return true;
    if (this.work.resumed) {
      throw new UploadError("different_file", { part: slice.number, size: this.file.size });
    }
    return false;
  }

  async offer(slice) {
    while (this.open.size >= this.lanes.limit + this.ahead) await this.pause();
    this.patience.advance(this.file);
    this.open.set(slice.number, { slice, link: null });
    this.wanting.push(slice.number);
    this.register();
  }

  /** While one registration is on its way the next parts gather. */
  async register() {
    if (this.registering) return;
    this.registering = true;
    try {
      while (this.wanting.length) {
        // Enough of them have links: the next ones gather meanwhile.
        while (this.idle >= this.lanes.limit) await this.pause();
        const numbers = this.wanting.splice(0, MOST);
        await this.link(numbers);
        numbers.forEach((number) => this.launch(number));
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.registering = false;
    }
  }

  /** Parts that have a link and wait for their turn. */
  get idle() {
    let linked = 0;
    this.open.forEach(({ link }) => {
      if (link) linked += 1;
    });
    return linked - this.file.flying.size;
  }

  async link(numbers) {
    const parts = numbers.map((number) => {
      const { start, end } = this.open.get(number).slice;
      return { number, size: end - start, md5: this.work.md5s[number - 1] };
    });
    const options = this.patience.options(this.file, this.signal);
    const since = this.server.now();
    const links = await this.server.register(this.file.key, parts, options);
    links.forEach((link) => {
      const part = this.open.get(link.part);
      if (part) part.link = { ...link, since, generation: this.generation };
    });
  }

  launch(number) {
    const send = this.send(number).catch((error) => this.fail(error));
    this.sends.add(send);
    send.finally(() => this.sends.delete(send));
  }

  async send(number) {
    const { slice } = this.open.get(number);
    await this.sender.send(this.file, slice, this.links(number), this.signal);
    const size = slice.end - slice.start;
    this.work.stored.set(number, { size, md5: this.work.md5s[number - 1] });
    this.file.parts = { total: this.work.slices.length, done: this.work.stored.size };
    this.open.delete(number);
    this.board.touch(this.file);
    this.bell.ring();
  }

  links(number) {
    return {
      get: async () => {
        const { link } = this.open.get(number);
        if (!this.isGood(link)) await this.renew(link ? link.generation : this.generation);
        return this.open.get(number).link;
      },
      good: (link) => this.isGood(link),
      renew: (generation) => this.renew(generation),
      damaged: (times) => times >= DAMAGED_TWICE && this.lookAtFile(number),
    };
  }

  isGood(link) {
    if (!link) return false;
    const ends = Date.parse(link.expiration || "");
    const margin = Math.min(MARGIN_MS, (ends - link.since) / 2);
    return Number.isNaN(ends) || ends > this.server.now() + margin;
  }

  /** Fresh links for all parts on their way; however many ask at once, it is asked once. */
  async renew(generation) {
    if (!this.renewing && generation < this.generation) return;
    if (!this.renewing) {
      this.generation += 1;
      const numbers = [...this.open.keys()].filter((number) => this.open.get(number).link);
      this.renewing = this.link(numbers).finally(() => {
        this.renewing = null;
      });
    }
    await this.renewing;
  }

  /** The store got other bytes than we have hashed: is it the line, or the file? */
  async lookAtFile(number) {
    const { slice } = this.open.get(number);
    const session = this.hasher.open(this.file.file.slice(slice.start, slice.end));
    let md5;
    try {
      md5 = await session.part(0, slice.end - slice.start);
    } catch (error) {
      throw readError(error);
    } finally {
      session.close();
    }
    if (md5 !== this.work.md5s[number - 1]) {
      throw new UploadError("file_changed", { part: number });
    }
  }

  fail(error) {
    if (!this.failure) this.failure = error;
    this.scope.abort(error);
    this.bell.ring();
  }

  async pause() {
    this.checkFailure();
    await this.bell.wait(Infinity, this.signal);
    this.checkFailure();
  }

  checkFailure() {
    if (this.failure) throw this.failure;
    check(this.signal);
  }
}
