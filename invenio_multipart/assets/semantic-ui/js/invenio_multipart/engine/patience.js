// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Shows in a file's state that it waits, for whatever it waits. */

import * as S from "./states.js";

/** States from which a file may be seen to wait. */
const CAN_WAIT = new Set([S.QUEUED, S.CHECKING, S.UPLOADING, S.COMMITTING, S.VERIFYING]);

export class Patience {
  constructor(board) {
    this.board = board;
  }

  /** A gate's ticket for the file, see {@link Gate#pass}; meanwhile it is seen to wait. */
  async pass(gate, file, signal) {
    const ticket = await gate.pass(signal, this.of(file, signal));
    this.end(file);
    return ticket;
  }

  /** Options of a call that is made for the file. */
  options(file, signal) {
    return { signal, onWait: this.of(file, signal) };
  }

  /** Shows a code in the file, as long as it is this run of it that waits. */
  of(file, signal) {
    return (code) => {
      if (signal && !signal.aborted) this.begin(file, code);
    };
  }

  begin(file, code, params = {}) {
    if (!CAN_WAIT.has(file.state) && file.state !== S.WAITING) return;
    if (file.state === S.WAITING && file.error.code === code) return;
    this.board.move(file, S.WAITING, { code, params });
  }

  /** Bytes are to be sent from now on, whether or not that has to wait. */
  advance(file) {
    if (file.state === S.WAITING && file.before !== S.COMMITTING) file.before = S.UPLOADING;
    else if (file.state === S.CHECKING || file.state === S.QUEUED) this.board.move(file, S.UPLOADING);
  }

  /** Nothing is waited for any more. */
  end(file) {
    if (file.state === S.WAITING) this.board.move(file, file.before);
  }
}
