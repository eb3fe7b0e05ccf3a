// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// What the engine needs of a browser: requests to the store, time, memory, network.

export { createHasher } from "./hasher";

/** How long a transfer may stand still before it counts as lost, in ms. */
const STALL = 60_000;
/** How long a probe of a store may take, in ms. */
const PROBE = 10_000;

// Browsers set these themselves and refuse to be told.
const OWN = new Set(["content-length", "host", "connection"]);

const cookie = (name) =>
  document.cookie
    .split("; ")
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const isOurs = (url) =>
  new URL(url, window.location.href).origin === window.location.origin;

const prepare = (xhr, url, headers) => {
  xhr.open("PUT", url);
  for (const [name, value] of Object.entries(headers || {})) {
    if (!OWN.has(name.toLowerCase())) xhr.setRequestHeader(name, value);
  }
  if (isOurs(url)) {
    // Local storage: the bytes go to the site itself, which wants to know its user.
    xhr.setRequestHeader("Content-Type", "application/octet-stream");
    const token = cookie("csrftoken");
    if (token) xhr.setRequestHeader("X-CSRFToken", token);
  }
};

const answerOf = (xhr) => ({
  status: xhr.status,
  // Unreadable where the store's CORS rules do not expose it.
  headers: {
    etag: xhr.getResponseHeader("ETag"),
    "retry-after": isOurs(xhr.responseURL || "/")
      ? xhr.getResponseHeader("Retry-After")
      : null,
  },
  body: xhr.responseText,
});

const refused = (message, more) => Object.assign(new Error(message), more);

/**
 * Send `body` to `url`.
 *
 * XMLHttpRequest, because fetch does not tell how much has been sent.
 *
 * @returns {Promise<{status: number, headers: {etag: string|null}, body: string}>} for any
 *   status; rejects when no answer came, with the name `AbortError` when `signal` ended it
 */
const put = (url, body, headers, { onProgress, signal } = {}) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    let watch;
    const abort = () => xhr.abort();
    const moved = () => {
      clearTimeout(watch);
      watch = setTimeout(abort, STALL);
    };
    const end = (settle, value) => {
      clearTimeout(watch);
      signal?.removeEventListener("abort", abort);
      settle(value);
    };
    xhr.upload.onprogress = ({ loaded }) => {
      moved();
      onProgress?.(loaded);
    };
    xhr.onload = () => end(resolve, answerOf(xhr));
    xhr.onerror = () => end(reject, refused("No answer.", { offline: true }));
    xhr.onabort = () =>
      end(
        reject,
        signal?.aborted
          ? new DOMException("Ended.", "AbortError")
          : refused("Nothing moved for a minute.", { offline: true }),
      );
    prepare(xhr, url, headers);
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
    moved();
    return xhr.send(body);
  });

const quickly = (promise) =>
  Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(refused("Too late.")), PROBE)),
  ]);

/** What the page's own policy has refused while `work` ran: a list of addresses. */
const policyRefusals = async (work) => {
  const blocked = [];
  const note = ({ blockedURI }) => blocked.push(blockedURI);
  document.addEventListener("securitypolicyviolation", note);
  try {
    await work();
  } finally {
    document.removeEventListener("securitypolicyviolation", note);
  }
  return blocked;
};

/** The address with a signature that is none: the store refuses it and stores nothing. */
const unsigned = (url) => {
  const harmless = new URL(url);
  harmless.searchParams.set("X-Amz-Signature", "0".repeat(64));
  return harmless.href;
};

/**
 * Whether the browser lets a body go there at all, after its question to the store.
 *
 * The answer to the body says nothing: some stores leave the CORS headers out of refusals.
 */
const mayLeave = (url) =>
  new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    xhr.upload.onload = () => resolve(true);
    xhr.onload = () => resolve(true);
    xhr.onerror = () => resolve(false);
    xhr.onabort = () => resolve(false);
    xhr.timeout = PROBE;
    xhr.ontimeout = () => resolve(false);
    xhr.open("PUT", unsigned(url));
    // A header like those of a part, so that the browser asks for the same permission.
    xhr.setRequestHeader("Content-MD5", "xMpCOKC5I4INzFCab3WEmw==");
    xhr.send("1");
  });

/**
 * Whether this page may send to the store at `url`, and if not why.
 *
 * @returns {Promise<{ok: boolean, reason: null|"csp"|"cors"|"network", host: string}>}
 */
const probe = async (url) => {
  const { host, origin } = new URL(url, window.location.href);
  if (isOurs(url)) return { ok: true, reason: null, host };
  let open = false;
  let there = false;
  const blocked = await policyRefusals(async () => {
    open = await mayLeave(url);
    if (open) return;
    const knocked = fetch(origin, { mode: "no-cors", credentials: "omit" });
    there = await quickly(knocked).then(
      () => true,
      () => false,
    );
  });
  if (open) return { ok: true, reason: null, host };
  if (blocked.some((uri) => uri.startsWith(origin)))
    return { ok: false, reason: "csp", host };
  return { ok: false, reason: there ? "cors" : "network", host };
};

/** The engine's way to the store. */
export const transport = { put, probe };

/** The engine's clock. */
export const clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      let timer;
      const end = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      if (signal?.aborted) return end();
      timer = setTimeout(() => {
        signal?.removeEventListener("abort", end);
        resolve();
      }, ms);
      return signal?.addEventListener("abort", end, { once: true });
    }),
  every: (ms, fn) => {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};

const KEYS = "invenio-multipart:";

const quietly = (work) => {
  try {
    return work();
  } catch (error) {
    // A private window, or a full disk: hints are lost, and nothing else.
    return null;
  }
};

/** Hints that outlive the page; never a credential. */
export const store = {
  get: (key) => quietly(() => JSON.parse(localStorage.getItem(KEYS + key))),
  set: (key, value) =>
    quietly(() => localStorage.setItem(KEYS + key, JSON.stringify(value))),
  remove: (key) => quietly(() => localStorage.removeItem(KEYS + key)),
};

/** Whether the machine has a network, as far as the browser knows. */
export const network = {
  online: () => navigator.onLine,
  onChange: (fn) => {
    window.addEventListener("online", fn);
    window.addEventListener("offline", fn);
    return () => {
      window.removeEventListener("online", fn);
      window.removeEventListener("offline", fn);
    };
  },
};
