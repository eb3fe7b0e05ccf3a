// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/**
 * The engine of the deposit page: files on their way into a draft.
 *
 * It knows no page, no network and no time: all of that is handed in. The server's ledger of parts
 * is the truth; what is kept here can be lost at any moment.
 */

import { Adding } from "./adding.js";
import { Batch } from "./batch.js";
import { Board } from "./board.js";
import { Completion } from "./completion.js";
import { Controls } from "./controls.js";
import { explainer } from "./explain.js";
import { Follower } from "./follower.js";
import { Gate } from "./gate.js";
import { Initiator } from "./initiator.js";
import { Lanes } from "./lanes.js";
import { LargeFiles } from "./large.js";
import { Loading } from "./loading.js";
import { makeDraft } from "./draft.js";
import { Patience } from "./patience.js";
import { LargeQueue } from "./queue.js";
import { Sender } from "./sender.js";
import { Server } from "./server.js";
import { SmallFiles } from "./small.js";
import * as S from "./states.js";
import { Stores } from "./stores.js";
import { Twins } from "./twins.js";

export { UploadError } from "./errors.js";
export { cleanKey, isHidden } from "./keys.js";
export { partSizeFor } from "./plan.js";
export * as states from "./states.js";

const MIB = 2 ** 20;

/** Bytes and numbers; 0 or null is no limit. */
const DEFAULTS = {
  maxFiles: 0,
  maxSize: 0,
  quota: 0,
  partMin: 8 * MIB,
  partMax: 64 * MIB,
  maxConcurrency: 6,
  batchFrom: 3,
  smallBytes: 16 * MIB,
  maxKeyChars: 255,
  publishRequires: "verified",
};

/** How often speeds are looked at. */
const TICK_MS = 1000;

/**
 * An engine for one draft.
 *
 * @param outside `{api, transport, hasher, clock, random, store, network, ensureDraft, options}`:
 *   - `api(method, url, body)` -> `{status, headers, data}`; rejects with `{offline: true}` only
 *   - `transport.put(url, blob, headers, {onProgress, signal})` -> `{status, headers, body}`
 *   - `transport.probe(url)` -> `{reason}`: null, `cors`, `csp` or `network`
 *   - `hasher.open(file)` -> `{part(start, end), whole(), close()}`, hex MD5s
 *   - `clock {now, sleep(ms, signal), every(ms, fn)}`, `random()`, `store {get, set, remove}`
 *   - `network {online(), onChange(fn)}`; `ensureDraft()` -> the draft's JSON
 * @returns commands, `snapshot()` and `subscribe(fn)`; below, and {@link BoardFile#view} for a file.
 */
export function createEngine(outside) {
  const { clock, network } = outside;
  const options = { ...DEFAULTS, ...outside.options };
  const closing = new AbortController();
  const parts = wire({ ...outside, options, random: outside.random || Math.random }, closing.signal);
  const { board } = parts;
  const stops = [clock.every(TICK_MS, () => isBusy(board) && board.tick())];
  stops.push(network.onChange(() => parts.networkChanged()));
  return {
    snapshot: () => board.snapshot(),
    subscribe: (listener) => board.subscribe(listener),
    ...commands(parts),
    /** Change limits: the quota of a draft may be known only later. */
    configure: (more) => Object.assign(options, more),
    /** The page goes: nothing is sent or asked from here on. */
    close: () => {
      stops.forEach((stop) => stop());
      close(parts, closing);
    },
  };
}

/** What a page may ask of an engine. */
function commands({ board, controls, adding, loading, draft, twins, closed, dismiss }) {
  const withDraft = (work) => async (...given) => {
    await draft.ready(null, closed);
    return work(...given);
  };
  return {
    // A page without files is no reason to make a draft.
    load: async (entries) => entries.length && withDraft(() => loading.load(entries))(),
    refresh: withDraft(() => loading.refresh()),
    add: async (chosen, choose) => {
      await Promise.allSettled([...controls.removals.values()]);
      return adding.add(chosen, choose);
    },
    attach: withDraft((id, file, handle) => controls.attach(id, file, handle)),
    pause: (id) => controls.pause(id),
    proceed: (id) => controls.proceed(id),
    cancel: (id) => controls.cancel(id),
    retry: (id) => controls.retry(id),
    remove: (ids) => controls.remove(ids),
    setMetadata: (ids, metadata) => controls.setMetadata(ids, metadata),
    link: withDraft((wanted) => controls.link(wanted)),
    linkTwin: withDraft((id) => controls.linkTwin(id)),
    learn: (known) => twins.learn(known),
    extend: withDraft((seconds) => controls.extend(seconds)),
    /** A notice has been read. */
    dismiss,
  };
}

