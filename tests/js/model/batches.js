// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** The batches of the model server. */

import { API, DRAFT, Refusal } from "./server.js";

/** Teach a server about batches. */
export function addBatches(server) {
  const batches = new Batches(server);
  const id = "([^/]+)";
  server.routes.push(
    ["POST", new RegExp(`^/records/${DRAFT}/draft/uploads$`), (body) => batches.announce(body)],
    ["GET", /^\/uploads$/, (_, query) => batches.mine(query)],
    ["GET", new RegExp(`^/uploads/jobs/${id}$`), (job) => batches.job(job)],
    ["GET", new RegExp(`^/uploads/${id}/files$`), (batch, _, query) => batches.list(batch, query)],
    ["POST", new RegExp(`^/uploads/${id}/files$`), (batch, body) => batches.more(batch, body)],
    ["PUT", new RegExp(`^/uploads/${id}/complete$`), (batch) => batches.complete(batch)],
    ["PUT", new RegExp(`^/uploads/${id}/abort$`), (batch) => batches.abort(batch)],
    ["GET", new RegExp(`^/uploads/${id}$`), (batch) => batches.shown(batches.get(batch))],
    ["PUT", new RegExp(`^/uploads/${id}$`), (batch, body) => batches.extend(batch, body)]
  );
  server.batchModel = batches;
}

class Batches {
  constructor(server) {
    this.server = server;
  }

  get(id) {
    const batch = this.server.batches.get(id);
    if (!batch) throw new Refusal(404, "batch_not_found");
    this.advance(batch);
    return batch;
  }

  /** What time and workers have done meanwhile. */
  advance(batch) {
    const now = this.server.clock.now();
    if (batch.state === "uploading" && batch.until <= now) this.end(batch, "expired");
    if (batch.state === "completing" && now >= batch.job.doneAt) this.finish(batch);
  }

  get open() {
    const all = [...this.server.batches.values()];
    all.forEach((batch) => this.advance(batch));
    return all.find(({ state }) => state === "uploading" || state === "completing");
  }

  announce({ files, mode = "s3-presigned-url" }, owner = "me") {
    const { open } = this;
    if (open) {
      const lock = { stage: open.state, batch: open.id, since: "2026-01-01T00:00:00+00:00" };
      throw new Refusal(423, "locked", { lock });
    }
    this.server.count += 1;
    const batch = { id: `b${this.server.count}`, owner, mode, state: "uploading", files: new Map(), job: null };
    batch.until = this.server.clock.now() + this.server.lifetimeMs;
    this.check(batch, files);
    this.server.batches.set(batch.id, batch);
    this.fill(batch, files);
    const complete_before = new Date(batch.until).toISOString();
    return { ...this.shown(batch), complete_before, ...this.links(files.map(({ key }) => batch.files.get(key))) };
  }

  more(id, { files }) {
    const batch = this.get(id);
    if (batch.state !== "uploading") throw new Refusal(409, "state_conflict", { state: batch.state });
    this.check(batch, files);
    this.fill(batch, files);
    return { id, ...this.links(files.map(({ key }) => batch.files.get(key))) };
  }

  check(batch, files) {
    const { server } = this;
    if (files.length > server.callFiles) {
      throw new Refusal(400, "too_many_files", { limit: server.callFiles, files: files.length });
    }
    const keys = files.map(({ key }) => key).filter((key) => server.files.has(key));
    if (keys.length) throw new Refusal(400, "keys_taken", { keys });
    const total = server.files.size + files.length;
    if (total > server.maxFiles) throw new Refusal(400, "too_many_files", { limit: server.maxFiles, files: total });
    files.forEach((file, index) => {
      if (!file.key.includes("refused")) return;
      throw new Refusal(400, "invalid_key", { errors: [{ field: `files.${index}.key`, messages: ["No."] }] });
    });
  }

  fill(batch, files) {
    files.forEach((item) => {
      const file = this.server.beginOne({ ...item, size: item.size ?? 0, transfer: {} });
      file.batch = batch;
      // Scripts may announce names alone; then the store takes whatever comes.
      file.bound = item.checksum ? { size: item.size, md5: item.checksum.replace("md5:", "") } : null;
      batch.files.set(item.key, file);
    });
  }

