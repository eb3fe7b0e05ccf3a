// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Announces small files, many in one call, and makes sense of refusals. */

import { CREDENTIALS } from "./batch.js";
import { UploadError } from "./errors.js";

/** Files in one announcement. */
const MOST = 1000;

/** How long hashed files wait for company while the lanes may run out of work. */
const LINGER_MS = 150;

/** How often it is looked whether somebody else's batch has ended. */
const LOCK_SECONDS = 15;

const PLACE = /^files\.(\d+)(\.|$)/;

export class Announcer {
  /** @param small the files' lines, see {@link SmallFiles}. */
  constructor(small) {
    this.small = small;
    this.callMs = 0;
  }

  async run() {
    while (this.small.toAnnounce.size) {
      await this.linger();
      if (this.small.completing) await this.small.completing;
      const files = [...this.small.toAnnounce].slice(0, MOST);
      files.forEach((file) => this.small.toAnnounce.delete(file));
      if (files.length) await this.announce(files);
    }
  }

  /** Wait for more, but only as long as the lanes have work. */
  async linger() {
    const since = this.small.clock.now();
    const patience = Math.max(LINGER_MS, 2 * this.callMs);
    while (this.small.toHash.size && this.small.toAnnounce.size < MOST && !this.small.scope.signal.aborted) {
      const hungry = this.small.toSend.size < 2 * this.small.lanes.limit;
      if (hungry && this.small.clock.now() - since >= patience) return;
      await this.small.clock.sleep(LINGER_MS / 3, this.small.scope.signal);
    }
  }

  /** All of them are announced, or known to be refused. */
  async announce(files) {
    let left = files;
    files.forEach((file) => {
      this.small.working.add(file);
      file.announcing = file.controller;
    });
    try {
      while (left.length) left = await this.announceSome(left.filter((file) => !gone(file)));
    } catch (error) {
      if (this.small.scope.signal.aborted) return;
      const why = await this.small.hooks.explain(files[0], error);
      left.forEach((file) => this.small.fail(file, why));
    } finally {
      files.forEach((file) => this.small.working.delete(file));
    }
  }

  async announceSome(files) {
    if (!files.length) return files;
    const begun = this.small.clock.now();
    try {
      await this.small.batch.announce(files, this.small.callOptions(files));
      this.callMs = this.small.clock.now() - begun;
      this.small.locked = null;
      files.filter((file) => !gone(file)).forEach((file) => this.small.joined(file));
      this.small.hooks.changed();
      return [];
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
      return this.refused(error, files.filter((file) => !gone(file)));
    } finally {
      files.forEach((file) => this.small.patience.end(file));
    }
  }

  /** Those of the files that are worth another try. */
  async refused(error, files) {
    if (!files.length) return files;
    const { limit, keys, state } = error.params;
    if (error.code === "locked") return this.waitForLock(error, files);
    if (error.status === 409 || (this.small.batch.id && error.status === 404)) {
      if (state === "completing" && this.small.completing) await this.small.completing;
      await this.small.batchIsOver(error);
      return files;
    }
    if (error.code === "too_many_files" && limit > 0 && limit < files.length) {
      // One call takes no more; the second one shows whether the record does.
      await this.announce(files.slice(0, limit));
      return files.slice(limit);
    }
    if (error.code === "keys_taken" && this.small.batch.id) {
      // An announcement that we gave up on has come through all the same.
      await this.small.batch.look(this.small.callOptions(files));
      const left = this.withoutKnown(files);
      if (left.length < files.length) return left;
    }
    const place = PLACE.exec(error.params.field || "");
    let atFault = files;
    if (error.code === "keys_taken" && keys) atFault = files.filter((file) => keys.includes(file.key));
    else if (place && files[place[1]]) atFault = [files[place[1]]];
    const why = await this.small.hooks.explain(atFault[0] || files[0], error);
    atFault.forEach((file) => this.small.fail(file, why));
    return atFault.length ? files.filter((file) => !atFault.includes(file)) : [];
  }

  async waitForLock(error, files) {
    const { lock = {} } = error.params;
    const own = await this.small.batch.find(this.small.callOptions(files));
    // One with temporary credentials has no links for us.
    if (own && own.state === "uploading" && own.mode !== CREDENTIALS) {
      await this.small.batch.adopt(own, this.small.callOptions(files));
      this.small.hooks.changed();
      return this.withoutKnown(files);
    }
    this.small.locked = lock;
    files.forEach((file) => this.small.patience.begin(file, "locked", lock));
    this.small.hooks.changed();
    await this.small.bell.wait(LOCK_SECONDS * 1000, this.small.scope.signal);
    return files;
  }

  /** Those of the files that the batch has not; the others go on by themselves. */
  withoutKnown(files) {
    const there = this.small.batch.members;
    const known = files.filter((file) => there.has(file.key) && !gone(file));
    known.forEach((file) => {
      this.small.patience.end(file);
      if (there.get(file.key).md5 === file.md5) this.small.joined(file);
      else this.small.fail(file, { code: "different_file", params: { size: file.size } });
    });
    return files.filter((file) => !known.includes(file));
  }
}

/** Whether the file was given up since, even if somebody wants it again by now. */
function gone(file) {
  return file.announcing !== file.controller || file.controller.signal.aborted;
}
