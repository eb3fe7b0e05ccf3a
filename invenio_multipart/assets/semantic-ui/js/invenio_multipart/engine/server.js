// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Calls to the API of one draft, as often as it takes. */

import { UploadError, apiError, header, noAnswer } from "./errors.js";
import { keyPath } from "./keys.js";
import { ATTEMPTS, backoff, check } from "./pauses.js";

/** How often it is looked whether somebody has logged in again, in another tab. */
const LOGIN_SECONDS = 15;

/** Parts in a page of the list of parts. */
const PAGE = 1000;

/** The refusal is not believed yet: the same is asked once more. */
const BELIEVE = new Error("believe");

export class Server {
  /** @param gate of the API. */
  constructor({ api, clock, random }, gate) {
    this.api = api;
    this.clock = clock;
    this.random = random;
    this.gate = gate;
    this.draft = null;
    /** Milliseconds that the server's clock is ahead of ours. */
    this.ahead = 0;
  }

  /** The draft is known. @param draft its JSON. */
  use(draft) {
    const self = draft.links && draft.links.self;
    const url = self || `/api/records/${encodeURIComponent(draft.id)}/draft`;
    const base = url.replace(/\/+$/, "").replace(/(\/records\/[^/]+)$/, "$1/draft");
    const root = base.replace(/\/records\/[^/]+\/draft$/, "");
    this.draft = { id: draft.id, url: base, files: `${base}/files`, uploads: `${root}/uploads` };
  }

  /** Address of a file, or of what is below it. */
  fileUrl(key, rest = "") {
    return `${this.draft.files}/${keyPath(key)}${rest}`;
  }

  /** Milliseconds by the server's clock. */
  now() {
    return this.clock.now() + this.ahead;
  }

  /**
   * What a good answer says; anything that may pass is waited for.
   *
   * @param onWait called with a code while the server is away.
   * @throws UploadError for a refusal; the signal's reason.
   */
  async call(method, url, body, { signal, onWait, attempts = ATTEMPTS } = {}) {
    for (let failures = 0; ; ) {
      try {
        return await this.once(method, url, body, { signal, onWait });
      } catch (error) {
        check(signal);
        if (!(error instanceof UploadError) || error.again === "no") throw error;
        if (error.again === "counted") {
          failures += 1;
          if (failures >= attempts) throw error;
          await this.clock.sleep(backoff(failures, this.random, error.seconds), signal);
        }
      }
    }
  }

  /** The same with one try, for what is not safe to repeat blindly: `lost` tells. */
  async once(method, url, body, { signal, onWait } = {}, believed = false) {
    const ticket = await this.gate.pass(signal, onWait);
    let reply;
    try {
      reply = await this.ask(method, url, body, ticket);
      if (reply.status < 200 || reply.status >= 300) await this.refuse(reply, ticket, believed);
    } catch (error) {
      ticket.left();
      if (error !== BELIEVE) throw error;
      check(signal);
      // The login came back between the refusal and our question for it.
      return this.once(method, url, body, { signal, onWait }, true);
    }
    ticket.worked();
    // Whoever asked may have gone on to something else meanwhile.
    check(signal);
    return reply.data;
  }

  async ask(method, url, body, ticket) {
    try {
      const reply = await this.api(method, url, body);
      this.synchronise(reply.headers);
      return reply;
    } catch (error) {
      if (!error || !error.offline) throw error;
      ticket.failed();
      throw noAnswer();
    }
  }

  /** @throws UploadError that the answer stands for. */
  async refuse(reply, ticket, believed) {
    const error = apiError(reply, this.clock.now());
    if (error.again === "away") ticket.failed(error.seconds);
    else if (error.status === 401) this.loginLost();
    else if (error.status === 403 && !believed) {
      if (!(await this.isLoggedIn(ticket))) this.loginLost();
      throw BELIEVE;
    } else ticket.worked();
    throw error;
  }

  loginLost() {
    this.gate.shut("login_lost", LOGIN_SECONDS);
    throw new UploadError("login_lost", {}, { again: "away", lost: true });
  }

  /** Whether the session is still somebody's: a 403 alone does not say. */
  async isLoggedIn(ticket) {
    const url = `${this.draft ? this.draft.uploads : "/api/uploads"}?size=1`;
    const reply = await this.ask("GET", url, undefined, ticket);
    if (reply.status < 200 || reply.status >= 300) {
      if (reply.status !== 401 && reply.status !== 403) throw apiError(reply, this.clock.now());
      return false;
    }
    return true;
  }

  /** Whether the draft is still there. */
  async draftIsGone(options) {
    try {
      await this.call("GET", this.draft.url, undefined, options);
      return false;
    } catch (error) {
      if (error instanceof UploadError && [404, 410].includes(error.status)) return true;
      throw error;
    }
  }

  /** All files of the draft. */
  async list(options) {
    const reply = await this.call("GET", this.draft.files, undefined, options);
    return (reply && reply.entries) || [];
  }

  /** Begin uploads; the entries of these. One try. */
  async begin(wanted, options) {
    const reply = await this.once("POST", this.draft.files, wanted, options);
    const keys = new Set(wanted.map((item) => item.key));
    return ((reply && reply.entries) || []).filter((entry) => keys.has(entry.key));
  }

  status(key, options) {
    return this.call("GET", this.fileUrl(key, "/upload"), undefined, options);
  }

  /** All parts of an upload, ascending: `{part, size, status, checksum, etag}`. */
  async parts(key, options) {
    const found = [];
    for (let from = 1; ; ) {
      const url = this.fileUrl(key, `/parts?from=${from}&size=${PAGE}`);
      const page = await this.call("GET", url, undefined, options);
      found.push(...page.parts);
      if (!page.links || !page.links.next || !page.parts.length) return found;
      from = page.parts[page.parts.length - 1].part + 1;
    }
  }

  /** Links for parts, bound to size and MD5. @param parts `{number, size, md5}`. */
  async register(key, parts, options) {
    const body = parts.map(({ number, size, md5 }) => ({ part: number, size, checksum: `md5:${md5}` }));
    const reply = await this.call("POST", this.fileUrl(key, "/parts"), body, options);
    return reply.parts;
  }

  /** Have the parts put together. One try. */
  commit(key, md5, options) {
    return this.once("POST", this.fileUrl(key, "/commit"), { checksum: `md5:${md5}` }, options);
  }

  /** The file is in the draft no more. */
  async remove(key, options) {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.call("DELETE", this.fileUrl(key), undefined, options);
        return;
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        if (error.status === 404 || error.status === 410) return;
        // A commit is under way: when that is over it can be deleted.
        if (error.status !== 409 || failures >= ATTEMPTS) throw error;
        await this.clock.sleep(backoff(failures, this.random) + 250, options && options.signal);
      }
    }
  }

  setMetadata(key, metadata, options) {
    return this.call("PUT", this.fileUrl(key), { metadata }, options);
  }

  synchronise(headers) {
    const date = Date.parse(header(headers, "date") || "");
    if (!Number.isNaN(date)) this.ahead = date - this.clock.now();
  }
}
