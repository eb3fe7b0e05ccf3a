// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Sends one slice of a file to where its link points, until it is there. */

import { UploadError, putVerdict, readError } from "./errors.js";
import { ATTEMPTS, backoff, check } from "./pauses.js";

/** Links to try before a refusal is believed: one may expire, and stores can be slow to learn. */
const LINKS_PER_SLICE = 4;

/** Bodies without an answer before another link is asked for: some stores refuse one by hanging up. */
const LOST_PER_LINK = 3;

/** A link that is too old so soon after it was asked for is used all the same: no other is better. */
const JUST_NOW_MS = 1000;

/** Headers that browsers set by themselves and let nobody else set. */
const OWN_HEADERS = new Set(["content-length", "host"]);

export class Sender {
  constructor({ transport, clock, random, board, lanes, stores, patience }) {
    Object.assign(this, { transport, clock, random, board, lanes, stores, patience });
  }

  /**
   * The slice is in the store.
   *
   * @param slice `{number, start, end}`.
   * @param links `{get(signal) -> {url, headers, generation}|null, good(link), renew(generation, signal)}`;
   *     null means that nothing has to be sent any more, `good` says whether there is time to send.
   * @throws UploadError when it cannot be; the signal's reason.
   */
  async send(file, slice, links, signal) {
    const tries = { failures: 0, refused: 0, lost: 0 };
    for (;;) {
      const link = await links.get(signal);
      if (!link) return;
      const store = this.stores.of(link.url);
      const since = this.clock.now();
      const turn = await this.turn(file, store, signal);
      if (!links.good(link) && this.clock.now() > since + JUST_NOW_MS) {
        // Its time has passed while the turn was waited for.
        turn.ticket.left();
        turn.free();
        continue;
      }
      const verdict = await this.attempt(file, slice, link, { store, turn, signal });
      if (verdict.kind === "ok") return;
      await this.mind(verdict, tries, link, links, signal);
    }
  }

  async attempt(file, slice, link, { store, turn, signal }) {
    const { ticket, free } = turn;
    let answer = null;
    try {
      answer = await this.put(file, slice, link, signal);
    } catch (error) {
      ticket.left();
      throw error;
    } finally {
      file.flying.delete(slice.number);
      free();
    }
    if (!answer) return this.unanswered(file, slice, store, link, ticket);
    store.worked = true;
    const verdict = putVerdict(answer, this.clock.now());
    if (verdict.kind === "away") {
      ticket.failed(verdict.seconds);
      this.lanes.trouble();
    } else {
      ticket.worked();
    }
    if (verdict.kind === "ok") {
      // At once, or the bar would go back by the bytes that were on their way.
      file.storedBytes += slice.end - slice.start;
      this.lanes.sent(slice.end - slice.start);
    }
    this.board.progress(file, 0);
    return verdict;
  }

  /** A lane while the store's gate is open: one may close while the other is waited for. */
  async turn(file, store, signal) {
    for (;;) {
      const ticket = await this.patience.pass(store.gate, file, signal);
      let free = null;
      try {
        free = await this.lanes.take(signal);
      } catch (error) {
        ticket.left();
        throw error;
      }
      const alone = store.gate.trying === ticket;
      if (alone || store.gate.pause() <= 0) return { ticket, free };
      ticket.left();
      free();
    }
  }

  /** The answer; null when none came. */
  async put(file, slice, link, signal) {
    let before = 0;
    const onProgress = (bytes) => {
      file.flying.set(slice.number, bytes);
      this.board.progress(file, bytes - before);
      before = bytes;
    };
    file.flying.set(slice.number, 0);
    try {
      const body = file.file.slice(slice.start, slice.end);
      return await this.transport.put(link.url, body, sendable(link.headers), { onProgress, signal });
    } catch (error) {
      check(signal);
      return null;
    }
  }

  async unanswered(file, slice, store, link, ticket) {
    this.board.progress(file, 0);
    try {
      // A body that cannot be read breaks off as a line does.
      await readable(file, slice.start, slice.end);
      await this.stores.explain(store, link.url);
    } catch (error) {
      ticket.left();
      throw error;
    }
    ticket.failed();
    this.lanes.trouble();
    return { kind: "lost" };
  }

  async mind(verdict, tries, link, links, signal) {
    const { kind, code, status, seconds } = verdict;
    if (kind === "away") return;
    if (kind === "lost") {
      tries.lost += 1;
      if (tries.lost % LOST_PER_LINK === 0) await links.renew(link.generation, signal);
      return;
    }
    if (kind === "fatal") throw refused(code, status);
    if (kind === "link") {
      tries.refused += 1;
      if (tries.refused >= LINKS_PER_SLICE) throw new UploadError("link_expired", { storage: code, status });
      // The first time at once, as links simply expire.
      if (tries.refused > 1) await this.clock.sleep(backoff(tries.refused, this.random), signal);
      await links.renew(link.generation, signal);
      return;
    }
    tries.failures += 1;
    if (kind === "damaged" && links.damaged) await links.damaged(tries.failures, signal);
    if (tries.failures >= ATTEMPTS) throw refused(code, status);
    await this.clock.sleep(backoff(tries.failures, this.random, seconds), signal);
  }
}

/**
 * The chosen file can be read and is the one that was chosen.
 *
 * @throws UploadError `file_changed` or `file_unreadable`.
 */
export async function readable(file, start = 0, end = 1) {
  compare(file, file.file);
  try {
    if (end > start) await file.file.slice(start, start + 1).arrayBuffer();
  } catch (error) {
    throw readError(error);
  }
}

/**
 * The chosen file is still as it was, as far as the browser tells.
 *
 * @throws UploadError `file_changed`.
 */
export async function unchanged(file) {
  compare(file, file.file);
  if (!file.handle) return;
  let now = null;
  try {
    now = await file.handle.getFile();
  } catch (error) {
    // Moved away after it was read: what was read is whole all the same.
    return;
  }
  compare(file, now);
}

function compare(file, { size, lastModified }) {
  if (size !== file.size || lastModified !== file.modified) {
    throw new UploadError("file_changed", { size: file.size, now: size });
  }
}

function refused(code, status) {
  return new UploadError("server_error", { storage: code, status });
}

function sendable(headers) {
  const kept = {};
  Object.entries(headers || {}).forEach(([name, value]) => {
    if (!OWN_HEADERS.has(name.toLowerCase())) kept[name] = value;
  });
  return kept;
}
