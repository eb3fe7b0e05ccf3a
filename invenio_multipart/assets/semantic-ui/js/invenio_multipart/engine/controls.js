// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** What a person may do with files that are on the board, in whatever state they are. */

import { START_OVER } from "./explain.js";
import { UploadError } from "./errors.js";
import * as S from "./states.js";

/** Requests of one kind at the same time. */
const AT_ONCE = 3;

/** Failures that are of the file on the disk. */
const OF_BYTES = new Set(["file_changed", "file_unreadable"]);

const PAUSED = new Error("paused");
const GIVEN_UP = new Error("given up");

export class Controls {
  constructor({ board, server, largeQueue, small, batch, completion, loading, explain, knock, changed, closed }) {
    Object.assign(this, { board, server, largeQueue, small, batch, completion, loading });
    Object.assign(this, { explain, knock, changed, closed });
    /** Deletions under way, by key: a file of that name waits for them. */
    this.removals = new Map();
  }

  /** Stop sending; what is there stays. @param id of one file, of all without. */
  pause(id) {
    this.chosen(id).forEach((file) => {
      if (!S.isPausable(file) || !file.file) return;
      this.halt(file, PAUSED);
      this.board.move(file, S.PAUSED);
    });
    if (id === undefined) this.small.paused = true;
  }

  /** Go on with paused files, and try at once what waits. */
  proceed(id) {
    this.knock();
    this.small.paused = false;
    if (id === undefined && this.batch.id) this.batch.mine = true;
    this.chosen(id).forEach((file) => {
      if (file.state === S.PAUSED) this.begin(file);
    });
    this.small.settle();
  }

  /** Try a failed file again; from the beginning where what is there is of no use. */
  async retry(id) {
    this.knock();
    await Promise.all(this.chosen(id).map((file) => this.retryOne(file)));
  }

  async retryOne(file) {
    if (file.state === S.PAUSED) this.begin(file);
    if (file.state !== S.FAILED) return;
    const { code } = file.error;
    this.small.rounds = 0;
    this.completion.rounds = 0;
    if (file.candidate) this.takeBytes(file, file.candidate);
    else if (OF_BYTES.has(code)) await this.readAnew(file);
    if (START_OVER.has(code) && file.file) await this.startOver(file);
    else if (file.file) this.begin(file);
    else if (file.announced) this.board.move(file, S.MISSING);
    else this.board.remove(file);
  }

  /** The file as it is on the disk now, where the browser lets us ask again. */
  async readAnew(file) {
    if (!file.handle) return;
    try {
      this.takeBytes(file, { file: await file.handle.getFile(), handle: file.handle });
    } catch (error) {
      // It is gone, or the person said no: trying to read it will say so.
    }
  }

  /** What the server has is given up, and the file is sent from its first byte. */
  async startOver(file) {
    this.board.move(file, S.QUEUED);
    this.forgetWork(file);
    try {
      await this.giveOnServer(file);
    } catch (error) {
      this.board.move(file, S.FAILED, await this.explain(file, error));
      return;
    }
    this.begin(file);
  }

  /** Its bytes were sent by an earlier page or another machine, into a batch that is still open. */
  isHeld(file) {
    const member = this.batch.members.get(file.key);
    return Boolean(member && member.uploaded) && file.state === S.UPLOADING && !file.file;
  }

  /** The bytes of an unfinished file are at hand again. */
  async attach(id, chosen, handle = null) {
    await this.loading.membersKnown();
    const file = this.board.files.get(id);
    if (!file || !([S.MISSING, S.FAILED].includes(file.state) || this.isHeld(file))) return;
    const bytes = { file: chosen, handle };
    const code = file.error && file.error.code;
    const member = this.batch.members.get(file.key);
    const anySize = member && typeof member.size !== "number";
    if (file.announced && code === "file_changed") {
      // Whoever chooses it again wants it as it is now.
      this.takeBytes(file, bytes);
      await this.startOver(file);
    } else if (file.announced && !anySize && chosen.size !== file.size) {
      file.candidate = bytes;
      file.file = null;
      const params = { size: file.size, chosen: chosen.size };
      this.board.move(file, S.FAILED, { code: "different_file", params });
    } else {
      this.forgetWork(file);
      this.takeBytes(file, bytes);
      if (member && member.slices) this.batch.mine = true;
      this.begin(file);
    }
  }

  /** Give a file up, wherever it is; it goes from the draft, too. */
  cancel(id) {
    return this.remove([id]);
  }

  /** Delete files, finished or not. @throws UploadError when the server keeps one. */
  async remove(ids) {
    const files = ids.map((id) => this.board.files.get(id)).filter(Boolean);
    // Nothing is to be completed, or taken out one by one, while we are at it.
    this.small.held += 1;
    try {
      files.forEach((file) => {
        this.halt(file, GIVEN_UP);
        this.board.remove(file);
      });
      if (!(await this.abortBatch(files))) await inTurn(files, (file) => this.giveOnServer(file));
    } catch (error) {
      // What the server keeps is shown again.
      if (!this.closed.aborted) await this.loading.refresh();
      throw error;
    } finally {
      this.small.held -= 1;
      this.small.settle();
    }
  }

  /** All of an open batch is given up: one call does it. */
  async abortBatch(files) {
    const keys = new Set(files.map((file) => file.key));
    const members = [...this.batch.members.keys()];
    if (!members.length || members.length !== keys.size || this.small.completing) return false;
    if (!members.every((key) => keys.has(key))) return false;
    await this.batch.abort({ signal: this.closed });
    this.changed();
    return true;
  }

