// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// From what a user chose or dropped to files with their paths.

/** A file as the engine takes it: `{file, path, handle?}`. */
const entry = (file, path, handle) => ({
  file,
  // One spelling of accented letters, whatever system the folder is from.
  path: path.normalize("NFC"),
  ...(handle && { handle }),
});

/** Files of an `<input>`; of a folder with the paths below and including it. */
export const fromInput = (files) =>
  Array.from(files, (file) => entry(file, file.webkitRelativePath || file.name));

const fromHandle = async (handle, folder = "") => {
  const path = folder + handle.name;
  if (handle.kind === "file") return [entry(await handle.getFile(), path, handle)];
  const found = [];
  for await (const child of handle.values()) {
    found.push(...(await fromHandle(child, `${path}/`)));
  }
  return found;
};

const readAll = (reader) =>
  new Promise((resolve, reject) => {
    const found = [];
    // Chromium gives a hundred at a time, and an empty list after the last.
    const next = () =>
      reader.readEntries((some) => {
        found.push(...some);
        if (some.length) next();
        else resolve(found);
      }, reject);
    next();
  });

const fromEntry = async (item, folder = "") => {
  const path = folder + item.name;
  if (item.isFile) {
    const file = await new Promise((resolve, reject) => item.file(resolve, reject));
    return [entry(file, path)];
  }
  const children = await readAll(item.createReader());
  const found = [];
  for (const child of children) found.push(...(await fromEntry(child, `${path}/`)));
  return found;
};

const flat = async (promises) => (await Promise.all(promises)).flat();

/**
 * Files of a drop, with the paths below dropped folders.
 *
 * To be called within the event: browsers empty the list of items when it has passed.
 */
export const fromDrop = (transfer) => {
  const items = Array.from(transfer.items || []).filter(({ kind }) => kind === "file");
  if (items.length && items[0].getAsFileSystemHandle && window.isSecureContext) {
    const handles = items.map((item) => item.getAsFileSystemHandle());
    return flat(handles.map(async (promise) => fromHandle(await promise)));
  }
  if (items.length && items[0].webkitGetAsEntry) {
    const entries = items.map((item) => item.webkitGetAsEntry()).filter(Boolean);
    if (entries.length) return flat(entries.map((item) => fromEntry(item)));
  }
  return Promise.resolve(fromInput(transfer.files));
};

const CANCELLED = "AbortError";

const picked = async (pick) => {
  try {
    return await pick();
  } catch (error) {
    if (error.name === CANCELLED) return [];
    throw error;
  }
};

/**
 * Let the user choose files by handles, which survive a reload.
 *
 * @returns {null|Promise<object[]>} null where the browser has none: use an `<input>`
 */
export const pickFiles = () =>
  window.showOpenFilePicker
    ? picked(async () =>
        flat(
          (await window.showOpenFilePicker({ multiple: true })).map((h) => fromHandle(h)),
        ),
      )
    : null;

/** As `pickFiles`, for a folder and all that is in it. */
export const pickFolder = () =>
  window.showDirectoryPicker
    ? picked(async () => fromHandle(await window.showDirectoryPicker()))
    : null;

const SYSTEM = new Set(["thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"]);

/** Whether a path is one that file managers do not show, or make by themselves. */
export const isHidden = (path) =>
  path.split("/").some((name) => name.startsWith(".") || SYSTEM.has(name.toLowerCase()));
