// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Follows what the server does with files by itself: proving them, or taking them elsewhere. */

import { UploadError } from "./errors.js";
import { Bell, check } from "./pauses.js";
import * as S from "./states.js";

/** First and longest pause between two looks. */
const FIRST_MS = 500;
const LONGEST_MS = 8000;

/** Files asked for one by one; of more than that the list tells. */
const ONE_BY_ONE = 5;

const ENDED = new Set(["aborted", "expired"]);

export class Follower {
  /** @param again called with a file whose commit the server has taken back. */
  constructor({ server, clock, board }, { again }) {
    Object.assign(this, { server, clock, board, again });
    this.files = new Set();
    this.bell = new Bell(clock);
    this.ended = new AbortController();
    this.running = false;
  }

  close() {
    this.ended.abort(new Error("closed"));
  }

  /** The server has all bytes and is at work. */
  follow(file) {
    if (file.state === S.COMPLETED) return;
    this.board.move(file, S.VERIFYING);
    file.storedBytes = file.size;
    file.parts = { ...file.parts, done: file.parts.total };
    this.files.add(file);
    this.bell.ring();
    this.run();
  }

  /** The server has the file. @param entry as the server shows it. */
  completed(file, entry) {
    this.board.move(file, S.COMPLETED);
    if (file.work) file.work.session.close();
    file.work = null;
    this.read(file, entry);
    file.storedBytes = file.size;
    file.doneAt = this.clock.now();
    file.deadline = null;
    this.board.touch(file);
  }

  /** Take over what an entry says. */
  read(file, entry) {
    file.announced = true;
    file.entry = entry;
    if (typeof entry.size === "number") file.size = entry.size;
    if (entry.status === "completed") file.checksum = entry.checksum || null;
    file.metadata = entry.metadata || {};
    file.origin = (entry.links && entry.links.origin) || null;
    const { parts } = entry.transfer || {};
    if (parts && !file.parts.total) file.parts = { total: parts, done: 0 };
    this.board.touch(file);
  }

  async run() {
    if (this.running) return;
    this.running = true;
    try {
      for (let pause = FIRST_MS; this.files.size; pause = Math.min(pause * 1.5, LONGEST_MS)) {
        const before = this.files.size;
        await this.bell.wait(pause, this.ended.signal);
        await this.look();
        // Something new is likely to be over soon.
        if (this.files.size > before) pause = FIRST_MS;
      }
    } catch (error) {
      if (!this.ended.signal.aborted) this.files.forEach((file) => this.broken(file, error));
    } finally {
      this.running = false;
    }
  }

  async look() {
    const files = [...this.files].filter((file) => this.board.has(file));
    this.files = new Set(files);
    if (files.length <= ONE_BY_ONE) {
      for (const file of files) await this.askFor(file);
      return;
    }
    const entries = new Map((await this.server.list(this.options())).map((e) => [e.key, e]));
    for (const file of files) {
      const entry = entries.get(file.key);
      if (entry && entry.status === "completed") this.over(file, () => this.completed(file, entry));
      else if (!entry || entry.status === "failed") await this.askFor(file);
    }
  }

  async askFor(file) {
    try {
      const status = await this.server.status(file.key, this.options());
      await this.judge(file, status);
    } catch (error) {
      check(this.ended.signal);
      this.broken(file, error);
    }
  }

  async judge(file, status) {
    const { state } = status;
    if (!this.board.has(file)) return;
    if (state === "completed") {
      const entry = await this.server.call("GET", this.server.fileUrl(file.key), undefined, this.options());
      this.over(file, () => this.completed(file, entry));
    } else if (state === "failed") {
      const params = { message: status.error_message };
      this.over(file, () => this.board.move(file, S.FAILED, { code: "checksum_mismatch", params }));
    } else if (ENDED.has(state)) {
      this.over(file, () => this.board.move(file, S.FAILED, { code: "deadline_passed", params: {} }));
    } else if (state === "initiated" || state === "uploading") {
      this.over(file, () => this.again(file));
    } else if (file.verifiedBytes !== status.verified_bytes) {
      file.verifiedBytes = status.verified_bytes;
      this.board.touch(file);
    }
  }

  over(file, settle) {
    this.files.delete(file);
    if (this.board.has(file) && file.state !== S.COMPLETED) settle();
  }

  broken(file, error) {
    const unknown = () => new UploadError("server_error", { reason: String(error) });
    const known = error instanceof UploadError ? error : unknown();
    const code = [404, 410].includes(known.status) ? "upload_not_found" : known.code;
    if (code === "upload_not_found") file.announced = false;
    this.over(file, () => this.board.move(file, S.FAILED, { code, params: known.params }));
  }

  options() {
    return { signal: this.ended.signal };
  }

  /** An unfinished file, which another machine may be sending, as it is now. */
  async lookAfter(file) {
    let status = null;
    try {
      status = await this.server.status(file.key, this.options());
    } catch (error) {
      check(this.ended.signal);
      if (![404, 410].includes(error.status)) throw error;
      // Somebody has given it up.
      if (file.state === S.MISSING) this.board.remove(file);
      return;
    }
    if (file.state === S.MISSING) this.show(file, status);
  }

  /** An unfinished file as the server has it. */
  show(file, status) {
    const { state } = status;
    file.deadline = status.expires_at;
    if (typeof status.size === "number") file.size = status.size;
    file.storedBytes = status.uploaded_bytes || 0;
    file.parts = { total: status.parts || 0, done: status.uploaded_parts || 0 };
    if (["committing", "verifying", "completed"].includes(state)) this.follow(file);
    else if (state === "failed") {
      const params = { message: status.error_message };
      this.board.move(file, S.FAILED, { code: "checksum_mismatch", params });
    } else if (ENDED.has(state)) this.board.move(file, S.FAILED, { code: "deadline_passed", params: {} });
    this.board.touch(file);
  }
}
