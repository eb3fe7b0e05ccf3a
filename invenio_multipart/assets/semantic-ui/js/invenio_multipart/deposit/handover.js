// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Uploads that are made on another computer: their batches and the words to paste there.

import { ask } from "./requests";

/** In single quotes, as every shell takes it. */
const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

/**
 * The files that somebody has listed: one in each line, with its size in bytes behind a
 * tab when it is known.
 *
 * @returns {object[]} entries of an announcement: `{key, size?}`
 */
export const readList = (text) =>
  text
    .split(/\r?\n/)
    .map((line) => line.replace(/\s+$/, "").replace(/^\.\//, ""))
    .filter(Boolean)
    .map((line) => {
      const [, key, size] = /^(.*?)(?:\t\s*(\d+))?$/.exec(line);
      return size === undefined ? { key } : { key, size: Number(size) };
    });

/** Commands that put the names and sizes below a folder into such a list. */
export const LISTING = "cd FOLDER\nfind . -type f -printf '%P\\t%s\\n'";

/** Announce `files` of a draft; `mode` as the API has it, `hours` until the deadline. */
export const announce = (draft, files, mode, hours) =>
  ask("POST", `/records/${draft}/draft/uploads`, {
    files,
    mode,
    completed_by: `in ${hours} hours`,
  });

/** An open batch with fresh addresses; its deadline stays. */
export const reopen = async (id) => {
  const { complete_before: deadline } = await ask("GET", `/uploads/${id}`);
  return ask("PUT", `/uploads/${id}`, { completed_by: deadline });
};

/** End a batch: its addresses and credentials, and what was sent. */
export const revoke = (id) => ask("PUT", `/uploads/${id}/abort`);

/** Make files of what was sent; returns the job's address. */
export const complete = (id) => ask("PUT", `/uploads/${id}/complete`, {});

/** Commands for the uploader. `page` is the draft's address in the browser. */
export const uploaderCommands = (page) => {
  const { origin } = new URL(page);
  return [
    `curl -sSO ${origin}/api/multipart/uploader.pyz`,
    `python3 uploader.pyz login ${origin}`,
    `python3 uploader.pyz upload FOLDER/ --to ${page}`,
  ].join("\n");
};

/** Commands for the script of a batch. */
export const scriptCommands = ({ script_url: url }) =>
  `curl -sS -o upload.sh ${quoted(url)}\nsh upload.sh --from FOLDER`;

/** Temporary credentials as a shell and most S3 programs take them. */
export const credentialCommands = ({ sts }) => {
  const { credentials, endpoint_url: endpoint, region, bucket, prefix } = sts;
  return [
    `export AWS_ACCESS_KEY_ID=${quoted(credentials.aws_access_key_id)}`,
    `export AWS_SECRET_ACCESS_KEY=${quoted(credentials.aws_secret_access_key)}`,
    `export AWS_SESSION_TOKEN=${quoted(credentials.aws_session_token)}`,
    `export AWS_ENDPOINT_URL=${quoted(endpoint)} AWS_DEFAULT_REGION=${quoted(region)}`,
    `aws s3 cp --recursive FOLDER ${quoted(`s3://${bucket}/${prefix}`)}`,
  ].join("\n");
};
