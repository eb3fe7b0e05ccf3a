// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Icon } from "semantic-ui-react";
import { Bar } from "./Bar";
import { bytes, percent, speed, timeLeft } from "./format";
import { fileShape } from "./shapes";
import { stateIcon, stateWord, t } from "./text";

/** States whose bar tells something: there is a part of the file at the other end. */
const WITH_BAR = new Set([
  "missing",
  "checking",
  "uploading",
  "paused",
  "waiting",
  "committing",
  "verifying",
]);

const figures = (file, decimal) => {
  const { state, doneBytes, size } = file;
  // Announced without a size, for another computer to send.
  if (!size) return [];
  const amount = t("{{done}} of {{size}}", {
    done: bytes(doneBytes || 0, decimal),
    size: bytes(size, decimal),
  });
  if (state === "uploading") {
    return [amount, speed(file.speed, decimal), timeLeft(file.secondsLeft)];
  }
  return ["missing", "paused", "waiting"].includes(state) ? [amount] : [];
};

/** How far a file is: a word, a bar, and figures below it. */
export const FileState = ({ file, decimal }) => {
  const { state, doneBytes, size } = file;
  const bar = WITH_BAR.has(state);
  const { name, color, loading } = stateIcon(file);
  const done = percent(doneBytes || 0, size);
  return (
    <div className={`im-state im-${state}`}>
      <div className="im-state-word">
        <Icon name={name} color={color} loading={loading} aria-hidden="true" />
        <span>{stateWord(file)}</span>
        {bar && state !== "checking" && <span className="im-percent">{done}%</span>}
      </div>
      {bar && (
        <Bar
          percent={done}
          active={state === "uploading"}
          disabled={state === "paused" || state === "missing"}
          label={t("Progress of {{key}}", { key: file.key })}
        />
      )}
      <div className="im-figures">{figures(file, decimal).filter(Boolean).join(" · ")}</div>
    </div>
  );
};

FileState.propTypes = { file: fileShape.isRequired, decimal: PropTypes.bool.isRequired };
