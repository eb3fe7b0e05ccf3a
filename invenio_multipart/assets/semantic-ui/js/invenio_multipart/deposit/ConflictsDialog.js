// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Answers, Dialog } from "./Dialog";
import { bytes } from "./format";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

const choices = () => [
  { value: "replace", text: t("Replace it") },
  { value: "keep", text: t("Keep the old file") },
  { value: "rename", text: t("Keep both") },
];

/** The same answer for all files. */
const ForAll = ({ onAll }) => (
  <div className="im-for-all">
    <span>{t("For all:")}</span>
    {choices().map(({ value, text }) => (
      <SmallButton
        key={value}
        text={text}
        action={`all-${value}`}
        onClick={() => onAll(value)}
      />
    ))}
  </div>
);

ForAll.propTypes = { onAll: PropTypes.func.isRequired };

const Conflict = ({ name, size, choice, onChoice }) => (
  <li className="im-choice">
    <span className="im-name text-break">
      {name}
      <small>{size}</small>
    </span>
    <select
      className="ui dropdown"
      aria-label={t("What to do with {{key}}", { key: name })}
      value={choice}
      onChange={({ target }) => onChoice(target.value)}
    >
      {choices().map(({ value, text }) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  </li>
);

Conflict.propTypes = {
  name: PropTypes.string.isRequired,
  size: PropTypes.string.isRequired,
  choice: PropTypes.string.isRequired,
  onChoice: PropTypes.func.isRequired,
};

/** Files whose names are taken: replace, keep, or keep both, for each or for all. */
export const ConflictsDialog = ({ conflicts, decimal, onChosen, onClose }) => {
  const [chosen, setChosen] = useState({});
  const choiceOf = (key) => chosen[key] || "keep";
  const each = (choice) =>
    Object.fromEntries(conflicts.map(({ key }) => [key, choice(key)]));
  return (
    <Dialog
      title={t("{{count}} files are there already", { count: conflicts.length })}
      onClose={onClose}
      scrolling
      className="im-conflicts"
      actions={
        <Answers
          no={{ content: t("Leave these out"), onClick: onClose }}
          yes={{
            content: t("Go on"),
            "data-action": "decide",
            onClick: () => onChosen(each(choiceOf)),
          }}
        />
      }
    >
      {conflicts.length > 1 && <ForAll onAll={(value) => setChosen(each(() => value))} />}
      <ul className="im-plain">
        {conflicts.map(({ key, size }) => (
          <Conflict
            key={key}
            name={key}
            size={bytes(size, decimal)}
            choice={choiceOf(key)}
            onChoice={(value) => setChosen({ ...chosen, [key]: value })}
          />
        ))}
      </ul>
    </Dialog>
  );
};

ConflictsDialog.propTypes = {
  conflicts: PropTypes.arrayOf(
    PropTypes.shape({ key: PropTypes.string.isRequired, size: PropTypes.number }),
  ).isRequired,
  decimal: PropTypes.bool.isRequired,
  onChosen: PropTypes.func.isRequired,
  onClose: PropTypes.func.isRequired,
};
