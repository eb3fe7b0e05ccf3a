// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** What can go wrong, by a stable code, and which answers may be tried again. */

/**
 * A reason why something did not work; the page has words for each code.
 *
 * `again` says what a new try is worth: `no`, `counted` (a few times) or `away` (the other side is
 * not there: as long as it takes).
 */
export class UploadError extends Error {
  constructor(code, params = {}, { again = "no", seconds = null, status = 0, lost = false } = {}) {
    super(code);
    this.name = "UploadError";
    this.code = code;
    this.params = params;
    this.again = again;
    /** Seconds that the other side asked to wait; null when it did not. */
    this.seconds = seconds;
    /** HTTP status; 0 without an answer. */
    this.status = status;
    /** The request may have been carried out although no good answer came. */
    this.lost = lost;
  }

  /** As the snapshot has it. */
  get asState() {
    return { code: this.code, params: this.params };
  }
}

/** Statuses of servers that are not there just now, or want to be left alone. */
const AWAY = new Set([408, 425, 429, 502, 503, 504]);

/** The store no longer takes this link; the API knows why, or gives another one. */
const LINK_REFUSED = new Set([401, 403, 404, 410]);

/** Codes of a store that got other bytes than were announced. */
const DAMAGED = new Set(["BadDigest", "part_refused", "InvalidDigest"]);

/** Codes of a store that lost the connection in the middle of a body. */
const INTERRUPTED = new Set(["IncompleteBody", "RequestTimeout"]);

/** InvenioRDM says so of a vocabulary that it could not read just now. */
const LOST_TERM = "Not a valid value.";

/**
 * The error that an answer of the API stands for.
 *
 * @param reply `{status, headers, data}` outside 200..299.
 * @param now milliseconds, for dates in Retry-After.
 */
export function apiError({ status, headers, data }, now) {
  const body = data && typeof data === "object" ? data : {};
  const params = paramsOf(body);
  const seconds = retryAfter(header(headers, "retry-after"), now);
  if (AWAY.has(status)) {
    const code = body.code || "server_error";
    return new UploadError(code, params, { again: "away", seconds, status, lost: true });
  }
  if (status >= 500 || isGlitch(status, body)) {
    const code = body.code || "server_error";
    return new UploadError(code, { ...params, status }, { again: "counted", seconds, status, lost: true });
  }
  if (status === 401) return new UploadError("login_lost", params, { status });
  if (status === 403) return new UploadError("forbidden", params, { status });
  return new UploadError(body.code || plainCode(status, body), { ...params, status }, { status });
}

/** No answer came at all. */
export function noAnswer(code = "offline") {
  return new UploadError(code, {}, { again: "away", lost: true });
}

/**
 * What an answer of the store means for the part that was sent.
 *
 * @returns `{kind, code, seconds}`; kind is `ok`, `away`, `counted`, `link`, `damaged` or `fatal`.
 */
export function putVerdict({ status, headers, body }, now) {
  const code = storeCode(body);
  const seconds = retryAfter(header(headers, "retry-after"), now);
  let kind = "fatal";
  if (status >= 200 && status < 300) kind = "ok";
  else if (AWAY.has(status) || code === "SlowDown") kind = "away";
  else if (status >= 500) kind = "counted";
  else if (LINK_REFUSED.has(status)) kind = "link";
  else if (status === 400 && DAMAGED.has(code)) kind = "damaged";
  else if (status === 400 && (INTERRUPTED.has(code) || isCsrf(body))) kind = "counted";
  return { kind, code, seconds, status };
}

/**
 * Seconds to wait by a Retry-After header, in either of its two forms; null for none.
 *
 * Source: RFC 9110, section 10.2.3.
 */
export function retryAfter(value, now) {
  if (value === null || value === undefined || value === "") return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? null : Math.max(moment - now, 0) / 1000;
}

/** A header's value whatever its case, null without one. */
export function header(headers, name) {
  if (!headers) return null;
  if (typeof headers.get === "function") return headers.get(name);
  const found = Object.keys(headers).find((key) => key.toLowerCase() === name);
  return found === undefined ? null : headers[found];
}

/** What a failed read of the chosen file means. */
export function readError(error) {
  if (error instanceof UploadError) return error;
  // Browsers say so of a file that was written to since it was chosen.
  const code = error && error.name === "NotReadableError" ? "file_changed" : "file_unreadable";
  return new UploadError(code, { reason: String((error && error.message) || error) });
}

function isGlitch(status, body) {
  return status === 400 && (body.message === LOST_TERM || isCsrf(body));
}

function isCsrf(body) {
  // The token is renewed with each such refusal, so the next try has a good one.
  const said = typeof body === "string" ? body : body.message || body.reason;
  return typeof said === "string" && /^CSRF|"CSRF (cookie|token)/.test(said.trimStart());
}

function plainCode(status, body) {
  if (status === 404) return "not_found";
  if (status === 410) return "gone";
  if (status === 413) return "too_large";
  if (status === 400 && /already exists/.test(body.message || "")) return "exists";
  return "server_error";
}

function paramsOf(body) {
  const { status, code, errors, ...params } = body;
  const first = Array.isArray(errors) ? errors[0] : null;
  if (first && first.field) params.field = first.field;
  return params;
}

function storeCode(body) {
  const text = typeof body === "string" ? body : "";
  const xml = /<Code>([^<]*)<\/Code>/.exec(text);
  if (xml) return xml[1];
  const json = /"code"\s*:\s*"([^"]*)"/.exec(text);
  return json ? json[1] : "";
}
