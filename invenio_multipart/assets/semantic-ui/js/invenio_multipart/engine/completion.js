// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Completes the open batch, when all that is in it has arrived. */

import { UploadError } from "./errors.js";
import * as S from "./states.js";

/** Completions after which some files were found missing or wrong, and sent again. */
const ROUNDS = 3;

export class Completion {
  constructor({ server, board, patience, batch, small, follower, explain }) {
    Object.assign(this, { server, board, patience, batch, small, follower, explain });
    this.rounds = 0;
  }

  /** Complete it, unless it waits for somebody. */
  settle() {
    return this.guarded(() => this.completeIfDue());
  }

  /** A completion was under way when the page was loaded. @param url of its job. */
  resume(url) {
    return this.guarded(() =>
      this.complete(() => this.batch.follow(url, this.options(this.files())))
    );
  }

  /** Whatever goes wrong is told in all rows, and nothing is left as if it were going on. */
  async guarded(work) {
    try {
      await work();
    } catch (error) {
      if (this.small.scope.signal.aborted) return;
      this.fail(await this.explain({}, error));
    }
  }

  async completeIfDue() {
    const { batch } = this;
    await this.takeOut([...batch.members.values()].filter((there) => this.isLeft(there)));
    if (!batch.members.size) {
      if (batch.mine) await batch.abort(this.options([]));
      return;
    }
    // Another machine may have sent the others meanwhile.
    if (batch.mine && !this.isWhole() && !(await this.small.whileLooking(() => batch.look(this.options([]))))) return;
    // Somebody has the bytes of those: here, after choosing them again, or elsewhere.
    if (!this.isWhole() || !this.isOurs([...batch.members.values()])) return;
    await this.complete(() => batch.complete(this.options(this.files())));
  }

  isWhole() {
    return [...this.batch.members.values()].every((there) => there.uploaded);
  }

  async complete(job) {
    this.files().forEach((file) => {
      if (file.state !== S.COMPLETED) this.board.move(file, S.COMMITTING);
    });
    let end;
    try {
      end = await job();
    } catch (error) {
      this.files().forEach((file) => this.patience.end(file));
      end = await this.ended(error);
    }
    if (!end.code) await this.completed();
    else if (end.code === "files_differ") await this.differ(end.params);
    else if (end.code !== "batch_over") this.fail(end);
  }

  /** No job could be followed: what has become of the batch? */
  async ended(error) {
    if (!(error instanceof UploadError)) throw error;
    if (![404, 409, 410].includes(error.status)) return this.explain({}, error);
    let state = "gone";
    try {
      ({ state } = await this.batch.state(this.options([])));
    } catch (other) {
      if (![404, 410].includes(other.status)) throw other;
      return this.explain({}, other);
    }
    if (state === "completed") return { code: null };
    if (state !== "aborted" && state !== "expired") return this.explain({}, error);
    const files = this.files();
    const lost = files.filter((file) => !file.file);
    lost.forEach((file) => this.board.move(file, S.FAILED, { code: "deadline_passed", params: {} }));
    files.forEach((file) => this.board.has(file) && file.file && this.back(file));
    await this.small.batchIsOver(error);
    return { code: "batch_over" };
  }

  async completed() {
    const files = this.files();
    const entries = new Map((await this.server.list(this.options(files))).map((e) => [e.key, e]));
    this.batch.over();
    this.rounds = 0;
    files.forEach((file) => {
      const entry = entries.get(file.key);
      if (!this.board.has(file) || file.state === S.COMPLETED) return;
      if (entry && entry.status === "completed") this.follower.completed(file, entry);
      else this.board.move(file, S.FAILED, { code: "upload_not_found", params: {} });
    });
  }

  /** Some have not arrived as they were announced; they are sent again. */
  async differ({ missing = [], wrong = [], message }) {
    const keys = new Set([...missing, ...wrong.map((item) => item.key)]);
    const files = this.files();
    await this.batch.look(this.options(files));
    this.rounds += 1;
    files.forEach((file) => {
      if (!keys.has(file.key)) return;
      this.batch.members.get(file.key).uploaded = false;
      const hopeless = !file.file || this.rounds > ROUNDS;
      if (hopeless) this.board.move(file, S.FAILED, { code: "checksum_mismatch", params: { message } });
      else this.again(file);
    });
    files.filter((file) => !keys.has(file.key)).forEach((file) => this.back(file));
    // Without those that are hopeless.
    if (this.rounds > ROUNDS) await this.completeIfDue();
  }

  again(file) {
    this.back(file);
    this.small.offer(file);
  }

  back(file) {
    if (file.state === S.COMMITTING || file.state === S.WAITING) this.board.move(file, S.UPLOADING);
  }

  fail({ code, params }) {
    this.files().forEach((file) => {
      if (file.state !== S.COMPLETED) this.board.move(file, S.FAILED, { code, params });
    });
  }

  /** Whether it is for us to complete it: we have begun it, or have all that is in it. */
  isOurs(members) {
    if (this.batch.mine) return true;
    return members.every(({ key }) => {
      const file = this.board.find(key);
      return file && file.file;
    });
  }

  /** Files that would hold up the others: given up, paused or failed before they were sent. */
  isLeft(there) {
    if (there.uploaded || !this.batch.mine) return false;
    const file = this.board.find(there.key);
    if (!file) return true;
    return file.state === S.PAUSED || (file.state === S.FAILED && file.kind === "small");
  }

  async takeOut(members) {
    for (const there of members) {
      // Somebody may have gone on with it meanwhile.
      if (!this.isLeft(there)) continue;
      const { key } = there;
      // Who wants it again from now on has to announce it again, after this is over.
      this.batch.members.delete(key);
      const file = this.board.find(key);
      if (file) {
        file.announced = false;
        file.storedBytes = 0;
        this.board.touch(file);
      }
      await this.server.remove(key, this.options([]));
    }
  }

  files() {
    return [...this.batch.members.keys()].map((key) => this.board.find(key)).filter(Boolean);
  }

  options(files) {
    return {
      signal: this.small.scope.signal,
      onWait: (code) => files.forEach((file) => this.patience.begin(file, code)),
    };
  }
}
