// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Names of files as the server takes them. */

/** Longest key in bytes of UTF-8; S3's own limit. */
const MAX_BYTES = 1024;

/** Longest key in characters on a site that says nothing else (FILES_REST_OBJECT_KEY_MAX_LEN). */
const MAX_CHARS = 255;

/**
 * The key of a chosen file: its path, with what no server takes left out.
 *
 * @param path with "/" between folders, as browsers have it.
 * @param maxChars characters that the site takes.
 * @returns null when nothing is left of it, or its folders alone are too long.
 */
export function cleanKey(path, maxChars = MAX_CHARS) {
  const segments = wellFormed(String(path))
    .normalize("NFC")
    // Control characters, those of ISO 8859 as well: the server refuses both.
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, "_")
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".")
    .map(withoutClimbing);
  if (segments.length === 0) return null;
  return shortened(segments.join("/"), maxChars);
}

/** The same for keys that a person cannot tell apart: composed and decomposed letters. */
export function foldKey(key) {
  return key.normalize("NFC");
}

/**
 * A key like this one that is not taken: "a.txt" becomes "a (2).txt".
 *
 * @param taken whether a key is.
 */
export function freeKey(key, taken, maxChars = MAX_CHARS) {
  for (let number = 2; ; number += 1) {
    const { stem, ending } = parts(key);
    const mark = ` (${number})`;
    const room = maxChars - mark.length - ending.length;
    const found = `${clipped(stem, room, MAX_BYTES - bytes(mark + ending))}${mark}${ending}`;
    if (!taken(found)) return found;
  }
}

/** The key in an address: its folders stay folders. */
export function keyPath(key) {
  return key.split("/").map(encodeURIComponent).join("/");
}

/** Whether any folder or the file itself is hidden, by its dot. */
export function isHidden(path) {
  return String(path).split("/").some((segment) => /^\.[^.]/.test(segment));
}

function withoutClimbing(segment) {
  // A backslash is part of a name here, unless the server would take it for a way out.
  const climbs = segment.split("\\").some((piece) => piece === ".." || piece === ".");
  if (segment === "..") return "_";
  return climbs ? segment.replace(/\\/g, "_") : segment;
}

function shortened(key, maxChars) {
  if (length(key) <= maxChars && bytes(key) <= MAX_BYTES) return key;
  const { stem, ending } = parts(key);
  const folders = stem.lastIndexOf("/") + 1;
  const short = clipped(stem, maxChars - length(ending), MAX_BYTES - bytes(ending));
  // Files of different folders must not meet in one name.
  return short.length > folders ? short + ending : null;
}

function parts(key) {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const found = /^.+?((?:\.[A-Za-z0-9]{1,8}){1,2})$/.exec(name);
  const ending = found ? found[1] : "";
  return { stem: key.slice(0, key.length - ending.length), ending };
}

function clipped(text, maxChars, maxBytes) {
  const characters = [...text];
  characters.length = Math.min(characters.length, Math.max(maxChars, 0));
  while (bytes(characters.join("")) > maxBytes) characters.pop();
  return characters.join("");
}

function length(text) {
  return [...text].length;
}

function bytes(text) {
  return new TextEncoder().encode(text).length;
}

function wellFormed(text) {
  // Halves of characters, which no JSON or address can hold.
  return Array.from(text, (sign) => (/^[\ud800-\udfff]$/.test(sign) ? "\ufffd" : sign)).join("");
}
