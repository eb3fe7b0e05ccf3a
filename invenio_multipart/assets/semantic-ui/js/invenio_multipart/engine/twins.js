// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Chosen files whose content is here already, in the draft or in the version before it. */

import * as S from "./states.js";

/** States in which it is too late to know. */
const OVER = new Set([S.COMPLETED, S.VERIFYING, S.COMMITTING]);

export class Twins {
  constructor({ board, hasher, closed }) {
    Object.assign(this, { board, hasher, closed });
    /** Finished files beside those of the draft, by their digests; and their sizes. */
    this.known = new Map();
    this.sizes = new Set();
    /** One file is read at a time, for its own parts are read as well. */
    this.turn = Promise.resolve();
  }

  /** There are more finished files. @param known `{key, size, checksum, record, version}` of each. */
  learn(known) {
    this.known = new Map(known.map((file) => [file.checksum, file]));
    this.sizes = new Set(known.map(({ size }) => size));
    this.board.files.forEach((file) => file.kind === "large" && this.look(file));
  }

  /**
   * Find out beside its upload whether a large file is here already.
   *
   * Its digest would be known only when all of it is sent. So it is read ahead, but only where a file of
   * the same size makes that likely.
   */
  look(file) {
    this.turn = this.turn.then(() => this.lookNow(file)).catch(() => {
      // Whatever keeps it from being read ends its upload as well, and is told there.
    });
  }

  /**
   * The MD5 of a small file is known.
   *
   * Those of the draft are compared in the list once they are finished: here it would cost a look at all of
   * them for each.
   */
  note(file, md5) {
    this.tell(file, this.known.get(`md5:${md5}`), false);
  }

  async lookNow(file) {
    if (!this.isWanted(file) || !(this.sizes.has(file.size) || this.mine(file).length)) return;
    const checksum = await this.read(file);
    const mine = this.mine(file).find((other) => other.checksum === checksum);
    if (this.isWanted(file)) this.tell(file, mine || this.known.get(checksum), true);
  }

  /** Digest of the chosen bytes, which are read once however often it is looked. */
  async read(file) {
    const { ahead, file: bytes } = file;
    if (ahead && ahead.bytes === bytes) return ahead.checksum;
    const session = this.hasher.open(bytes);
    try {
      const checksum = `md5:${await session.whole()}`;
      file.ahead = { bytes, checksum };
      return checksum;
    } finally {
      session.close();
    }
  }

  isWanted(file) {
    const { state, twin, size } = file;
    return this.board.has(file) && file.file && size && !twin && !OVER.has(state) && !this.closed.aborted;
  }

  /** Finished files of the draft that are as large. */
  mine(file) {
    return [...this.board.files.values()].filter(
      (other) => other !== file && other.state === S.COMPLETED && other.size === file.size
    );
  }

  /** @param offered whether there is time to link that one instead. */
  tell(file, twin, offered) {
    // Empty files are all the same, and nobody minds.
    if (!twin || !file.size) return;
    const { key, record = null, version = null } = twin;
    file.twin = Object.freeze({ key, record, version, offered });
    this.board.touch(file);
  }
}
