// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { fileShape } from "./shapes";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

/** State -> what can be done with a file in it. */
const ACTIONS = {
  missing: ["choose", "details", "remove"],
  queued: ["pause", "details", "cancel"],
  checking: ["pause", "details", "cancel"],
  uploading: ["pause", "details", "cancel"],
  waiting: ["pause", "details", "cancel"],
  paused: ["proceed", "details", "cancel"],
  committing: ["details", "cancel"],
  verifying: ["details", "cancel"],
  completed: ["details", "remove"],
  failed: ["retry", "details", "remove"],
};

/** Failures after which the browser will not read the file that it was given once. */
const OF_BYTES = new Set(["file_changed", "file_unreadable"]);

const actionsOf = ({ state, error, hasFile }) => {
  // The wrong file was chosen; which one it shall be is asked in the row itself.
  if (error?.code === "different_file") return ["details", "remove"];
  const lost = !hasFile || OF_BYTES.has(error?.code);
  if (state === "failed" && lost) return ["choose", "details", "remove"];
  return ACTIONS[state] || ["remove"];
};

const faces = (opens) => ({
  choose: opens
    ? { icon: "play", words: t("Go on with"), primary: true, text: t("Go on") }
    : {
        icon: "folder open",
        words: t("Choose again"),
        primary: true,
        text: t("Choose file"),
      },
  pause: { icon: "pause", words: t("Pause") },
  proceed: { icon: "play", words: t("Go on with") },
  retry: { icon: "redo", words: t("Retry") },
  details: { icon: "pencil", words: t("Edit details of") },
  cancel: { icon: "close", words: t("Cancel") },
  remove: { icon: "trash alternate outline", words: t("Remove") },
});

/** The buttons of one row. `opens`: the browser can open its file without a choice. */
export const FileActions = ({ file, opens, onAction }) => {
  const looks = faces(opens);
  return (
    <div className="im-actions">
      {actionsOf(file).map((action) => {
        const { icon, words, primary, text } = looks[action];
        const label = t("{{action}} {{key}}", { action: words, key: file.key });
        return (
          <SmallButton
            key={action}
            primary={primary}
            icon={icon}
            text={text}
            title={text || words}
            aria-label={label}
            action={action}
            onClick={() => onAction(action, file)}
          />
        );
      })}
    </div>
  );
};

FileActions.propTypes = {
  file: fileShape.isRequired,
  opens: PropTypes.bool,
  onAction: PropTypes.func.isRequired,
};

FileActions.defaultProps = { opens: false };
