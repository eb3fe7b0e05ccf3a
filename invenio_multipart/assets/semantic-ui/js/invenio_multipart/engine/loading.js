// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** What the server has of the draft, when the page is loaded and whenever it is looked again. */

import { UploadError } from "./errors.js";
import * as S from "./states.js";

/** Unfinished files whose status is asked for one by one; more would be a flood of requests. */
const ASKED = 50;

/** How often it is looked what other machines do, and for how many files. */
const WATCH_MS = 10_000;
const WATCHED = 10;

/** Files that this page is not at work for: the server's word is all there is. */
const IDLE = new Set([S.MISSING, S.VERIFYING, S.COMPLETED]);

export class Loading {
  constructor({ board, clock, server, small, follower, completion, batch, closed }) {
    Object.assign(this, { board, clock, server, small, follower, completion, batch, closed });
    /** Over when an open batch has been found and taken up, or there is none. */
    this.takingUp = Promise.resolve();
  }

  /** Show these entries, and ask about those that are unfinished. */
  async load(entries, asked = this.clock.now()) {
    const news = entries.filter((entry) => this.show(entry));
    this.dropOthers(entries, asked);
    const options = { signal: this.closed };
    if (news.some((entry) => entry.status === "pending")) {
      this.takingUp = this.takeUpBatch(options);
      await this.takingUp;
      await this.askAll(options);
    }
    this.watch();
  }

  /** Look again. */
  async refresh() {
    const asked = this.clock.now();
    await this.load(await this.server.list({ signal: this.closed }), asked);
  }

  /** @returns whether more has to be asked about this entry. */
  show(entry) {
    let file = this.board.find(entry.key);
    if (file && file.key !== entry.key) file = null;
    if (file && !isIdle(file) && !(file.state === S.FAILED && entry.status === "completed")) return false;
    if (!file) {
      const state = entry.status === "completed" ? S.COMPLETED : S.MISSING;
      file = this.board.add({ key: entry.key, size: entry.size || 0, state });
    }
    this.follower.read(file, entry);
    if (entry.status === "completed") {
      file.storedBytes = file.size;
      if (file.state !== S.COMPLETED) this.follower.over(file, () => this.follower.completed(file, entry));
    }
    return entry.status !== "completed" && file.state === S.MISSING;
  }

  /** Files that the server does not have any more, and that nobody here is at work for. */
  dropOthers(entries, asked) {
    const keys = new Set(entries.map((entry) => entry.key));
    [...this.board.files.values()].forEach((file) => {
      // What was completed while the list was on its way is not in it.
      const later = file.doneAt !== null && file.doneAt >= asked;
      if (isIdle(file) && !later && !keys.has(file.key)) this.board.remove(file);
    });
  }

  /** An open batch of mine is gone on with. */
  async takeUpBatch(options) {
    if (this.batch.id || this.small.active) return;
    const found = await this.batch.find(options);
    if (!found) return;
    await this.batch.adopt(found, options);
    this.batch.members.forEach((there) => this.showMember(there));
    if (found.state === "completing" && found.job_url) {
      this.small.completing = this.completion.resume(found.job_url).finally(() => {
        this.small.completing = null;
      });
    } else {
      this.small.settle();
    }
  }

  /** It is known which of the files belong to a batch, as far as the server tells. */
  async membersKnown() {
    // Whoever loads is told what went wrong.
    await this.takingUp.catch(() => {});
  }

  showMember(there) {
    const file = this.board.find(there.key);
    if (!file || file.state !== S.MISSING) return;
    file.kind = "small";
    file.deadline = this.batch.deadline;
    file.storedBytes = there.uploaded ? file.size : there.bytes;
    // Its bytes are all there: nobody has to choose it again.
    if (there.uploaded) this.board.move(file, S.UPLOADING);
    this.board.touch(file);
  }

  async askAll(options) {
    for (const file of this.unfinished().slice(0, ASKED)) {
      try {
        this.follower.show(file, await this.server.status(file.key, options));
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        if ([404, 410].includes(error.status)) this.board.remove(file);
      }
    }
  }

  /** Unfinished files may be sent by somebody else: a script, another computer. */
  async watch() {
    if (this.watching) return;
    this.watching = true;
    try {
      while (this.foreign || this.unfinished().length) {
        await this.clock.sleep(WATCH_MS, this.closed);
        if (this.foreign && !this.small.completing) await this.lookAtBatch({ signal: this.closed });
        for (const file of this.unfinished().slice(0, WATCHED)) await this.follower.lookAfter(file);
      }
    } catch (error) {
      // Closed, or refused: then what is shown stays as it is until the next look.
      if (!this.closed.aborted && !(error instanceof UploadError)) throw error;
    } finally {
      this.watching = false;
    }
  }

  /** A batch is open that another page or program fills. */
  get foreign() {
    return this.batch.id !== null && !this.batch.mine;
  }

  unfinished() {
    return [...this.board.files.values()].filter(
      (file) => file.state === S.MISSING && !this.batch.members.has(file.key)
    );
  }

  async lookAtBatch(options) {
    const { state, job_url: job } = await this.batch.state(options);
    if (state === "completing" && job) {
      await this.completion.resume(job);
    } else if (state !== "uploading") {
      this.batch.over();
      await this.refresh();
    } else if (!this.small.pending) {
      await this.batch.look(options);
      this.batch.members.forEach((there) => this.showMember(there));
    }
  }
}

function isIdle(file) {
  return IDLE.has(file.state) || (file.state === S.UPLOADING && !file.file);
}