function close({ board, small, follower, closed }, closing) {
  closing.abort(new Error("closed"));
  board.files.forEach((file) => {
    if (file.controller) file.controller.abort(closed.reason);
    if (file.work) file.work.session.close();
  });
  small.close();
  follower.close();
  board.closed = true;
}

/** All parts of an engine, each with those that it needs. */
function wire(outside, closed) {
  const own = new Map();
  const parts = { ...outside, closed, changed: () => parts.board.touch() };
  const waits = (state) => blocksPublish(state, outside.options);
  parts.board = new Board(outside.clock, () => around(parts, own), waits);
  parts.gate = new Gate(outside, "offline", parts.changed);
  parts.server = new Server(outside, parts.gate);
  parts.patience = new Patience(parts.board);
  parts.lanes = new Lanes(outside.clock, outside.options.maxConcurrency);
  parts.stores = new Stores(outside, parts.changed);
  parts.sender = new Sender(parts);
  parts.explain = explainer(parts.server);
  parts.draft = makeDraft(parts);
  parts.ready = (file, signal) => parts.draft.ready(file, signal);
  parts.tell = (code, params) => {
    own.set(code, { code, params });
    parts.changed();
  };
  parts.dismiss = (code) => own.delete(code) && parts.changed();
  wireFiles(parts);
  wireCommands(parts);
  return parts;
}

/** The ways in which files go: large ones each by itself, small ones together. */
function wireFiles(parts) {
  const { explain, ready, changed } = parts;
  parts.batch = new Batch(parts);
  parts.twins = new Twins(parts);
  parts.follower = new Follower(parts, { again: (file) => takenBack(parts, file) });
  parts.initiator = new Initiator(parts, (count) => parts.largeQueue.more(count));
  parts.large = new LargeFiles(parts);
  parts.largeQueue = new LargeQueue(parts);
  const settle = () => parts.completion.settle();
  parts.small = new SmallFiles(parts, parts.batch, { explain, ready, changed, settle });
  parts.completion = new Completion(parts);
  parts.loading = new Loading(parts);
}

function wireCommands(parts) {
  parts.knock = () => {
    parts.gate.knock();
    parts.stores.knock();
    parts.small.bell.ring();
  };
  parts.networkChanged = () => {
    if (parts.network.online()) parts.knock();
    parts.changed();
  };
  parts.controls = new Controls(parts);
  parts.adding = new Adding(parts);
}

/** What a snapshot says beside the files. */
function around({ network, gate, stores, batch, small, board }, own) {
  const notices = [...own.values()];
  const codes = new Set();
  const note = (code, params) => {
    if (!codes.has(code)) notices.push({ code, params });
    codes.add(code);
  };
  if (!network.online()) note("offline", {});
  else if (gate.trouble) note(gate.trouble, {});
  stores.all.forEach((found) => {
    if (found.gate.trouble) note(found.gate.trouble, { address: found.origin });
  });
  return {
    online: network.online(),
    notices,
    busy: isBusy(board),
    batch: batch.shown,
    locked: small.locked,
  };
}

function isBusy(board) {
  for (const file of board.files.values()) {
    if (S.BUSY.has(file.state) && (file.file || file.state === S.COMMITTING)) return true;
  }
  return false;
}

function blocksPublish(state, { publishRequires }) {
  if (state === S.COMPLETED) return false;
  return state !== S.VERIFYING || publishRequires !== "committed";
}

/** The server has taken a commit back: parts are to be sent again, or chosen again first. */
function takenBack({ board, largeQueue }, file) {
  if (file.file) largeQueue.offer(file);
  else board.move(file, S.MISSING);
}
