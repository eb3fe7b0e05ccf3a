// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

/** Says of an error what it means for a file. */

import { UploadError } from "./errors.js";

/** Failures after which what is on the server is of no use for another try. */
export const START_OVER = new Set(["checksum_mismatch", "different_file", "file_changed", "parts_mismatch"]);

/** Failures of which the whole draft is the reason. */
const OF_ENDED = { expired: "deadline_passed", aborted: "upload_not_found" };

/** @returns a function of a file and an error that gives `{code, params}`. */
export function explainer(server) {
  return async (file, error) => {
    const known = error instanceof UploadError ? error : unknown(error);
    const ended = known.status === 409 && OF_ENDED[known.params.state];
    if ((ended || [404, 410].includes(known.status)) && server.draft) {
      return whatIsGone(server, file, known, ended);
    }
    if (known.code === "access_denied" || known.code === "upload_forbidden") {
      return { code: "forbidden", params: known.params };
    }
    return known.asState;
  };
}

async function whatIsGone(server, file, error, ended) {
  try {
    if (await server.draftIsGone()) return { code: "draft_gone", params: {} };
  } catch (other) {
    return { code: other.code || "server_error", params: other.params || {} };
  }
  // Only the entry is gone: its time was over, or somebody has deleted it.
  file.announced = false;
  if (ended) return { code: ended, params: error.params };
  const late = file.deadline && Date.parse(file.deadline) <= server.now();
  return { code: late ? "deadline_passed" : "upload_not_found", params: error.params };
}

function unknown(error) {
  return new UploadError("server_error", { reason: String((error && error.message) || error) });
}