  links(files) {
    const presigned_urls = {};
    const headers = {};
    files.forEach((file) => {
      if (file.batch.mode === "sts-credentials") return;
      const link = this.server.link(file, 0, file.bound);
      presigned_urls[file.key] = link.url;
      headers[file.key] = link.headers;
    });
    return { presigned_urls, headers, links: {} };
  }

  shown(batch) {
    const job_url = batch.job ? `${API}/uploads/jobs/${batch.job.id}` : null;
    const complete_before = new Date(batch.until).toISOString();
    return { id: batch.id, record_id: DRAFT, mode: batch.mode, state: batch.state, complete_before, job_url };
  }

  mine(query) {
    const state = query.get("state");
    const all = [...this.server.batches.values()].filter((batch) => batch.owner === "me");
    all.forEach((batch) => this.advance(batch));
    const hits = all.filter((batch) => !state || batch.state === state).map((batch) => this.shown(batch));
    return { hits: { hits, total: hits.length } };
  }

  list(id, query) {
    const batch = this.get(id);
    const after = query.get("after") || "";
    const keys = [...batch.files.keys()].filter((key) => key > after).sort();
    const page = keys.slice(0, 100).map((key) => batch.files.get(key));
    const files = page.map((file) => ({
      key: file.key,
      size: file.bound || file.stored.has(0) ? file.size : null,
      checksum: file.bound && `md5:${file.bound.md5}`,
      state: file.state,
      uploaded: file.stored.has(0),
      uploaded_bytes: file.stored.has(0) ? file.size : 0,
    }));
    const missing = batch.state === "uploading" ? page.filter((file) => !file.stored.has(0)) : [];
    const next = keys.length > page.length ? page[page.length - 1].key : null;
    return { files, ...this.links(missing), next };
  }

  complete(id) {
    const batch = this.get(id);
    if (batch.state === "aborted" || batch.state === "expired") {
      throw new Refusal(409, "state_conflict", { state: batch.state });
    }
    if (batch.state === "uploading") {
      this.server.count += 1;
      batch.state = "completing";
      batch.job = { id: `j${this.server.count}`, batch, doneAt: this.server.clock.now() + this.server.jobMs };
      this.server.jobs.set(batch.job.id, batch.job);
    }
    return { status: "accepted", job_id: batch.job.id, job_url: `${API}/uploads/jobs/${batch.job.id}` };
  }

  finish(batch) {
    const { job } = batch;
    const missing = [...batch.files.values()].filter((file) => !file.stored.has(0)).map((file) => file.key);
    if (missing.length) {
      batch.state = "uploading";
      job.reply = {
        status: "FAILURE",
        result: { errors: { missing, wrong: [], extra: [] } },
        error: { code: "files_differ", message: "Some are missing." },
      };
      return;
    }
    batch.state = "completed";
    batch.files.forEach((file) => {
      Object.assign(file, { batch: null, content: file.stored.get(0), state: "completed" });
    });
    job.reply = { status: "SUCCESS", result: { files: batch.files.size } };
  }

  job(id) {
    const job = this.server.jobs.get(id);
    if (!job) throw new Refusal(404, "job_not_found");
    this.advance(job.batch);
    return job.reply || { status: "STARTED", progress: { done: 0, total: job.batch.files.size } };
  }

  abort(id) {
    const batch = this.get(id);
    if (batch.state === "completed") throw new Refusal(409, "state_conflict", { state: batch.state });
    this.end(batch, "aborted");
    return this.shown(batch);
  }

  extend(id, { completed_by: words }) {
    const batch = this.get(id);
    batch.until = this.server.laterThan(batch.until, words);
    return this.shown(batch);
  }

  end(batch, state) {
    if (batch.state === "aborted" || batch.state === "expired") return;
    batch.state = state;
    batch.files.forEach((file, key) => {
      file.state = state;
      this.server.files.delete(key);
    });
  }
}
