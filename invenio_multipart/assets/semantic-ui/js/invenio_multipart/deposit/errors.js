// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// What went wrong, in words, and what to do. One entry for each code of the engine and
// for those of the server that a user of this page can meet.

import { bytes } from "./format";
import { t } from "./text";

const tooLarge = (limit, size, files, decimal) => {
  if (!limit) return t("The file is larger than the repository takes.");
  const most = bytes(limit, decimal);
  return size
    ? t("A file can have {{limit}}; this one has {{size}}.", {
        limit: most,
        size: bytes(size, decimal),
      })
    : t("{{count}} files have more than {{limit}} and were left out.", {
        count: files,
        limit: most,
      });
};

/** A size that can be told from another one: in bytes where both are shown alike. */
const exactly = (size, other, decimal) =>
  bytes(size, decimal) === bytes(other, decimal)
    ? t("{{count}} bytes", { count: size })
    : bytes(size, decimal);

/** Host and port of a store's address, which is all that people know it by. */
const hostOf = (address) => (address || "").replace(/^\w+:\/\//, "");

const TEXTS = {
  offline: () => [
    t("There is no network."),
    t("The upload goes on by itself when the network is back."),
  ],
  login_lost: () => [
    t("You are not logged in any more."),
    t("Log in again in another tab, then press Retry. What was sent is kept."),
  ],
  forbidden: () => [
    t("You may not upload to this draft."),
    t("Ask the owner of the draft to share it with you with the right to edit."),
  ],
  quota_exceeded: ({ chosen, limit, used, message, decimal }) => [
    limit
      ? t(
          "There is not enough room: {{chosen}} are needed, {{left}} of {{limit}} are left.",
          {
            chosen: bytes(chosen, decimal),
            left: bytes(Math.max(0, limit - used), decimal),
            limit: bytes(limit, decimal),
          },
        )
      : // The server knows numbers that this page does not.
        message || t("There is not enough room for this file."),
    t("Remove files, or ask the repository for more storage."),
  ],
  too_many_files: ({ limit, files }) => [
    limit
      ? t("A record can have {{limit}} files; this would make {{files}}.", { limit, files })
      : t("These are more files than a record can have."),
    t("Put many small files into an archive, or divide them among several records."),
  ],
  too_large: ({ limit, size, files, decimal }) => [
    tooLarge(limit, size, files, decimal),
    t("Divide the file, or ask the repository for a higher limit."),
  ],
  empty_file: () => [
    t("The file is empty."),
    t("This repository does not take empty files."),
  ],
  storage_unreachable: ({ address }) => [
    address
      ? t("The storage {{host}} cannot be reached.", { host: hostOf(address) })
      : t("The storage cannot be reached."),
    t("The upload goes on by itself when it is back. What was sent is kept."),
  ],
  cors_blocked: ({ address, origin = window.location.origin }) => [
    address
      ? t("The storage {{host}} does not take uploads from this page.", {
          host: hostOf(address),
        })
      : t("The storage does not take uploads from this page."),
    t(
      "The repository's administrator has to allow {{origin}} in the storage's CORS rules. Until then, upload from the command line.",
      { origin },
    ),
  ],
  csp_blocked: ({ address }) => [
    address
      ? t("This page is not allowed to reach the storage {{host}}.", {
          host: hostOf(address),
        })
      : t("This page is not allowed to reach the storage."),
    t(
      "The repository's administrator has to name the storage in the site's Content-Security-Policy. Until then, upload from the command line.",
    ),
  ],
  link_expired: () => [
    t("The permission to send this file has expired."),
    t("Press Retry to get a new one. What was sent is kept."),
  ],
  different_file: ({ size, chosen, decimal }) => [
    t("This is not the file that was begun."),
    chosen !== undefined && chosen !== size
      ? t(
          "It has {{chosen}} and not {{size}}. Choose the right file, or upload this one instead.",
          {
            chosen: exactly(chosen, size, decimal),
            size: exactly(size, chosen, decimal),
          },
        )
      : t("Its content is another one. Choose the right file, or upload this one instead."),
  ],
  file_changed: () => [
    t("The file was changed on your disk while it was sent."),
    t("Choose it again to send it as it is now."),
  ],
  file_unreadable: () => [
    t("Your browser cannot read the file any more."),
    t("It may have been moved, renamed or deleted. Choose it again."),
  ],
  locked: ({ since }) => [
    since
      ? t("Another upload into this draft is open, since {{since}}.", { since })
      : t("Another upload into this draft is open."),
    t("Wait until it is finished, or end it first."),
  ],
  draft_gone: () => [
    t("The draft does not exist any more."),
    t("It was deleted or published meanwhile. Open your uploads to see."),
  ],
  draft_not_saved: ({ message }) => [
    message
      ? t("The draft could not be saved: {{message}}", { message })
      : t("The draft could not be saved, so there is nothing to upload to yet."),
    t("Press Save draft to see why, then press Retry."),
  ],
  upload_gone: () => [
    t("The upload was ended, here or elsewhere."),
    t("Press Retry to begin it again."),
  ],
  batch_over: () => [
    t("The upload of these files was ended before they were complete."),
    t("Press Retry to begin it again."),
  ],
  checksum_mismatch: () => [
    t("What arrived is not what was sent."),
    t("Press Retry to send the file again."),
  ],
  deadline_passed: ({ deadline }) => [
    deadline
      ? t("The time to finish this upload ended on {{deadline}}.", { deadline })
      : t("The time to finish this upload has ended."),
    t("What was sent has been removed. Press Retry to begin again."),
  ],
  invalid_key: () => [
    t("The repository does not take this file name."),
    t("Rename the file and choose it again."),
  ],
  keys_taken: () => [
    t("There is a file of this name already."),
    t("Remove it first, or rename this one."),
  ],
  link_target_unavailable: () => [
    t("The file to link to is not there, or you may not read it."),
    t("Choose another one."),
  ],
  storage_unavailable: () => [
    t("The repository's storage is not available at the moment."),
    t("The upload goes on by itself when it is back."),
  ],
  not_allowed_here: () => [
    t("Files of this draft cannot be changed."),
    t("Files are switched off, or locked."),
  ],
  sts_unavailable: () => [
    t("This repository gives no temporary credentials."),
    t("Use the script or the command line."),
  ],
  server_error: ({ status }) => [
    status
      ? t("The repository has an internal problem (status {{status}}).", { status })
      : t("The repository has an internal problem."),
    t("Press Retry. If it stays, tell the repository's support."),
  ],
};

const SAME = {
  file_too_large: "too_large",
  access_denied: "forbidden",
  upload_forbidden: "forbidden",
  permission_denied: "forbidden",
  batch_open: "locked",
  upload_not_found: "upload_gone",
  not_found: "upload_gone",
  gone: "upload_gone",
  exists: "keys_taken",
  grant_expired: "link_expired",
  grant_invalid: "link_expired",
  grant_revoked: "link_expired",
};

/**
 * What happened and what to do, two sentences in the user's language.
 *
 * A code that is unknown here shows the server's own message, so that no error is mute.
 *
 * @param {{code: string, params?: object}} error as in the engine's file states
 * @param {boolean} decimal whether sizes count in thousands
 * @returns {{title: string, advice: string}}
 */
export const errorText = ({ code, params }, decimal = true) => {
  const text = TEXTS[SAME[code] || code];
  if (text) {
    const [title, advice] = text({ ...params, decimal });
    return { title, advice };
  }
  return {
    title: params?.message || t("Something went wrong ({{code}}).", { code }),
    advice: t("Press Retry. If it stays, tell the repository's support."),
  };
};
