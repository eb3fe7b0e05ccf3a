// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { getIn } from "formik";
import PropTypes from "prop-types";
import React, { useRef, useState } from "react";
import { ConflictsDialog } from "./ConflictsDialog";
import { DetailsDialog } from "./DetailsDialog";
import { Question } from "./Dialog";
import { DropZone } from "./DropZone";
import { FileList } from "./FileList";
import { HandOverDialog } from "./HandOverDialog";
import { HiddenDialog } from "./HiddenDialog";
import { LinkDialog } from "./LinkDialog";
import { ListBar } from "./ListBar";
import { LiveRegion } from "./LiveRegion";
import { Notices } from "./Notices";
import { t } from "./text";
import { TotalsBar } from "./TotalsBar";
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

/** What is asked before files go for good. */
const RemoveQuestion = ({ files, yes, no }) => (
  <Question
    title={
      files.length === 1
        ? t("Remove {{key}}?", { key: files[0].key })
        : t("Remove {{count}} files?", { count: files.length })
    }
    yes={t("Remove")}
    danger
    onYes={yes}
    onNo={no}
  >
    <p>{t("What was uploaded of it is deleted. The file on your computer stays.")}</p>
  </Question>
);

RemoveQuestion.propTypes = {
  files: PropTypes.array.isRequired,
  yes: PropTypes.func.isRequired,
  no: PropTypes.func.isRequired,
};

/** The questions of adding, one at a time. */
const AddingDialogs = ({ adding: { hidden, conflicts }, decimal }) => (
  <>
    {hidden.subject && (
      <HiddenDialog
        paths={hidden.subject}
        onLeaveOut={() => hidden.answer("leave")}
        onInclude={() => hidden.answer("include")}
        onClose={() => hidden.answer("none")}
      />
    )}
    {conflicts.subject && (
      <ConflictsDialog
        conflicts={conflicts.subject}
        decimal={decimal}
        onChosen={conflicts.answer}
        onClose={() =>
          conflicts.answer(
            Object.fromEntries(conflicts.subject.map(({ key }) => [key, "skip"])),
          )
        }
      />
    )}
  </>
);

AddingDialogs.propTypes = {
  adding: PropTypes.object.isRequired,
  decimal: PropTypes.bool.isRequired,
};

/** The files of the draft: list, drop zone, and the dialogs of both. */
export const FilesArea = ({
  uploads,
  deposit,
  look,
  allowEmptyFiles,
  hasError,
  picking,
  onPicking,
}) => {
  const { engine, snapshot, kept, trouble } = uploads;
  const { record, setFieldValue, values, errors } = deposit;
  const { decimal, locked } = look;
  const { files } = snapshot;
  const box = useRef(null);
  const [details, setDetails] = useState(null);
  const [dialog, setDialog] = useState(null);
  const [filter, setFilter] = useState(NO_FILTER);
  const selection = useSelection(files);
  const adding = useAdding(engine, { allowEmptyFiles, draft: deposit.ensureDraft });
  const preview = values.files?.default_preview || "";
  const setPreview = useStable((key) => setFieldValue("files.default_preview", key));
  const onRemoved = (keys) => {
    if (keys.includes(preview)) setPreview("");
    box.current?.focus();
  };
  const rows = useRowActions(uploads, {
    draft: record?.id,
    onDetails: setDetails,
    onRemoved,
  });
  const [over, dropProps] = useDrop(adding.add, locked);
  const saveDetails = (changes) =>
    Promise.resolve(
      engine.setMetadata(
        details.map(({ id }) => id),
        changes,
      ),
    );
  const running = files.filter(({ state }) => state !== "completed");
  const batch = snapshot.locked?.batch || snapshot.batch?.id || null;
  const own = [
    ...adding.refused,
    ...(trouble ? [trouble] : []),
    ...(rows.trouble ? [rows.trouble] : []),
  ];
  const dismiss = (code) => {
    engine.dismiss(code);
    adding.forgive();
    rows.forgive();
  };
  const closePicker = () => (picking ? onPicking(null) : setDialog(null));

  return (
    <div className="invenio-multipart im-area" ref={box} tabIndex={-1} {...dropProps}>
      <LiveRegion snapshot={snapshot} />
      {!locked && (
        <Notices
          snapshot={{ ...snapshot, notices: [...own, ...snapshot.notices] }}
          decimal={decimal}
          handedOver={dialog === "handover"}
          onDismiss={dismiss}
          onExtend={(deadline) => engine.extend(deadline)}
        />
      )}
      {!locked && (
        <TotalsBar
          snapshot={snapshot}
          decimal={decimal}
          onPause={() => engine.pause()}
          onProceed={() => engine.proceed()}
          onCancel={() => rows.remove(running)}
          onRetry={(failed) => failed.forEach(({ id }) => engine.retry(id))}
        />
      )}
      {!locked && (
        <ListBar
          files={files}
          selected={selection.files}
          filter={filter}
          onFilter={setFilter}
          onDetails={() => setDetails(selection.files)}
          onRemove={() => rows.remove(selection.files)}
        />
      )}
      {files.length > 0 && (
        <FileList
          files={filtered(files, filter)}
          look={{ decimal, locked, preview }}
          selection={selection.ids}
          kept={kept}
          urlOf={(file) => contentUrl(record, file)}
          errorOf={(file) => getIn(errors, `files.entries.${file.key}`)}
          on={{
            action: rows.act,
            select: selection.toggle,
            selectAll: selection.toggleAll,
            preview: setPreview,
            remove: rows.remove,
          }}
        />
      )}
      {!locked && (
        <DropZone
          empty={!files.length}
          over={over}
          error={Boolean(hasError)}
          onChosen={adding.add}
          onLink={() => setDialog("link")}
          onHandOver={() => setDialog("handover")}
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
      <AddingDialogs adding={adding} decimal={decimal} />
      {rows.question && <RemoveQuestion {...rows.question} />}
      {details && (
        <DetailsDialog
          files={details}
          locked={locked}
          onSave={saveDetails}
          onClose={() => setDetails(null)}
        />
      )}
      {(dialog === "link" || picking) && (
        <LinkDialog
          taken={new Set(files.map(({ key }) => key.normalize("NFC")))}
          decimal={decimal}
          own={record?.id}
          start={picking}
          title={picking ? t("Files of the previous version") : null}
          onLink={(links) => engine.link(links)}
          onClose={closePicker}
        />
      )}
      {dialog === "handover" && (
        <HandOverDialog
          ensureDraft={deposit.ensureDraft}
          batch={batch}
          onChanged={() => engine.refresh()}
          onClose={() => setDialog(null)}
        />
      )}
    </div>
  );
};

FilesArea.propTypes = {
  uploads: PropTypes.object.isRequired,
  deposit: PropTypes.object.isRequired,
  look: PropTypes.shape({ decimal: PropTypes.bool, locked: PropTypes.bool }).isRequired,
  allowEmptyFiles: PropTypes.bool.isRequired,
  hasError: PropTypes.any,
  picking: PropTypes.object,
  onPicking: PropTypes.func.isRequired,
};

FilesArea.defaultProps = { hasError: null, picking: null };
