// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** What stores can be reached from this page, and why not. */

import { UploadError } from "./errors.js";
import { Gate } from "./gate.js";

/** A gateway that is just restarting looks like one that forbids us; so it is asked twice. */
const BELIEVED_AFTER = 2;

/** What a probe may find that waiting does not help with, and our codes for it. */
const BLOCKED = { cors: "cors_blocked", csp: "csp_blocked" };

export class Stores {
  constructor(parts, changed) {
    this.parts = parts;
    this.changed = changed;
    this.known = new Map();
  }

  /** What is known of the store that a link leads to. */
  of(url) {
    const origin = originOf(url);
    let store = this.known.get(origin);
    if (!store) {
      const gate = new Gate(this.parts, "storage_unreachable", this.changed);
      store = { origin, gate, worked: false, refusals: 0, probing: null };
      this.known.set(origin, store);
    }
    return store;
  }

  get all() {
    return [...this.known.values()];
  }

  /**
   * No answer came from a store: find out whether one ever can.
   *
   * @throws UploadError `cors_blocked` or `csp_blocked`, which an administrator has to mend.
   */
  async explain(store, url) {
    if (store.worked || !this.parts.network.online()) return;
    // However many parts have failed at once, it is asked once.
    if (!store.probing) {
      store.probing = this.probe(store, url).finally(() => {
        store.probing = null;
      });
    }
    const reason = await store.probing;
    if (reason === "csp" || store.refusals >= BELIEVED_AFTER) {
      throw new UploadError(BLOCKED[reason], { address: store.origin });
    }
  }

  async probe(store, url) {
    let reason = null;
    try {
      ({ reason } = await this.parts.transport.probe(url));
    } catch (error) {
      // The probe broke off: that is no verdict.
    }
    store.refusals = BLOCKED[reason] ? store.refusals + 1 : 0;
    return reason;
  }

  /** Forget verdicts and try at once: somebody asked for it. */
  knock() {
    this.known.forEach((store) => {
      store.refusals = 0;
      store.gate.knock();
    });
  }
}

/** Scheme, host and port of an address; "" for one of the site itself without these. */
export function originOf(url) {
  const found = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(url);
  return found ? found[0] : "";
}
