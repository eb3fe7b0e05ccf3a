// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Begins uploads: several in one request, and never one twice. */

import { UploadError } from "./errors.js";
import { partSizeFor } from "./plan.js";
import { ATTEMPTS, backoff } from "./pauses.js";

/** Files in one request. InvenioRDM answers each with all files of the draft. */
const MOST = 20;

/** How long the first one waits for company. */
const LINGER_MS = 20;

export class Initiator {
  /** @param more gives further files that will be begun soon anyway, so many at most. */
  constructor({ server, board, clock, random, options, patience }, more) {
    Object.assign(this, { server, board, clock, random, options, patience, more });
    this.waiting = [];
    this.working = false;
  }

  /**
   * The file's entry, `fresh` when the server has made it just now.
   *
   * @throws UploadError for a refusal; the signal's reason.
   */
  begin(file, signal) {
    if (!file.beginning) {
      file.beginning = new Promise((resolve, reject) => {
        this.waiting.push({ file, signal, resolve, reject });
      });
      // Whoever is told first, nobody may be there any more to hear of a failure.
      file.beginning.catch(() => {});
      this.work();
    }
    return file.beginning.finally(() => {
      file.beginning = null;
    });
  }

  async work() {
    if (this.working) return;
    this.working = true;
    await this.clock.sleep(LINGER_MS);
    while (this.waiting.length) {
      const turn = this.waiting.splice(0, MOST).filter((item) => !this.hasLeft(item));
      if (!turn.length) continue;
      const company = this.more(MOST - turn.length).map((file) => this.silent(file));
      await this.beginAll([...turn, ...company]);
    }
    this.working = false;
  }

  silent(file) {
    const item = { file, signal: null, resolve: () => {}, reject: () => {} };
    file.beginning = new Promise((resolve) => {
      item.resolve = resolve;
      item.reject = () => resolve(null);
    });
    file.beginning.finally(() => {
      file.beginning = null;
    });
    return item;
  }

  hasLeft(item) {
    if (!item.signal || !item.signal.aborted) return false;
    item.reject(item.signal.reason);
    return true;
  }

  async beginAll(items) {
    try {
      const found = await this.request(items);
      items.forEach((item) => this.settle(item, found.get(item.file.key)));
      this.learnDeadline(items.map(({ file }) => file));
    } catch (error) {
      if (items.length > 1 && error instanceof UploadError && error.again === "no") {
        // One of them is at fault; the others shall not suffer.
        for (const item of items) {
          if (!this.hasLeft(item)) await this.beginAll([item]);
        }
        return;
      }
      items.forEach((item) => item.reject(error));
    }
  }

  /** Uploads that were begun together end together: one of them is asked. */
  async learnDeadline(files) {
    try {
      const { expires_at: deadline } = await this.server.status(files[0].key);
      files.forEach((file) => {
        if (file.announced && !file.deadline) file.deadline = deadline;
        this.board.touch(file);
      });
    } catch (error) {
      // It is only shown; and whatever is wrong will be met again by what is not.
      if (!(error instanceof UploadError)) throw error;
    }
  }

  settle({ file, resolve, reject }, found) {
    if (!found) {
      reject(new UploadError("server_error", { reason: "no entry" }));
      return;
    }
    file.announced = true;
    file.entry = found.entry;
    resolve(found);
  }

  /** Entries by key, whatever becomes of the answers. */
  async request(items) {
    for (let failures = 0; ; ) {
      try {
        const wanted = items.map(({ file }) => this.wanted(file));
        const entries = await this.server.begin(wanted, this.callOptions(items));
        return byKey(entries, true);
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        const taken = error.code === "exists" || error.status === 409;
        if (error.again === "no" && !taken) throw error;
        if (error.again !== "away") failures += 1;
        if (failures >= ATTEMPTS) throw error;
        if (failures) await this.clock.sleep(backoff(failures, this.random, error.seconds));
        const found = await this.look(items);
        if (found) return found;
        if (error.code === "exists" && items.length === 1) throw error;
      }
    }
  }

  /** Whether it was done although no good answer came; null when it was not. */
  async look(items) {
    const entries = byKey(await this.server.list(this.callOptions(items)), false);
    const done = items.every(({ file }) => {
      const found = entries.get(file.key);
      return found && isOurs(found.entry, file);
    });
    return done ? entries : null;
  }

  wanted(file) {
    const { key, size, metadata } = file;
    const part_size = partSizeFor(size, this.options);
    const entry = { key, size, transfer: { type: "M", part_size } };
    return Object.keys(metadata).length ? { ...entry, metadata } : entry;
  }

  callOptions(items) {
    return {
      onWait: (code) => items.forEach((item) => this.patience.of(item.file, item.signal)(code)),
    };
  }
}

function byKey(entries, fresh) {
  return new Map(entries.map((entry) => [entry.key, { entry, fresh }]));
}

function isOurs(entry, file) {
  const { type } = entry.transfer || {};
  return entry.status === "pending" && type === "M" && entry.size === file.size;
}
