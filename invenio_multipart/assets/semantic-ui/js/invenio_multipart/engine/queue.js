// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Large files in the order in which they were chosen; some of them are under way. */

import { UploadError } from "./errors.js";
import * as S from "./states.js";

/** Files under way at least: while one is begun or committed, another one is sent. */
const LEAST = 2;

export class LargeQueue {
  /** `ready` makes sure that there is a draft. */
  constructor({ board, lanes, large, explain, ready }) {
    Object.assign(this, { board, lanes, large, explain, ready });
    this.queue = new Set();
    this.sending = new Set();
  }

  offer(file) {
    this.board.move(file, S.QUEUED);
    file.kind = "large";
    this.queue.add(file);
    this.pump();
  }

  drop(file) {
    this.queue.delete(file);
  }

  /** Queued files that may be begun along with others. */
  more(count) {
    const found = [];
    for (const file of this.queue) {
      if (found.length >= count) break;
      if (!file.announced && !file.beginning) found.push(file);
    }
    return found;
  }

  pump() {
    for (const file of this.queue) {
      if (this.sending.size >= Math.max(LEAST, this.lanes.limit)) return;
      this.queue.delete(file);
      this.start(file);
    }
  }

  start(file) {
    const controller = new AbortController();
    file.controller = controller;
    this.sending.add(file);
    const onSent = () => {
      this.sending.delete(file);
      this.pump();
    };
    file.run = this.run(file, controller, onSent).finally(() => {
      if (file.controller === controller) file.controller = null;
      onSent();
    });
  }

  async run(file, controller, onSent) {
    const { signal } = controller;
    try {
      // One that was just paused may still be on its way out.
      await file.run;
      await this.ready(file, signal);
      await this.large.run(file, signal, onSent);
    } catch (error) {
      // Whoever ended it has seen to its state.
      if (signal.aborted) return;
      const known = error instanceof UploadError ? error : unknown(error);
      const why = await this.explain(file, known);
      if (!signal.aborted && file.state !== S.COMPLETED) this.board.move(file, S.FAILED, why);
    }
  }
}

function unknown(error) {
  return new UploadError("server_error", { reason: String((error && error.message) || error) });
}
