// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** The open batch of the draft that this page fills: what is in it, and where that goes. */

import { UploadError } from "./errors.js";
import { ATTEMPTS, backoff } from "./pauses.js";

/** How long a batch may take: as long as links of S3 live, and longer than a laptop sleeps. */
const DEADLINE = "in 7 days";

/** The mode of batches that are sent with temporary credentials, and not by links. */
export const CREDENTIALS = "sts-credentials";

const OPEN_STATES = new Set(["initiated", "uploading", "failed"]);

/** First and longest pause between two looks at a job. */
const POLL_MS = [200, 3000];

export class Batch {
  constructor({ server, clock, random, store }) {
    Object.assign(this, { server, clock, random, store });
    this.clear();
  }

  /** There is none (any more). */
  clear() {
    this.id = null;
    this.deadline = null;
    this.mine = false;
    this.mode = null;
    /** What is in it: by key `{key, size, md5, uploaded, slices}`. */
    this.members = new Map();
    this.generation = 0;
    this.renewing = null;
  }

  get shown() {
    return this.id ? { id: this.id, deadline: this.deadline } : null;
  }

  get hint() {
    return `batch:${this.server.draft.id}`;
  }

  /** The open batch of this draft that we have announced, here or elsewhere; null for none. */
  async find(options) {
    for (const state of ["uploading", "completing"]) {
      for (let page = 1, seen = 0; ; page += 1) {
        const url = `${this.server.draft.uploads}?state=${state}&page=${page}&size=100`;
        const { hits } = await this.server.call("GET", url, undefined, options);
        const found = hits.hits.find((hit) => hit.record_id === this.server.draft.id);
        if (found) return found;
        seen += hits.hits.length;
        if (!hits.hits.length || seen >= hits.total) break;
      }
    }
    return null;
  }

  /** Go on with a batch that is open. @param found as the server shows it. */
  async adopt(found, options) {
    this.id = found.id;
    this.deadline = found.complete_before || null;
    this.mode = found.mode;
    // A script or another computer may be at work on one that we have not begun here.
    this.mine = this.store.get(this.hint) === found.id;
    await this.look(options);
  }

  /** We have begun it, and complete it when all has arrived; the next page knows that, too. */
  own() {
    this.mine = true;
    this.store.set(this.hint, this.id);
  }

  /** Learn what is there, with fresh links for whatever is missing. */
  async look(options) {
    this.generation += 1;
    const members = new Map();
    for (let after = ""; ; ) {
      const query = after ? `?after=${encodeURIComponent(after)}` : "";
      const url = `${this.server.draft.uploads}/${this.id}/files${query}`;
      const page = await this.server.call("GET", url, undefined, options);
      page.files.forEach((item) => {
        if (OPEN_STATES.has(item.state) || item.uploaded) members.set(item.key, member(item));
      });
      this.link(page, members);
      if (!page.next) break;
      after = page.next;
    }
    members.forEach((there, key) => {
      // It may have arrived while the list was on its way.
      const before = this.members.get(key);
      if (before && before.uploaded && before.md5 === there.md5) there.uploaded = true;
    });
    // In place: those at work on a file hold on to this map.
    this.members.clear();
    members.forEach((value, key) => this.members.set(key, value));
  }

  /** Fresh links; however many ask at once, the server is asked once. */
  async renew(generation, options) {
    if (!this.renewing && generation < this.generation) return;
    if (!this.renewing) {
      this.renewing = this.look(options).finally(() => {
        this.renewing = null;
      });
    }
    await this.renewing;
  }

  /**
   * Announce files, in this batch or in a new one.
   *
   * @param files `{key, size, md5, metadata}`.
   * @throws UploadError; nothing is announced then, or `lost` says that nobody knows.
   */
  async announce(files, options) {
    for (let failures = 0; ; ) {
      try {
        return await this.tryToAnnounce(files, options);
      } catch (error) {
        if (!(error instanceof UploadError) || !error.lost) throw error;
        if (error.again !== "away") failures += 1;
        if (failures >= ATTEMPTS) throw error;
        if (failures) await this.clock.sleep(backoff(failures, this.random, error.seconds), options.signal);
        if (await this.isAnnounced(files, options)) return undefined;
      }
    }
  }

