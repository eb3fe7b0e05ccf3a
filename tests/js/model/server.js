// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** A model of the server's wire contract, docs/rest.md: uploads of files in parts, and a store. */

import { createHash } from "node:crypto";
import { addBatches } from "./batches.js";

export const DRAFT = "abcde-12345";
export const API = "https://site.example/api";
export const STORE = "https://store.example";

const md5Of = (data) => createHash("md5").update(data).digest("hex");
const base64Of = (hex) => Buffer.from(hex, "hex").toString("base64");

/** An error answer. */
export class Refusal extends Error {
  constructor(status, code, details = {}, message = code) {
    super(code);
    this.status = status;
    this.body = { status, code, message, errors: [], ...details };
  }
}

export class ModelServer {
  /**
   * @param clock tells the time.
   * @param settings `{linkSeconds, inlineMax, verifyMs, maxFiles, quota, lifetimeMs, callFiles, jobMs}`.
   */
  constructor(clock, settings = {}) {
    this.clock = clock;
    this.linkSeconds = 3600;
    this.inlineMax = Infinity;
    this.verifyMs = 3000;
    this.lifetimeMs = 7 * 86_400_000;
    this.maxFiles = 10_000;
    this.quota = Infinity;
    this.callFiles = 10_000;
    this.jobMs = 500;
    Object.assign(this, settings);
    this.files = new Map();
    this.links = new Map();
    this.count = 0;
    this.gone = false;
    this.loggedIn = true;
    this.allowed = true;
    this.batches = new Map();
    this.jobs = new Map();
    /** Bytes of parts that came although the very same were there. */
    this.sentAgain = 0;
    this.puts = 0;
    /** Bodies that the store refused. */
    this.refused = 0;
    this.routes = this.ownRoutes();
    addBatches(this);
  }

  draft() {
    return { id: DRAFT, links: { self: `${API}/records/${DRAFT}/draft` } };
  }

  /** The answer of the API: `{status, headers, data}`. */
  answer(method, url, body) {
    const headers = { date: new Date(this.clock.now()).toUTCString() };
    try {
      const data = this.dispatch(method, url, body);
      return { status: data === undefined ? 204 : 200, headers, data: copy(data) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, headers: { ...headers, ...error.headers }, data: copy(error.body) };
    }
  }

  dispatch(method, url, body) {
    const { pathname, searchParams } = new URL(url, API);
    if (!this.loggedIn && !pathname.includes("/jobs/")) throw new Refusal(403, undefined, {}, "Permission denied.");
    const path = pathname.replace("/api", "");
    for (const [wanted, pattern, action] of this.routes) {
      const found = pattern.exec(path);
      if (wanted !== method || !found) continue;
      if (!this.allowed && method !== "GET") throw new Refusal(403, "access_denied");
      if (this.gone && path.startsWith("/records/")) throw new Refusal(404, undefined, {}, "Not found.");
      return action(...found.slice(1).map(decodeURIComponent), body, searchParams);
    }
    throw new Refusal(404, undefined, {}, `No route ${method} ${path}.`);
  }

  ownRoutes() {
    const file = new RegExp(`^/records/${DRAFT}/draft/files/(.+)$`);
    const below = (rest) => new RegExp(`^/records/${DRAFT}/draft/files/(.+)/${rest}$`);
    return [
      ["GET", new RegExp(`^/records/${DRAFT}/draft$`), () => this.draft()],
      ["GET", new RegExp(`^/records/${DRAFT}/draft/files$`), () => this.listed()],
      ["POST", new RegExp(`^/records/${DRAFT}/draft/files$`), (body) => this.begin(body)],
      ["POST", new RegExp(`^/records/${DRAFT}/draft/links$`), (body) => this.linkFiles(body)],
      ["GET", below("parts"), (key, _, query) => this.listParts(key, query)],
      ["POST", below("parts"), (key, body) => this.register(key, body)],
      ["GET", below("upload"), (key) => this.status(key)],
      ["PUT", below("upload"), (key, body) => this.extend(key, body)],
      ["POST", below("commit"), (key, body) => this.commit(key, body)],
      ["GET", file, (key) => this.entry(this.file(key))],
      ["PUT", file, (key, body) => this.setMetadata(key, body)],
      ["DELETE", file, (key) => this.remove(key)],
    ];
  }

  listed() {
    return { enabled: true, entries: [...this.files.values()].map((file) => this.entry(file)) };
  }

