// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Checkbox, Icon } from "semantic-ui-react";
import { Bar } from "./Bar";
import { bytes, percent } from "./format";
import { folderShape } from "./shapes";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

const summary = ({ files, done, failed }) => {
  if (done === files) return t("{{count}} files, all uploaded", { count: files });
  const parts = [t("{{done}} of {{files}} files", { done, files })];
  if (failed) parts.push(t("{{count}} need attention", { count: failed }));
  return parts.join(" · ");
};

/** How far all files of a folder are. */
const FolderState = ({ folder }) => (
  <div className="im-state">
    <div className="im-state-word">{summary(folder)}</div>
    {folder.done < folder.files && (
      <Bar
        percent={percent(folder.doneBytes, folder.size)}
        label={t("Progress of {{key}}", { key: folder.path })}
      />
    )}
  </div>
);

FolderState.propTypes = { folder: folderShape.isRequired };

/** A folder of the tree: fold it, select all in it, remove all in it. */
export const FolderRow = ({
  folder,
  number,
  open,
  selected,
  locked,
  decimal,
  onSelect,
  onFold,
  onRemove,
}) => (
  <div
    role="row"
    aria-rowindex={number}
    className="im-row im-folder"
    data-folder={folder.path}
  >
    <div role="cell" className="im-select">
      {!locked && (
        <Checkbox
          checked={selected}
          aria-label={t("Select all in {{folder}}", { folder: folder.path })}
          onChange={onSelect}
        />
      )}
    </div>
    <div role="cell" className="im-preview" />
    <div role="cell" className="im-what" style={{ "--depth": folder.depth }}>
      <button type="button" className="im-fold" aria-expanded={open} onClick={onFold}>
        <Icon name={open ? "caret down" : "caret right"} aria-hidden="true" />
        <Icon name={open ? "folder open" : "folder"} aria-hidden="true" />
        {folder.name}
      </button>
    </div>
    <div role="cell" className="im-size">
      {bytes(folder.size, decimal)}
    </div>
    <div role="cell" className="im-how">
      <FolderState folder={folder} />
    </div>
    <div role="cell" className="im-do">
      {!locked && (
        <div className="im-actions">
          <SmallButton
            icon="trash alternate outline"
            title={t("Remove")}
            aria-label={t("Remove all in {{folder}}", { folder: folder.path })}
            action="remove"
            onClick={onRemove}
          />
        </div>
      )}
    </div>
  </div>
);

FolderRow.propTypes = {
  folder: folderShape.isRequired,
  number: PropTypes.number.isRequired,
  open: PropTypes.bool.isRequired,
  selected: PropTypes.bool.isRequired,
  locked: PropTypes.bool.isRequired,
  decimal: PropTypes.bool.isRequired,
  onSelect: PropTypes.func.isRequired,
  onFold: PropTypes.func.isRequired,
  onRemove: PropTypes.func.isRequired,
};
