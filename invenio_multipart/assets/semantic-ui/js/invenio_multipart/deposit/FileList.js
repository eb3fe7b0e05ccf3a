// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useCallback, useMemo, useState } from "react";
import { Checkbox, Popup } from "semantic-ui-react";
import { FileRow } from "./FileRow";
import { FolderRow } from "./FolderRow";
import { fileShape } from "./shapes";
import { t } from "./text";
import { filesBelow, inOrder, treeRows, twinsOf } from "./tree";
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

const twinWords = ({ key, version }) =>
  version
    ? t("Same content as {{key}} of version {{version}}", { key, version })
    : t("Same content as {{key}}", { key });

/** One row of the tree, whichever it is. `all` is what `FileList` gets. */
const TreeRow = ({ row, number, sorted, twins, folding: [closed, fold], all }) => {
  const { look, selection, on } = all;
  if (row.type === "folder") {
    const within = filesBelow(sorted, row.path);
    return (
      <FolderRow
        folder={row}
        number={number}
        open={!closed.has(row.path)}
        selected={within.every(({ id }) => selection.has(id))}
        locked={look.locked}
        decimal={look.decimal}
        onSelect={() => on.selectAll(within)}
        onFold={() => fold(row.path)}
        onRemove={() => on.remove(within)}
      />
    );
  }
  const { file, name, depth } = row;
  const twin = twins.get(file.key);
  return (
    <FileRow
      file={file}
      name={name}
      depth={depth}
      number={number}
      url={all.urlOf(file)}
      formError={all.errorOf(file)}
      look={{
        decimal: look.decimal,
        locked: look.locked,
        selected: selection.has(file.id),
        preview: look.preview === file.key,
        opens: all.kept.has(file.key),
        twin: twin && twinWords(twin),
      }}
      onAction={on.action}
      onSelect={on.select}
      onPreview={on.preview}
    />
  );
};

TreeRow.propTypes = {
  row: PropTypes.object.isRequired,
  number: PropTypes.number.isRequired,
  sorted: PropTypes.array.isRequired,
  twins: PropTypes.instanceOf(Map).isRequired,
  folding: PropTypes.array.isRequired,
  all: PropTypes.object.isRequired,
};

/** The files of the draft as a table with folders that fold. */
export const FileList = (all) => {
  const { files, look, selection, on } = all;
  const sorted = useSorted(files);
  const twins = useMemo(() => twinsOf(sorted), [sorted]);
  const folding = useFolding();
  const [closed] = folding;
  const rows = useMemo(() => treeRows(sorted, closed), [sorted, closed]);
  const many = rows.length > MANY;
  const sizes = HEIGHTS[useNarrow() ? "narrow" : "wide"];
  const heights = useMemo(() => rows.map((row) => heightOf(row, sizes)), [rows, sizes]);
  const { ref, first, last, above, below } = useWindowed(heights, many);
  // A box that scrolls has to be reachable by keyboard.
  const scrolling = many && { tabIndex: 0, "aria-label": t("Files") };
  return (
    <div
      role="table"
      aria-label={t("Files")}
      aria-rowcount={rows.length + 1}
      className={`im-table${many ? " im-many" : ""}${look.locked ? " im-locked" : ""}`}
    >
      <Head
        all={files.length > 0 && files.every(({ id }) => selection.has(id))}
        some={selection.size > 0}
        locked={look.locked}
        onAll={() => on.selectAll(files)}
      />
      <div role="rowgroup" className="im-body" ref={ref} {...scrolling}>
        {above > 0 && <div role="presentation" style={{ height: above }} />}
        {rows.slice(first, last).map((row, i) => (
          <TreeRow
            key={row.id}
            {...{ row, sorted, twins, folding, all }}
            number={first + i + 2}
          />
        ))}
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
