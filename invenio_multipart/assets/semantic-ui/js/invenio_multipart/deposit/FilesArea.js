// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { getIn } from "formik";
import PropTypes from "prop-types";
import React, { useRef, useState } from "react";
import { AboveList } from "./AboveList";
import { AreaDialogs } from "./AreaDialogs";
import { DropZone } from "./DropZone";
import { FileList } from "./FileList";
import { LiveRegion } from "./LiveRegion";
import { longestRest } from "./requests";
import { t } from "./text";
import { matches } from "./tree";
import { useAdding } from "./useAdding";
import { useDrop } from "./useDrop";
import { useRowActions } from "./useRowActions";
import { useSelection } from "./useSelection";
import { useStable } from "./useStable";

const NO_FILTER = { words: "", unfinished: false };

const filtered = (files, { words, unfinished }) =>
  words || unfinished
    ? files.filter(
        (file) => matches(file, words) && !(unfinished && file.state === "completed"),
      )
    : files;

const contentUrl = (record, { key, state }) =>
  state === "completed" && record?.links?.files
    ? `${record.links.files}/${key.split("/").map(encodeURIComponent).join("/")}/content`
    : null;

/** Which file the record's page shows first; in the form, and saved with it. */
const usePreview = ({ values, setFieldValue }) => {
  const preview = values.files?.default_preview || "";
  const setPreview = useStable((key) => setFieldValue("files.default_preview", key));
  return [preview, setPreview];
};

/** What the area can do: rows, additions, selection, and what went wrong with them. */
const useArea = (uploads, deposit, { allowEmptyFiles, onDetails }) => {
  const box = useRef(null);
  const [preview, setPreview] = usePreview(deposit);
  const selection = useSelection(uploads.snapshot.files);
  const adding = useAdding(uploads.engine, { allowEmptyFiles, draft: deposit.ensureDraft });
  const onRemoved = (keys) => {
    if (keys.includes(preview)) setPreview("");
    // The button that was pressed goes with its row; not before the question has closed,
    // which gives the focus back to it.
    setTimeout(() => box.current?.focus());
  };
  const rows = useRowActions(uploads, { draft: deposit.record?.id, onDetails, onRemoved });
  const own = [...adding.refused, uploads.trouble, rows.trouble].filter(Boolean);
  const forgive = () => {
    adding.forgive();
    rows.forgive();
  };
  return { box, preview, setPreview, selection, adding, rows, own, forgive };
};

/**
 * The files of the draft: list, drop zone, and the windows of both.
 *
 * `dialog` and `onDialog` are the open window, see `OpenedDialog`, and its change.
 */
export const FilesArea = ({
  uploads,
  deposit,
  look,
  allowEmptyFiles,
  hasError,
  dialog,
  onDialog,
}) => {
  const { snapshot, kept } = uploads;
  const { decimal, locked } = look;
  const { files } = snapshot;
  const [filter, setFilter] = useState(NO_FILTER);
  const onDetails = (some) => onDialog({ name: "details", files: some });
  const area = useArea(uploads, deposit, { allowEmptyFiles, onDetails });
  const { adding, rows, selection, preview } = area;
  const [over, dropProps] = useDrop(adding.add, locked);
  const list = (
    <FileList
      files={filtered(files, filter)}
      look={{ decimal, locked, preview }}
      selection={selection.ids}
      kept={kept}
      urlOf={(file) => contentUrl(deposit.record, file)}
      errorOf={(file) => getIn(deposit.errors, `files.entries.${file.key}`)}
      on={{
        action: rows.act,
        select: selection.toggle,
        selectAll: selection.toggleAll,
        preview: area.setPreview,
        remove: rows.remove,
      }}
    />
  );

  return (
    <div className="invenio-multipart im-area" ref={area.box} tabIndex={-1} {...dropProps}>
      <LiveRegion snapshot={snapshot} />
      {!locked && (
        <AboveList
          uploads={uploads}
          own={area.own}
          decimal={decimal}
          handedOver={dialog?.name === "handover"}
          onForgive={area.forgive}
          selected={selection.files}
          onDetails={onDetails}
          onRemove={rows.remove}
          onExtend={async () =>
            uploads.engine.extend(await longestRest(deposit.record.id))
          }
          filter={filter}
          onFilter={setFilter}
        />
      )}
      {files.length > 0 && list}
      {!locked && (
        <DropZone
          empty={!files.length}
          over={over}
          error={Boolean(hasError)}
          onChosen={adding.add}
          onLink={() => onDialog({ name: "link" })}
          onHandOver={() => onDialog({ name: "handover" })}
        />
      )}
      <input
        type="file"
        hidden
        tabIndex={-1}
        aria-label={t("Choose again")}
        data-testid="multipart-again"
        {...rows.picker}
      />
      <AreaDialogs
        {...{ area, dialog, uploads, deposit, look }}
        onClose={() => onDialog(null)}
      />
    </div>
  );
};

FilesArea.propTypes = {
  uploads: PropTypes.object.isRequired,
  deposit: PropTypes.object.isRequired,
  look: PropTypes.shape({ decimal: PropTypes.bool, locked: PropTypes.bool }).isRequired,
  allowEmptyFiles: PropTypes.bool.isRequired,
  hasError: PropTypes.any,
  dialog: PropTypes.object,
  onDialog: PropTypes.func.isRequired,
};

FilesArea.defaultProps = { hasError: null, dialog: null };
