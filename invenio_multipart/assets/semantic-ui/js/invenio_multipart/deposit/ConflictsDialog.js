// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button } from "semantic-ui-react";
import { Dialog } from "./Dialog";
import { bytes } from "./format";
import { t } from "./text";

const choices = () => [
  { value: "replace", text: t("Replace it") },
  { value: "keep", text: t("Keep the old file") },
  { value: "rename", text: t("Keep both") },
];

/** Files whose names are taken: replace, keep, or keep both, for each or for all. */
export const ConflictsDialog = ({ conflicts, decimal, onChosen, onClose }) => {
  const [chosen, setChosen] = useState({});
  const choiceOf = (key) => chosen[key] || "keep";
  const setAll = (value) =>
    setChosen(Object.fromEntries(conflicts.map(({ key }) => [key, value])));
  const done = () =>
    onChosen(Object.fromEntries(conflicts.map(({ key }) => [key, choiceOf(key)])));
  return (
    <Dialog
      title={t("{{count}} files are there already", { count: conflicts.length })}
      onClose={onClose}
      scrolling
      className="im-conflicts"
      actions={
        <>
          <Button
            type="button"
            className="left-floated"
            content={t("Leave these out")}
            onClick={onClose}
          />
          <Button
            type="button"
            primary
            content={t("Go on")}
            data-action="decide"
            onClick={done}
          />
        </>
      }
    >
      {conflicts.length > 1 && (
        <div className="im-for-all">
          <span>{t("For all:")}</span>
          {choices().map(({ value, text }) => (
            <Button
              key={value}
              type="button"
              basic
              compact
              size="mini"
              content={text}
              onClick={() => setAll(value)}
            />
          ))}
        </div>
      )}
      <ul className="im-plain">
        {conflicts.map(({ key, size }) => (
          <li key={key} className="im-choice">
            <span className="im-name text-break">
              {key}
              {Number.isFinite(size) && <small>{bytes(size, decimal)}</small>}
            </span>
            <select
              className="ui dropdown"
              aria-label={t("What to do with {{key}}", { key })}
              value={choiceOf(key)}
              onChange={({ target }) => setChosen({ ...chosen, [key]: target.value })}
            >
              {choices().map(({ value, text }) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </li>
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
