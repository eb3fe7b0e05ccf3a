// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** A page with an engine in it, a network that can break, and the model server behind that. */

import { createHash } from "node:crypto";
import { createEngine } from "../../invenio_multipart/assets/semantic-ui/js/invenio_multipart/engine/index.js";
import { VirtualClock } from "./clock.js";
import { ModelServer, STORE } from "./model/server.js";

/** Numbers that look random and are the same each time. */
export function randomOf(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What a browser hands out for a chosen file. */
export class ChosenFile {
  constructor(name, data, lastModified = 1) {
    Object.assign(this, { name, data: Buffer.from(data), lastModified, broken: null });
  }

  get size() {
    return this.data.length;
  }

  slice(start, end) {
    const bytes = this.data.subarray(start, end);
    const arrayBuffer = async () => {
      if (this.broken) throw new DOMException("Cannot be read.", this.broken);
      return bytes;
    };
    return {
      size: bytes.length,
      bytes: () => bytes,
      arrayBuffer,
      slice: (from, to) => ({ arrayBuffer, size: to - from, bytes: () => bytes.subarray(from, to) }),
    };
  }
}

/** A file of so many bytes, other ones for each seed. */
export function fileOf(name, size, seed = 1) {
  const random = randomOf(seed);
  const data = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1) data[i] = Math.floor(random() * 256);
  return new ChosenFile(name, data);
}

const hasher = {
  open: (file) => {
    const blob = (start, end) => file.slice(start, end);
    const digest = async (start, end) => {
      const piece = blob(start, end);
      await piece.arrayBuffer();
      return createHash("md5").update(piece.bytes()).digest("hex");
    };
    return { part: digest, whole: () => digest(0, file.size), close: () => {} };
  },
};

export const OPTIONS = { partMin: 1000, partMax: 4000, smallBytes: 2000, batchFrom: 3 };

export class World {
  constructor({ settings, options, seed = 1 } = {}) {
    this.clock = new VirtualClock();
    this.server = new ModelServer(this.clock, settings);
    this.options = { ...OPTIONS, ...options };
    this.random = randomOf(seed);
    /** What goes wrong: asked for each request with `{to, method, url}`, gives a fault or null. */
    this.faults = () => null;
    this.isOnline = true;
    this.onlineListeners = new Set();
    this.memory = new Map();
    this.requests = [];
    this.flying = 0;
    this.mostFlying = 0;
    this.probed = [];
    this.probeReason = null;
    /** Whether the store breaks the line where others would refuse. */
    this.hangsUp = false;
    this.bytesPerMs = 100;
    /** Bytes that arrived without anybody here hearing of it. */
    this.lostBytes = 0;
    this.drafts = 0;
    this.draftMs = 0;
  }

  /** Another page on the same server; the old one is closed, as by a reload. */
  open() {
    if (this.engine) this.engine.close();
    this.engine = createEngine(this.outside());
    return this.engine;
  }

  outside() {
    return {
      api: (...given) => this.api(...given),
      transport: { put: (...given) => this.put(...given), probe: (url) => this.probe(url) },
      hasher,
      clock: this.clock,
      random: this.random,
      store: {
        get: (key) => this.memory.get(key) ?? null,
        set: (key, value) => this.memory.set(key, value),
        remove: (key) => this.memory.delete(key),
      },
      network: {
        online: () => this.isOnline,
        onChange: (fn) => {
          this.onlineListeners.add(fn);
          return () => this.onlineListeners.delete(fn);
        },
      },
      ensureDraft: async () => {
        this.drafts += 1;
        if (this.draftMs) await this.clock.sleep(this.draftMs);
        return this.server.draft();
      },
      options: this.options,
    };
  }

  setOnline(online) {
    this.isOnline = online;
    [...this.onlineListeners].forEach((fn) => fn());
  }

