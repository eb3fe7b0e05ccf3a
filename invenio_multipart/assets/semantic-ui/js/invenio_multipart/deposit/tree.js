// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Files with paths as the rows of a tree. No React here: tests run it as it is.

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const folderOf = (key) => key.slice(0, key.lastIndexOf("/") + 1);

/** Folders before files, then by name with numbers as people count. */
const compare = (a, b) => {
  const left = a.split("/");
  const right = b.split("/");
  for (let i = 0; ; i += 1) {
    const leftEnds = i === left.length - 1;
    const rightEnds = i === right.length - 1;
    if (leftEnds !== rightEnds) return leftEnds ? 1 : -1;
    const order = collator.compare(left[i], right[i]) || (left[i] < right[i] ? -1 : 1);
    if (left[i] !== right[i]) return order;
    if (leftEnds) return 0;
  }
};

/** Keys in the order of the list. */
export const inOrder = (keys) => [...keys].sort(compare);

const newFolder = (path, depth) => ({
  type: "folder",
  id: `/${path}`,
  path,
  name: path.split("/").slice(-2)[0],
  depth,
  files: 0,
  done: 0,
  failed: 0,
  size: 0,
  doneBytes: 0,
});

const count = (folder, { state, size, doneBytes }) => {
  folder.files += 1;
  folder.size += size || 0;
  folder.doneBytes += state === "completed" ? size || 0 : doneBytes || 0;
  if (state === "completed") folder.done += 1;
  if (state === "failed" || state === "missing") folder.failed += 1;
};

/** "a/b/" -> ["a/", "a/b/"]. */
const chain = (folder) => {
  const names = folder.split("/").slice(0, -1);
  return names.map((_, i) => `${names.slice(0, i + 1).join("/")}/`);
};

/**
 * The rows that are to be seen.
 *
 * @param {object[]} files the engine's file states, in the order of `inOrder`
 * @param {Set<string>} closed paths of folders that are folded up, each with its last "/"
 * @returns {object[]} `{type: "file", id, file, name, depth}` and `{type: "folder", id, path,
 *   name, depth, files, done, failed, size, doneBytes}`; a folder counts all below it
 */
export const treeRows = (files, closed) => {
  const rows = [];
  const folders = new Map();
  for (const file of files) {
    const path = folderOf(file.key);
    const above = path ? chain(path) : [];
    above.forEach((step, depth) => {
      if (!folders.has(step)) {
        folders.set(step, newFolder(step, depth));
        if (!above.slice(0, depth).some((p) => closed.has(p))) rows.push(folders.get(step));
      }
      count(folders.get(step), file);
    });
    if (above.some((step) => closed.has(step))) continue;
    const name = file.key.slice(path.length);
    rows.push({ type: "file", id: file.id, file, name, depth: above.length });
  }
  return rows;
};

/** Files below a folder, or the files of these ids. */
export const filesBelow = (files, path) => files.filter(({ key }) => key.startsWith(path));

/**
 * Files of equal content: key of each but the first -> `{key, version}` of the first.
 *
 * Finished files are compared by the digests that the server has given. For others the engine
 * may have found one: in the draft, or in the version before it, whose number `version` is.
 */
export const twinsOf = (files) => {
  const first = new Map();
  const twins = new Map();
  const done = new Set();
  for (const { key, state, size, checksum } of files) {
    // Empty files are all the same, and nobody minds.
    if (state !== "completed" || !checksum || !size) continue;
    done.add(key);
    if (first.has(checksum)) twins.set(key, { key: first.get(checksum), version: null });
    else first.set(checksum, key);
  }
  for (const { key, twin } of files) {
    if (twin && !twins.has(key) && (twin.version || done.has(twin.key))) twins.set(key, twin);
  }
  return twins;
};

/** Whether a file is one of those looked for, by a part of its path. */
export const matches = (file, words) =>
  words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => file.key.toLowerCase().includes(word));