  async tryToAnnounce(files, options) {
    const body = { files: files.map(announced) };
    let reply;
    if (this.id && this.mode === CREDENTIALS) {
      const lock = { batch: this.id, until: this.deadline };
      throw new UploadError("locked", { lock }, { status: 423 });
    }
    if (this.id) {
      const url = `${this.server.draft.uploads}/${this.id}/files`;
      reply = await this.server.once("POST", url, body, options);
    } else {
      reply = await this.open(body, options);
      this.id = reply.id;
      this.deadline = reply.complete_before;
      this.own();
    }
    this.note(files, reply);
  }

  async open(body, options) {
    const url = this.server.draft.url + "/uploads";
    try {
      return await this.server.once("POST", url, { ...body, completed_by: DEADLINE }, options);
    } catch (error) {
      // A site that wants it shorter has a time of its own.
      if (error.code !== "invalid_time") throw error;
      return this.server.once("POST", url, body, options);
    }
  }

  note(files, reply) {
    files.forEach(({ key, size, md5 }) => {
      this.members.set(key, { key, size, md5, uploaded: false, slices: null });
    });
    this.link(reply, this.members);
  }

  /** The answer was lost: was it done? */
  async isAnnounced(files, options) {
    if (!this.id) {
      const found = await this.find(options);
      if (!found || found.state !== "uploading") return false;
      await this.adopt(found, options);
      this.own();
    } else {
      await this.look(options);
    }
    return files.every(({ key, md5 }) => {
      const there = this.members.get(key);
      return there && there.md5 === md5;
    });
  }

  /** Have a job make files of all; how that ended: `{code, params}`, code null for well. */
  async complete(options) {
    const url = `${this.server.draft.uploads}/${this.id}/complete`;
    const { job_url: job } = await this.server.call("PUT", url, {}, options);
    return this.follow(job, options);
  }

  /** How a job ended. */
  async follow(url, options) {
    for (let pause = POLL_MS[0]; ; pause = Math.min(pause * 1.5, POLL_MS[1])) {
      const job = await this.server.call("GET", url, undefined, options);
      if (job.status === "SUCCESS") return { code: null, params: job.result || {} };
      if (job.status === "FAILURE" || job.status === "REVOKED") {
        const { code = "server_error", message = job.status } = job.error || {};
        const { errors = {} } = job.result || {};
        return { code, params: { message, ...errors } };
      }
      await this.clock.sleep(pause, options.signal);
    }
  }

  /** The state of the batch as the server has it. */
  state(options) {
    return this.server.call("GET", `${this.server.draft.uploads}/${this.id}`, undefined, options);
  }

  async abort(options) {
    await this.server.call("PUT", `${this.server.draft.uploads}/${this.id}/abort`, {}, options);
    this.over();
  }

  /** The batch has ended, one way or the other. */
  over() {
    this.store.remove(this.hint);
    this.clear();
  }

  link(reply, members) {
    const { presigned_urls: urls = {}, headers = {} } = reply;
    Object.entries(urls).forEach(([key, url]) => {
      const found = members.get(key);
      if (found) found.slices = slicesOf(url, headers[key], found.size, this.generation);
    });
  }
}

function announced({ key, size, md5, metadata }) {
  const file = { key, size, checksum: `md5:${md5}` };
  return Object.keys(metadata).length ? { ...file, metadata } : file;
}

function member({ key, size, checksum, uploaded, uploaded_bytes: bytes }) {
  const md5 = /^md5:([0-9a-f]{32})$/.exec(checksum || "");
  return { key, size, md5: md5 && md5[1], uploaded, bytes: bytes || 0, slices: null };
}

/** One link for a whole file, or one for each part of it. */
function slicesOf(url, headers, size, generation) {
  if (typeof url === "string") return [{ number: 1, start: 0, end: size, url, headers, generation }];
  return url.map((link) => ({
    number: link.part,
    start: link.offset,
    end: link.offset + link.size,
    url: link.url,
    headers: link.headers,
    expiration: link.expiration,
    generation,
  }));
}
