// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useCallback, useMemo, useState } from "react";
import { Checkbox, Popup } from "semantic-ui-react";
import { FileRow } from "./FileRow";
import { FolderRow } from "./FolderRow";
import { fileShape } from "./shapes";
import { t } from "./text";
import { filesBelow, inOrder, treeRows } from "./tree";
import { useNarrow } from "./useNarrow";
import { useWindowed } from "./useWindowed";

/** From so many rows on only those in sight are drawn. */
const MANY = 60;

/** Heights of drawn rows in pixels, as in the style sheet: wide and narrow pages. */
const HEIGHTS = {
  wide: { file: 66, folder: 50, problem: 44 },
  narrow: { file: 156, folder: 92, problem: 84 },
};

const Head = ({ all, some, locked, onAll }) => (
  <div role="rowgroup">
    <div role="row" aria-rowindex={1} className="im-row im-head">
      <div role="columnheader" className="im-select">
        {locked ? (
          <span className="im-unseen">{t("Selection")}</span>
        ) : (
          <Checkbox
            checked={all}
            indeterminate={some && !all}
            aria-label={t("Select all files")}
            onChange={onAll}
          />
        )}
      </div>
      <div role="columnheader" className="im-preview">
        <Popup
          content={t("Which file the record's page shows first")}
          trigger={<span>{t("Preview")}</span>}
        />
      </div>
      <div role="columnheader" className="im-what">
        {t("Filename")}
      </div>
      <div role="columnheader" className="im-size">
        {t("Size")}
      </div>
      <div role="columnheader" className="im-how">
        {t("Progress")}
      </div>
      <div role="columnheader" className="im-do">
        <span className="im-unseen">{t("Actions")}</span>
      </div>
    </div>
  </div>
);

Head.propTypes = {
  all: PropTypes.bool.isRequired,
  some: PropTypes.bool.isRequired,
  locked: PropTypes.bool.isRequired,
  onAll: PropTypes.func.isRequired,
};

/** Files in the order of the list. The order is made anew only when names come or go. */
const useSorted = (files) => {
  const names = files.map(({ key }) => key).join("\n");
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const order = useMemo(() => inOrder(names.split("\n")), [names]);
  return useMemo(() => {
    const byKey = new Map(files.map((file) => [file.key, file]));
    return order.map((key) => byKey.get(key)).filter(Boolean);
  }, [files, order]);
};

const useFolding = () => {
  const [closed, setClosed] = useState(() => new Set());
  const fold = useCallback(
    (path) =>
      setClosed((before) => {
        const after = new Set(before);
        if (!after.delete(path)) after.add(path);
        return after;
      }),
    [],
  );
  return [closed, fold];
};

const heightOf = (row, sizes) => {
  if (row.type === "folder") return sizes.folder;
  return sizes.file + (row.file.error ? sizes.problem : 0);
};

/** The files of the draft as a table with folders that fold. */
export const FileList = ({ files, look, selection, kept, urlOf, errorOf, on }) => {
  const { decimal, locked, preview } = look;
  const sorted = useSorted(files);
  const [closed, fold] = useFolding();
  const rows = useMemo(() => treeRows(sorted, closed), [sorted, closed]);
  const many = rows.length > MANY;
  const sizes = HEIGHTS[useNarrow() ? "narrow" : "wide"];
  const heights = useMemo(() => rows.map((row) => heightOf(row, sizes)), [rows, sizes]);
  const { ref, first, last, above, below } = useWindowed(heights, many);
  const ofFolder = (folder) => filesBelow(sorted, folder.path);
  const onFolder = {
    fold,
    select: (folder) => on.selectAll(ofFolder(folder)),
    remove: (folder) => on.remove(ofFolder(folder)),
  };

  const draw = (row, number) => {
    if (row.type === "folder") {
      return (
        <FolderRow
          key={row.id}
          folder={row}
          number={number}
          open={!closed.has(row.path)}
          selected={ofFolder(row).every(({ id }) => selection.has(id))}
          locked={locked}
          decimal={decimal}
          on={onFolder}
        />
      );
    }
    const { file, name, depth } = row;
    return (
      <FileRow
        key={row.id}
        file={file}
        name={name}
        depth={depth}
        number={number}
        url={urlOf(file)}
        formError={errorOf(file)}
        look={{
          decimal,
          locked,
          selected: selection.has(file.id),
          preview: preview === file.key,
          opens: kept.has(file.key),
        }}
        onAction={on.action}
        onSelect={on.select}
        onPreview={on.preview}
      />
    );
  };

  return (
    <div
      role="table"
      aria-label={t("Files")}
      aria-rowcount={rows.length + 1}
      className={`im-table${many ? " im-many" : ""}${locked ? " im-locked" : ""}`}
    >
      <Head
        all={files.every(({ id }) => selection.has(id))}
        some={selection.size > 0}
        locked={locked}
        onAll={() => on.selectAll(files)}
      />
      <div
        role="rowgroup"
        className="im-body"
        ref={ref}
        // A box that scrolls has to be reachable by keyboard.
        {...(many && { tabIndex: 0, "aria-label": t("Files") })}
      >
        {above > 0 && <div role="presentation" style={{ height: above }} />}
        {rows.slice(first, last).map((row, i) => draw(row, first + i + 2))}
        {below > 0 && <div role="presentation" style={{ height: below }} />}
      </div>
    </div>
  );
};

FileList.propTypes = {
  files: PropTypes.arrayOf(fileShape).isRequired,
  look: PropTypes.object.isRequired,
  selection: PropTypes.instanceOf(Set).isRequired,
  kept: PropTypes.instanceOf(Set).isRequired,
  urlOf: PropTypes.func.isRequired,
  errorOf: PropTypes.func.isRequired,
  on: PropTypes.shape({
    action: PropTypes.func.isRequired,
    select: PropTypes.func.isRequired,
    selectAll: PropTypes.func.isRequired,
    preview: PropTypes.func.isRequired,
    remove: PropTypes.func.isRequired,
  }).isRequired,
};
