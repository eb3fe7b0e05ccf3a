// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Where files are on the user's disk, kept over a reload: then one click goes on. Only
// Chromium has such handles. They open nothing before the user has agreed anew.

const NAME = "invenio-multipart";
const TABLE = "handles";

const openDatabase = () =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const inTable = async (mode, work) => {
  let database;
  try {
    database = await openDatabase();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode);
      const request = work(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = () => reject(transaction.error);
    });
  } catch (error) {
    // A private window has no database: the user chooses the file once more.
    return undefined;
  } finally {
    database?.close();
  }
};

const place = (draft, key) => `${draft}/${key}`;

/** Remember where the files of a draft are. `chosen` as from `chosen.js`. */
export const keepHandles = (draft, chosen) =>
  inTable("readwrite", (table) => {
    for (const { path, handle } of chosen) {
      if (handle) table.put(handle, place(draft, path));
    }
  });

/** Forget the files of a draft that are finished or gone. */
export const dropHandles = (draft, keys) =>
  inTable("readwrite", (table) => {
    for (const key of keys) table.delete(place(draft, key));
  });

/** Keys of the draft's files that one click can open again: a Set. */
export const keptKeys = async (draft) => {
  const all = (await inTable("readonly", (table) => table.getAllKeys())) || [];
  const start = place(draft, "");
  return new Set(all.filter((k) => k.startsWith(start)).map((k) => k.slice(start.length)));
};

/** The file behind a kept handle, after the browser has asked the user; or null. */
export const openKept = async (draft, key) => {
  const handle = await inTable("readonly", (table) => table.get(place(draft, key)));
  if (!handle) return null;
  try {
    const granted = await handle.requestPermission({ mode: "read" });
    return granted === "granted" ? await handle.getFile() : null;
  } catch (error) {
    // Moved or deleted since.
    return null;
  }
};
