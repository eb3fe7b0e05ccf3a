// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Checkbox, Input } from "semantic-ui-react";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

/** From so many files on there is something to look for. */
const MANY = 15;

/** Above the list: what to do with the selected files, and a search among many. */
export const ListBar = ({ files, selected, filter, onFilter, onDetails, onRemove }) => {
  if (!selected.length && files.length < MANY) return null;
  return (
    <div className="im-listbar">
      {files.length >= MANY && (
        <>
          <Input
            size="mini"
            icon="search"
            aria-label={t("Find files")}
            placeholder={t("Find files")}
            value={filter.words}
            onChange={(_, { value }) => onFilter({ ...filter, words: value })}
          />
          <Checkbox
            id="multipart-only-unfinished"
            label={t("Only unfinished")}
            checked={filter.unfinished}
            onChange={(_, { checked }) => onFilter({ ...filter, unfinished: checked })}
          />
        </>
      )}
      {selected.length > 0 && (
        <span className="im-selection" role="group" aria-label={t("Selected files")}>
          <strong>{t("{{count}} selected", { count: selected.length })}</strong>
          <SmallButton
            icon="pencil"
            text={t("Edit details")}
            action="details-selected"
            onClick={onDetails}
          />
          <SmallButton
            icon="trash alternate outline"
            text={t("Remove")}
            action="remove-selected"
            onClick={onRemove}
          />
        </span>
      )}
    </div>
  );
};

ListBar.propTypes = {
  files: PropTypes.array.isRequired,
  selected: PropTypes.array.isRequired,
  filter: PropTypes.shape({ words: PropTypes.string, unfinished: PropTypes.bool })
    .isRequired,
  onFilter: PropTypes.func.isRequired,
  onDetails: PropTypes.func.isRequired,
  onRemove: PropTypes.func.isRequired,
};