  async api(method, url, body) {
    const fault = this.note("api", method, url);
    await this.clock.sleep(20);
    if (!this.isOnline || (fault && fault.kind === "reset")) throw { offline: true };
    if (fault && fault.kind === "status") return this.said(fault);
    const reply = this.server.answer(method, url, body && JSON.parse(JSON.stringify(body)));
    await this.clock.sleep(10);
    if (!this.isOnline || (fault && fault.kind === "lost")) throw { offline: true };
    // Carried out, but a proxy on the way has lost its patience.
    if (fault && fault.kind === "late") return this.said({ ...fault, status: 504 });
    return reply;
  }

  async put(url, blob, headers, { onProgress, signal }) {
    const fault = this.note("store", "PUT", url);
    this.flying += 1;
    this.mostFlying = Math.max(this.mostFlying, this.flying);
    try {
      await this.clock.sleep(5 + blob.size / this.bytesPerMs / 2, signal);
      onProgress(Math.floor(blob.size / 2));
      if (!this.isOnline || (fault && fault.kind === "reset")) throw new Error("No answer.");
      await this.clock.sleep(blob.size / this.bytesPerMs / 2, signal);
      onProgress(blob.size);
      await blob.arrayBuffer();
      if (fault && fault.kind === "status") return { ...this.said(fault), body: fault.body || "" };
      const data = fault && fault.kind === "damage" ? damaged(blob.bytes()) : blob.bytes();
      const answer = this.server.put(url, Buffer.from(data), headers);
      if (this.hangsUp && answer.status >= 400) throw new Error("No answer.");
      if (!this.isOnline || (fault && fault.kind === "lost")) {
        this.lostBytes += blob.size;
        throw new Error("No answer.");
      }
      return answer;
    } finally {
      this.flying -= 1;
    }
  }

  async probe(url) {
    this.probed.push(url);
    await this.clock.sleep(10);
    return { ok: this.probeReason === null, reason: this.probeReason, host: STORE };
  }

  note(to, method, url) {
    this.requests.push(`${method} ${url.replace(/^https:\/\/[^/]*/, "")}`);
    return this.faults({ to, method, url });
  }

  said({ status, headers = {} }) {
    return { status, headers, data: { status, message: "No." } };
  }

  /** Let faults of a list happen once each, in its order, where they fit. */
  breakOnce(...faults) {
    const left = [...faults];
    this.faults = (request) => {
      const at = left.findIndex((fault) => fits(fault, request));
      return at < 0 ? null : left.splice(at, 1)[0];
    };
    return left;
  }

  counted(pattern) {
    return this.requests.filter((line) => pattern.test(line)).length;
  }

  row(key) {
    return this.engine.snapshot().files.find((file) => file.key === key);
  }

  states() {
    return this.engine.snapshot().files.map((file) => file.state);
  }

  /** Let time pass until all files are in one of these states. */
  async settle(states = ["completed"], limit) {
    try {
      await this.clock.until(() => this.states().every((state) => states.includes(state)), limit);
    } catch (error) {
      const files = this.engine.snapshot().files.slice(0, 8);
      error.message += ` ${JSON.stringify(files.map(({ key, state, error: e }) => [key, state, e]))}`;
      throw error;
    }
  }

  /** The bytes of a finished file of the draft. */
  content(key) {
    const file = this.server.files.get(key);
    return file && file.state === "completed" ? file.content : null;
  }
}

/** A fault for requests of this method whose address matches. */
export function fault(kind, method, pattern, more = {}) {
  return { kind, method, pattern, ...more };
}

/** Let a command come to its end; what it resolves to. */
export async function done(world, command) {
  let over = false;
  const result = Promise.resolve(command).finally(() => {
    over = true;
  });
  // Whoever awaits us hears of it.
  result.catch(() => {});
  await world.clock.until(() => over);
  return result;
}

export function chosen(...files) {
  return files.map((file) => ({ file, path: file.name }));
}

function fits({ method, pattern }, request) {
  return request.method === method && pattern.test(request.url);
}

function damaged(bytes) {
  const copy = Buffer.from(bytes);
  if (copy.length) copy[0] ^= 1;
  return copy;
}
