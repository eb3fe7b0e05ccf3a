// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Requests of the dialogs: what they need of the API beside the engine.

import { api } from "./adapter";
import { t } from "./text";

/** The answer's body; rejects with `code` and `params` as the engine's errors have them. */
export const ask = async (method, url, body) => {
  const { status, data } = await api(method, url, body).catch((error) => {
    throw Object.assign(error, { code: "offline", params: {} });
  });
  if (status < 400) return data;
  const code = data?.code || (status === 403 ? "forbidden" : "server_error");
  throw Object.assign(new Error(data?.message || code), {
    code: status === 401 ? "login_lost" : code,
    params: { ...data, status },
  });
};

/** What the site allows: limits, storage, credentials. Of a draft, or of one to be made. */
export const settingsOf = (id) =>
  ask("GET", id ? `/records/${id}/draft/uploads/settings` : "/uploads/settings");

/** Records in a page of the search. */
export const PAGE = 10;

/** Lucene's own signs have no meaning in what people type. */
const escaped = (words) => words.replace(/[+\-!(){}[\]^"~*?:\\/&|]/g, "\\$&");

/**
 * Records whose files can be linked.
 *
 * @param {"mine"|"all"} scope the user's own, drafts included, or all that can be read
 * @param {string} words that their titles and the like have; the last may be a beginning
 * @param {number} page from 1
 * @returns {Promise<{hits: object[], total: number}>}
 */
export const findRecords = async (scope, words, page = 1) => {
  const query = words.trim() && `${escaped(words.trim())}*`;
  const route = scope === "mine" ? "/user/records" : "/records";
  const sort = words.trim() ? "bestmatch" : "newest";
  const found = await ask(
    "GET",
    `${route}?q=${encodeURIComponent(query)}&size=${PAGE}&page=${page}&sort=${sort}`,
  );
  return { hits: found.hits.hits, total: found.hits.total };
};

/** The finished files of a record or draft: `[{key, size, checksum}]`. */
export const filesOf = async (record) => {
  if (record.known) return record.known;
  const { entries } = await ask("GET", record.links.files);
  return (entries || []).filter(({ status }) => status === "completed");
};

/** The version before this draft as a record whose files are known, or null. */
export const previousVersion = async (draft) => {
  const { record, files } = await ask("GET", `/records/${draft}/draft/links/previous`);
  if (!record) return null;
  const { id, version } = record;
  const title = t("Version {{number}}", { number: version });
  return { id, version, metadata: { title }, known: files };
};

/** For how many seconds the site lets unfinished uploads rest. */
export const longestRest = async (draft) => (await settingsOf(draft)).upload.lifetime_seconds;