  file(key) {
    const file = this.files.get(key);
    if (!file) throw new Refusal(404, undefined, {}, "No such file.");
    if (file.state === "uploading" && !file.batch && file.expires <= this.clock.now()) {
      this.files.delete(key);
      throw new Refusal(404, undefined, {}, "No such file.");
    }
    this.advance(file);
    return file;
  }

  /** What workers have done meanwhile. */
  advance(file) {
    if (file.state === "verifying" && this.clock.now() >= file.verifiedAt) this.prove(file);
  }

  entry(file) {
    this.advance(file);
    const { key, size, metadata } = file;
    const url = `${API}/records/${DRAFT}/draft/files/${encodeURI(key)}`;
    const links = { self: url };
    if (file.origin) links.origin = file.origin;
    if (file.state === "completed") {
      const checksum = `md5:${md5Of(file.content)}`;
      return { key, size, metadata, status: "completed", checksum, transfer: { type: "L" }, links };
    }
    const transfer = { type: "M", parts: file.parts, part_size: file.partSize };
    const status = file.state === "failed" ? "failed" : "pending";
    return { key, size, metadata, status, checksum: null, transfer, links };
  }

  begin(body) {
    const used = [...this.files.values()].filter((f) => !body.some((b) => b.key === f.key));
    if (used.length + body.length > this.maxFiles) {
      throw new Refusal(400, "too_many_files", { limit: this.maxFiles, files: used.length + body.length });
    }
    const bytes = [...used, ...body].reduce((sum, { size }) => sum + size, 0);
    if (bytes > this.quota) throw new Refusal(400, "quota_exceeded");
    body.forEach((item) => {
      const there = this.files.get(item.key);
      if (there && (there.state === "completed" || there.batch)) {
        throw new Refusal(400, undefined, {}, `File with key ${item.key} already exists.`);
      }
    });
    body.forEach((item) => this.beginOne(item));
    return this.listed();
  }

  beginOne({ key, size, metadata = {}, transfer }) {
    const partSize = transfer.part_size || Math.max(size, 1);
    const parts = Math.max(Math.ceil(size / partSize), 1);
    this.count += 1;
    const file = { key, size, metadata, partSize, parts, id: this.count, state: "uploading" };
    Object.assign(file, { registered: new Map(), stored: new Map(), content: null, error: null });
    file.expires = this.clock.now() + this.lifetimeMs;
    this.files.set(key, file);
    return file;
  }

  sizeOf(file, number) {
    const registered = file.registered.get(number);
    if (registered) return registered.size;
    return Math.min(file.partSize, file.size - (number - 1) * file.partSize);
  }

  listParts(key, query) {
    const file = this.file(key);
    const parts = [];
    const from = Number(query.get("from") || 1);
    const most = Number(query.get("size") || 1000);
    for (let number = from; number <= file.parts && parts.length < most; number += 1) {
      const stored = file.stored.get(number);
      const registered = file.registered.get(number);
      const md5 = stored ? md5Of(stored) : registered && registered.md5;
      parts.push({
        part: number,
        size: stored ? stored.length : this.sizeOf(file, number),
        status: stored ? "uploaded" : "missing",
        checksum: md5 ? `md5:${md5}` : null,
        etag: stored ? md5 : null,
      });
    }
    const more = from + parts.length <= file.parts;
    return { parts, total: file.parts, links: more ? { self: "", next: "more" } : { self: "" } };
  }

  register(key, body) {
    const file = this.file(key);
    if (file.batch) throw new Refusal(409, "state_conflict", { state: "in_batch" });
    if (file.state !== "uploading") throw new Refusal(409, "state_conflict", { state: file.state });
    body.forEach(({ part, size, checksum }) => {
      if (part < 1 || part > file.parts) throw new Refusal(400, "invalid_part");
      if (size !== Math.min(file.partSize, file.size - (part - 1) * file.partSize)) throw new Refusal(400, "invalid_part");
      file.registered.set(part, { size, md5: checksum.replace("md5:", "") });
    });
    return { parts: body.map(({ part }) => this.link(file, part)) };
  }

  /** A signed link for a part, or with number 0 for a whole file. */
  link(file, number, bound = file.registered.get(number)) {
    this.count += 1;
    const expires = this.clock.now() + this.linkSeconds * 1000;
    const headers = bound ? { "Content-Length": String(bound.size), "Content-MD5": base64Of(bound.md5) } : {};
    const url = `${STORE}/bucket/${file.id}?sig=${this.count}`;
    this.links.set(String(this.count), { file, number, bound, expires });
    return { part: number, url, expiration: new Date(expires).toISOString(), headers };
  }