  /** Another file takes this one's place. */
  async give(file) {
    this.halt(file, GIVEN_UP);
    this.board.remove(file);
    await this.giveOnServer(file);
  }

  /** The server has nothing of the file any more. */
  async giveOnServer(file) {
    await Promise.resolve(file.run).catch(() => {});
    await Promise.resolve(file.beginning).catch(() => {});
    if (this.small.completing && this.batch.members.has(file.key)) await this.small.completing;
    if (!file.announced) return;
    const removal = this.server.remove(file.key, { signal: this.closed });
    this.removals.set(file.key, removal);
    try {
      await removal;
      this.batch.members.delete(file.key);
      file.announced = false;
      file.storedBytes = 0;
      file.parts = { total: 0, done: 0 };
    } finally {
      this.removals.delete(file.key);
    }
  }

  /** Set members of the metadata of files; null takes one away. */
  async setMetadata(ids, metadata) {
    const files = ids.map((id) => this.board.files.get(id)).filter(Boolean);
    await inTurn(files, async (file) => {
      const wanted = { ...file.metadata, ...metadata };
      Object.keys(wanted).forEach((name) => wanted[name] === null && delete wanted[name]);
      await Promise.resolve(file.beginning).catch(() => {});
      if (file.announced) await this.server.setMetadata(file.key, wanted, { signal: this.closed });
      file.metadata = wanted;
      this.board.touch(file);
    });
  }

  /** Files of records become files of the draft, all or none. */
  async link(wanted) {
    const reply = await this.askForLinks(wanted);
    await this.loading.refresh();
    return reply;
  }

  /** Instead of sending the rest of a file, link the one that has the same content. */
  async linkTwin(id) {
    const file = this.board.files.get(id);
    if (!file || !file.twin || !S.isUnsent(file)) return;
    const { key, record } = file.twin;
    this.halt(file, GIVEN_UP);
    this.board.move(file, S.PAUSED);
    try {
      await this.giveOnServer(file);
      await this.askForLinks([{ key: file.key, record: { id: record || this.server.draft.id, key } }]);
    } catch (error) {
      // The other one may have gone meanwhile; this one is still at hand.
      file.twin = null;
      await this.loading.refresh().catch(() => {});
      if (file.state === S.PAUSED && this.board.has(file)) this.begin(file);
      throw error;
    }
    this.board.remove(file);
    await this.loading.refresh();
  }

  askForLinks(wanted) {
    const files = wanted.map(({ key, record }) => ({ key, record }));
    const url = `${this.server.draft.url}/links`;
    return this.server.call("POST", url, { files }, { signal: this.closed });
  }

  /**
   * A later deadline for the batch and all unfinished files, if they have not a later one.
   *
   * @param seconds from now on.
   */
  async extend(seconds) {
    const options = { signal: this.closed };
    const words = `in ${seconds} seconds`;
    const end = this.server.now() + seconds * 1000;
    const sooner = (deadline) => !deadline || Date.parse(deadline) < end;
    if (this.batch.id && sooner(this.batch.deadline)) {
      const url = `${this.server.draft.uploads}/${this.batch.id}`;
      const reply = await this.server.call("PUT", url, { completed_by: words }, options);
      this.batch.deadline = reply.complete_before || this.batch.deadline;
    }
    const open = [...this.board.files.values()].filter(
      (file) => file.announced && ![S.COMPLETED, S.VERIFYING].includes(file.state)
    );
    await inTurn(open, async (file) => {
      if (this.batch.members.has(file.key)) file.deadline = this.batch.deadline;
      else if (sooner(file.deadline)) {
        const url = this.server.fileUrl(file.key, "/upload");
        const status = await this.server.call("PUT", url, { expires_at: words }, options);
        file.deadline = status.expires_at;
      }
      this.board.touch(file);
    });
    this.changed();
  }

  takeBytes(file, { file: chosen, handle }) {
    file.file = chosen;
    file.handle = handle;
    file.size = chosen.size;
    file.modified = chosen.lastModified;
    file.md5 = null;
    file.candidate = null;
    this.board.touch(file);
  }

  begin(file) {
    const member = this.batch.members.has(file.key);
    if (member || (file.kind === "small" && !file.announced)) this.small.offer(file);
    else this.largeQueue.offer(file);
  }

  halt(file, reason) {
    this.largeQueue.drop(file);
    if (file.kind === "small") this.small.drop(file);
    else if (file.controller) file.controller.abort(reason);
    if (reason === GIVEN_UP) this.forgetWork(file);
  }

  forgetWork(file) {
    if (file.work) file.work.session.close();
    file.work = null;
    file.md5 = null;
  }

  chosen(id) {
    if (id === undefined) return [...this.board.files.values()];
    const file = this.board.files.get(id);
    return file ? [file] : [];
  }
}

/** Do it for each, a few at a time; the first failure is told after all were tried. */
async function inTurn(items, work) {
  const left = [...items];
  let failure = null;
  const loop = async () => {
    while (left.length) {
      try {
        await work(left.shift());
      } catch (error) {
        failure = failure || error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
  if (failure instanceof UploadError) throw failure;
  if (failure) throw new UploadError("server_error", { reason: String(failure) });
}
