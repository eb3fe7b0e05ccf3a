// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Takes chosen files on: names, limits and files that are there already. */

import { cleanKey, foldKey, freeKey } from "./keys.js";
import * as S from "./states.js";

/** Failures that choosing the file again may cure. */
const OF_BYTES = new Set(["file_changed", "file_unreadable", "different_file"]);

export class Adding {
  constructor({ board, options, largeQueue, small, controls, tell }) {
    Object.assign(this, { board, options, largeQueue, small, controls, tell });
  }

  /**
   * The files are on the board and on their way, or it is said why not.
   *
   * @param chosen `{file, path, handle?}` each.
   * @param choose asked once about all files whose names are taken.
   * @returns `{added: [id], refused: [{path, code, params}]}`.
   */
  async add(chosen, choose) {
    const refused = [];
    const wanted = this.named(chosen, refused);
    const { fresh, unfinished, conflicts } = this.sort(wanted);
    const settled = await this.settle(conflicts, choose);
    const all = [...fresh, ...settled];
    const room = this.withinLimits(all, refused);
    unfinished.forEach(({ row, item }) => this.controls.attach(row.id, item.file, item.handle));
    for (const item of room) if (item.replaces) await this.controls.give(item.replaces);
    const files = room.map((item) => this.place(item));
    this.send(files);
    const ids = [...unfinished.map(({ row }) => row.id), ...files.map((file) => file.id)];
    return { added: ids, refused };
  }

  named(chosen, refused) {
    const wanted = [];
    let renamed = 0;
    chosen.forEach(({ file, path, handle = null }) => {
      const given = path || file.name;
      const key = cleanKey(given, this.options.maxKeyChars);
      if (key === null) refused.push({ path: given, code: "invalid_key", params: { path: given } });
      else wanted.push({ file, path: given, key, handle, replaces: null });
      if (key !== null && key !== given.normalize("NFC")) renamed += 1;
    });
    if (renamed) this.tell("names_cleaned", { files: renamed });
    return wanted;
  }

  /** New names; files that go on; names that are taken, by files there or chosen as well. */
  sort(wanted) {
    const seen = new Set();
    const sorted = { fresh: [], unfinished: [], conflicts: [] };
    wanted.forEach((item) => {
      const folded = foldKey(item.key);
      const row = this.board.find(item.key);
      if (seen.has(folded)) sorted.conflicts.push({ item, row: null });
      else if (!row) sorted.fresh.push(item);
      else if (isUnfinished(row) || this.controls.isHeld(row)) sorted.unfinished.push({ row, item });
      else sorted.conflicts.push({ item, row });
      seen.add(folded);
    });
    return sorted;
  }

  async settle(conflicts, choose) {
    if (!conflicts.length) return [];
    const asked = conflicts.map(({ item, row }) => ({
      key: item.key,
      size: item.file.size,
      where: row && row.state === S.COMPLETED ? "server" : "queue",
      existing: row ? row.view() : null,
    }));
    const answers = (choose && (await choose(asked))) || {};
    const taken = new Set(conflicts.map(({ item }) => foldKey(item.key)));
    return conflicts.flatMap((conflict) => this.decide(conflict, answers[conflict.item.key], taken));
  }

  decide({ item, row }, answer, taken) {
    if (answer === "rename") {
      const isTaken = (key) => taken.has(foldKey(key)) || Boolean(this.board.find(key));
      const key = freeKey(item.key, isTaken, this.options.maxKeyChars);
      taken.add(foldKey(key));
      return [{ ...item, key }];
    }
    // Of two chosen files with one name there is nothing to replace yet: the first one stays.
    if (answer === "replace" && row) return [{ ...item, replaces: row }];
    return [];
  }

  /** The items that the site takes, all numbers told of those that it does not. */
  withinLimits(items, refused) {
    const { maxFiles, maxSize, quota } = this.options;
    const small = items.filter((item) => {
      const { size } = item.file;
      const tooLarge = maxSize && size > maxSize;
      if (tooLarge) refused.push({ path: item.path, code: "too_large", params: { limit: maxSize, size } });
      return !tooLarge;
    });
    const tooLarge = items.length - small.length;
    if (tooLarge) this.tell("too_large", { limit: maxSize, files: tooLarge });
    if (!small.length) return [];
    const problem = this.overLimit(small, { maxFiles, quota });
    if (!problem) return small;
    this.tell(problem.code, problem.params);
    small.forEach(({ path }) => refused.push({ path, ...problem }));
    return [];
  }

  overLimit(items, { maxFiles, quota }) {
    const replaced = items.map((item) => item.replaces).filter(Boolean);
    const present = this.board.files.size - replaced.length;
    const files = present + items.length;
    if (maxFiles && files > maxFiles) {
      return { code: "too_many_files", params: { limit: maxFiles, files, present, chosen: items.length } };
    }
    let used = 0;
    this.board.files.forEach((file) => {
      used += file.size;
    });
    replaced.forEach((file) => {
      used -= file.size;
    });
    const chosen = items.reduce((sum, { file }) => sum + file.size, 0);
    if (quota && used + chosen > quota) {
      return { code: "quota_exceeded", params: { limit: quota, used, chosen, size: used + chosen } };
    }
    return null;
  }

  place({ file, key, handle }) {
    const { size, lastModified: modified } = file;
    return this.board.add({ key, size, modified, file, handle, state: S.QUEUED });
  }

  /** Small ones go together when that is worth a batch. */
  send(files) {
    const { smallBytes, batchFrom } = this.options;
    const small = files.filter((file) => file.size <= smallBytes);
    const together = small.length >= batchFrom || (small.length > 0 && this.small.active);
    const alone = together ? files.filter((file) => file.size > smallBytes) : files;
    if (together) small.forEach((file) => this.small.offer(file));
    alone.forEach((file) => this.largeQueue.offer(file));
  }
}

function isUnfinished(row) {
  if (row.state === S.MISSING) return true;
  return row.state === S.FAILED && (row.file === null || OF_BYTES.has(row.error.code));
}