  /** The store's answer to a PUT: `{status, headers, body}`. */
  put(url, data, headers) {
    const link = this.links.get(new URL(url).searchParams.get("sig"));
    const refuse = (status, code) => {
      this.refused += 1;
      return { status, headers: {}, body: `<Error><Code>${code}</Code></Error>` };
    };
    if (!link || link.expires <= this.clock.now() || link.revoked) return refuse(403, "AccessDenied");
    const { file, number, bound } = link;
    if (bound && headers["Content-MD5"] !== base64Of(bound.md5)) return refuse(403, "SignatureDoesNotMatch");
    if (bound && (data.length !== bound.size || md5Of(data) !== bound.md5)) return refuse(400, "BadDigest");
    if (file.state !== "uploading") return refuse(404, "NoSuchUpload");
    this.puts += 1;
    const there = file.stored.get(number);
    if (there && md5Of(there) === md5Of(data)) this.sentAgain += data.length;
    file.stored.set(number, data);
    if (!bound) file.size = data.length;
    return { status: 200, headers: { etag: `"${md5Of(data)}"` }, body: "" };
  }

  status(key) {
    const file = this.file(key);
    const done = file.content !== null;
    const bytes = done ? file.size : [...file.stored.values()].reduce((sum, data) => sum + data.length, 0);
    return {
      state: file.state,
      ready_for_chunks: file.state === "uploading",
      completed_on: done ? "2026-01-01T00:00:00Z" : null,
      error_message: file.error,
      size: file.size,
      uploaded_bytes: bytes,
      parts: file.parts,
      uploaded_parts: done ? file.parts : file.stored.size,
      verified_bytes: 0,
      expires_at: file.state === "completed" ? null : new Date(file.expires).toISOString(),
      transfer: { type: "M" },
    };
  }

  extend(key, body) {
    const file = this.file(key);
    file.expires = this.laterThan(file.expires, body.expires_at);
    return this.status(key);
  }

  /** A deadline as it is put off, in milliseconds: never to a sooner one. */
  laterThan(before, words) {
    const [, seconds] = /^in (\d+) seconds$/.exec(words);
    const moment = this.clock.now() + 1000 * seconds;
    if (moment < before) throw new Refusal(400, "bad_request", { field: "expires_at" });
    return moment;
  }

  commit(key, body) {
    const file = this.file(key);
    if (file.batch) throw new Refusal(409, "state_conflict", { state: "in_batch" });
    const declared = body.checksum.replace("md5:", "");
    if (file.state === "completed" || file.state === "verifying") return this.entry(file);
    const missing = [];
    for (let number = 1; number <= (file.size ? file.parts : 0); number += 1) {
      if (!file.stored.has(number)) missing.push(number);
    }
    if (missing.length) throw new Refusal(400, "missing_parts", { missing_parts: missing });
    file.content = this.joined(file);
    file.declared = declared;
    if (file.size > this.inlineMax) {
      file.state = "verifying";
      file.verifiedAt = this.clock.now() + this.verifyMs;
      return this.entry(file);
    }
    this.prove(file);
    if (file.state === "failed") throw new Refusal(400, "checksum_mismatch", { declared: file.declared });
    return this.entry(file);
  }

  joined(file) {
    return Buffer.concat([...file.stored.keys()].sort((a, b) => a - b).map((n) => file.stored.get(n)));
  }

  prove(file) {
    const good = md5Of(file.content) === file.declared;
    file.state = good ? "completed" : "failed";
    file.error = good ? null : "The digests differ.";
  }

  setMetadata(key, body) {
    const file = this.file(key);
    file.metadata = body.metadata;
    return this.entry(file);
  }

  remove(key) {
    const file = this.file(key);
    this.files.delete(key);
    file.state = "aborted";
    if (file.batch) file.batch.files.delete(key);
  }

  linkFiles({ files }) {
    files.forEach(({ key, record }) => {
      const here = record.id === DRAFT ? this.file(record.key) : null;
      const content = here ? here.content : Buffer.from(record.key);
      const made = this.beginOne({ key, size: content.length, transfer: {} });
      const origin = `${API}/records/${record.id}/files/${record.key}`;
      Object.assign(made, { state: "completed", content, origin });
    });
    return { files, total: files.length };
  }
}

function copy(data) {
  return data === undefined ? undefined : JSON.parse(JSON.stringify(data));
}
