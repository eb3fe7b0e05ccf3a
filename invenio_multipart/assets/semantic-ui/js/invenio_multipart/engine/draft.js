// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** The draft that files go to, which may have to be made first. */

import { UploadError, noAnswer } from "./errors.js";
import { check } from "./pauses.js";

/**
 * @returns `{ready(file, signal)}`: the server knows its draft. However many files wait, the form is
 *     saved once.
 */
export function makeDraft(parts) {
  const { server } = parts;
  let making = null;
  return {
    async ready(file, signal) {
      while (!server.draft) {
        if (!making) {
          making = make(parts, file, signal).finally(() => {
            making = null;
          });
        }
        try {
          await making;
        } catch (error) {
          check(signal);
          // Whoever began it may just have been paused.
          if (error instanceof UploadError) throw error;
        }
      }
      check(signal);
    },
  };
}

async function make({ ensureDraft, server, patience, gate }, file, signal) {
  for (;;) {
    const ticket = file ? await patience.pass(gate, file, signal) : await gate.pass(signal);
    try {
      const draft = await ensureDraft();
      ticket.worked();
      server.use(draft);
      return;
    } catch (error) {
      if (!error || !error.offline) {
        ticket.left();
        throw refusal(error);
      }
      ticket.failed();
    }
  }
}

function refusal(error) {
  if (error instanceof UploadError) return error;
  const { code = "draft_not_saved", params, message } = error || {};
  return error && error.offline ? noAnswer() : new UploadError(code, params || { reason: String(message) });
}
