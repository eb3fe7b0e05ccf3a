// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** One large file from its beginning to the server's verdict. */

import { UploadError } from "./errors.js";
import { PartRun } from "./parts.js";
import { ATTEMPTS, backoff, check } from "./pauses.js";
import { ledgerSlices, planSlices } from "./plan.js";
import { readable } from "./sender.js";
import * as S from "./states.js";

/** Commits after which parts were found missing or wrong, and sent again. */
const ROUNDS = 3;

/** The bytes are there, as far as the server is concerned. */
const BEYOND_PARTS = new Set(["committing", "verifying", "completed"]);

/** Codes of a commit that found other parts than there should be. */
const PARTS_WRONG = new Set(["missing_parts", "parts_mismatch"]);

const MD5 = /^[0-9a-f]{32}$/;

export class LargeFiles {
  constructor(parts) {
    const { server, board, hasher, clock, random, patience, initiator, follower, twins } = parts;
    this.parts = parts;
    Object.assign(this, { server, board, hasher, clock, random, patience, initiator, follower, twins });
  }

  /**
   * The file is with the server, which may still have to prove it.
   *
   * @param onSent called when the last byte has gone, so that the next file may begin.
   * @throws UploadError; the signal's reason.
   */
  async run(file, signal, onSent) {
    this.board.move(file, S.CHECKING);
    for (let round = 1; ; round += 1) {
      const md5 = await this.bring(file, signal);
      onSent();
      if (md5 === null) return;
      try {
        await this.commit(file, md5, signal);
        return;
      } catch (error) {
        if (!PARTS_WRONG.has(error.code) || round >= ROUNDS) throw error;
        this.board.move(file, S.UPLOADING);
      }
    }
  }

  /** All parts are in the store: the file's MD5. Null when the server is beyond that. */
  async bring(file, signal) {
    await readable(file);
    const work = await this.prepare(file, signal);
    if (!work) return null;
    this.twins.look(file);
    if (work.stored.size < work.slices.length && !work.resumed) this.board.move(file, S.UPLOADING);
    return new PartRun(this.parts, file, work, signal).run();
  }

  async prepare(file, signal) {
    if (!file.announced) {
      const { entry, fresh } = await this.initiator.begin(file, signal);
      // Paused meanwhile: the entry is there, and the next run goes on with it.
      check(signal);
      this.patience.end(file);
      if (fresh) return this.begun(file, entry, []);
    }
    const status = await this.server.status(file.key, this.patience.options(file, signal));
    this.patience.end(file);
    file.deadline = status.expires_at;
    if (BEYOND_PARTS.has(status.state) || (status.state === "failed" && status.completed_on)) {
      return this.beyond(file, status);
    }
    if (!status.ready_for_chunks) throw new UploadError("upload_not_found", { state: status.state });
    const list = await this.server.parts(file.key, this.patience.options(file, signal));
    this.patience.end(file);
    return this.begun(file, file.entry, list);
  }

  /** Parts are there and hashed by the server: nothing is left to send. */
  beyond(file, status) {
    if (status.state === "failed") {
      throw new UploadError("checksum_mismatch", { message: status.error_message });
    }
    this.follower.follow(file);
    return null;
  }

  /** @param list of the server's parts, empty for a new upload. */
  begun(file, entry, list) {
    const slices = slicesOf(file, entry, list);
    if (!slices) throw new UploadError("different_file", { size: file.size });
    const before = file.work;
    const same = before && sameSlices(before.slices, slices);
    const stored = new Map();
    let bytes = 0;
    list.filter((part) => part.status === "uploaded").forEach((part) => {
      stored.set(part.part, { size: part.size, md5: trustedMd5(part) });
      bytes += part.size;
    });
    if (before && !same) before.session.close();
    const work = same ? before : { session: this.hasher.open(file.file), md5s: [], next: 0, slices };
    work.resumed = !same && stored.size > 0;
    work.stored = stored;
    file.work = work;
    file.storedBytes = bytes;
    file.parts = { total: slices.length, done: stored.size };
    this.board.touch(file);
    return work;
  }

  /** The parts are put together, and whatever became of the answer we know of it. */
  async commit(file, md5, signal) {
    this.board.move(file, S.COMMITTING);
    for (let failures = 0; ; ) {
      try {
        const options = this.patience.options(file, signal);
        const entry = await this.server.commit(file.key, md5, options);
        this.patience.end(file);
        return this.committed(file, entry);
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        const unclear = error.lost || error.status === 409 || error.status === 423;
        if (!unclear) throw error;
        failures += 1;
        if (error.again !== "away" && failures >= ATTEMPTS) throw error;
        if (await this.isDone(file, signal)) return undefined;
        await this.clock.sleep(backoff(failures, this.random, error.seconds), signal);
      }
    }
  }

  async isDone(file, signal) {
    const status = await this.server.status(file.key, this.patience.options(file, signal));
    this.patience.end(file);
    if (status.state === "failed") {
      throw new UploadError("checksum_mismatch", { message: status.error_message });
    }
    if (!BEYOND_PARTS.has(status.state)) return false;
    this.follower.follow(file);
    return true;
  }

  committed(file, entry) {
    if (entry && entry.status === "completed") this.follower.completed(file, entry);
    else this.follower.follow(file);
  }
}

function slicesOf(file, entry, list) {
  const { part_size: partSize } = (entry && entry.transfer) || {};
  const planned = partSize ? planSlices(file.size, partSize) : null;
  const fits = (part) => {
    const slice = planned[part.part - 1];
    return slice && slice.end - slice.start === part.size;
  };
  if (planned && list.every((part) => fits(part) || file.size === 0)) return planned;
  return ledgerSlices(file.size, list.map(({ part, size }) => ({ number: part, size })));
}

function sameSlices(a, b) {
  return a.length === b.length && (a.length === 0 || a[0].end === b[0].end);
}

/**
 * The MD5 of a part's bytes, null when nobody can vouch for one.
 *
 * `checksum` is what was announced, `etag` what the store got. They differ when a part was announced
 * anew and its bytes never came.
 */
function trustedMd5({ checksum, etag }) {
  const declared = /^md5:([0-9a-f]{32})$/.exec(checksum || "");
  const stored = (etag || "").replace(/"/g, "").toLowerCase();
  if (!MD5.test(stored)) return declared ? declared[1] : null;
  return declared && declared[1] !== stored ? null : stored;
}
