// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { ConflictsDialog } from "./ConflictsDialog";
import { DetailsDialog } from "./DetailsDialog";
import { Question } from "./Dialog";
import { HandOverDialog } from "./HandOverDialog";
import { HiddenDialog } from "./HiddenDialog";
import { LinkDialog } from "./LinkDialog";
import { t } from "./text";

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

/** The questions of adding files, one at a time. */
const AddingDialogs = ({ adding: { hidden, conflicts }, decimal }) => {
  if (hidden.subject) {
    return (
      <HiddenDialog
        paths={hidden.subject}
        onLeaveOut={() => hidden.answer("leave")}
        onInclude={() => hidden.answer("include")}
        onClose={() => hidden.answer("none")}
      />
    );
  }
  if (!conflicts.subject) return null;
  const skip = Object.fromEntries(conflicts.subject.map(({ key }) => [key, "skip"]));
  return (
    <ConflictsDialog
      conflicts={conflicts.subject}
      decimal={decimal}
      onChosen={conflicts.answer}
      onClose={() => conflicts.answer(skip)}
    />
  );
};

AddingDialogs.propTypes = {
  adding: PropTypes.object.isRequired,
  decimal: PropTypes.bool.isRequired,
};

/**
 * The window that somebody has opened: `{name: "details", files}`, `{name: "link", start?}`
 * or `{name: "handover"}`.
 */
const OpenedDialog = ({ dialog, uploads, deposit, look, onClose }) => {
  const { engine, snapshot } = uploads;
  if (dialog.name === "details") {
    const ids = dialog.files.map(({ id }) => id);
    return (
      <DetailsDialog
        files={dialog.files}
        onSave={async (changes) => engine.setMetadata(ids, changes)}
        onClose={onClose}
      />
    );
  }
  if (dialog.name === "link") {
    return (
      <LinkDialog
        taken={new Set(snapshot.files.map(({ key }) => key.normalize("NFC")))}
        decimal={look.decimal}
        own={deposit.record?.id}
        start={dialog.start}
        title={dialog.start ? t("Files of the previous version") : null}
        onLink={(links) => engine.link(links)}
        onClose={onClose}
      />
    );
  }
  return (
    <HandOverDialog
      ensureDraft={deposit.ensureDraft}
      batch={snapshot.locked?.batch || snapshot.batch?.id || null}
      onChanged={() => engine.refresh()}
      onClose={onClose}
    />
  );
};

OpenedDialog.propTypes = {
  dialog: PropTypes.shape({
    name: PropTypes.string.isRequired,
    files: PropTypes.array,
    start: PropTypes.object,
  }).isRequired,
  uploads: PropTypes.object.isRequired,
  deposit: PropTypes.object.isRequired,
  look: PropTypes.object.isRequired,
  onClose: PropTypes.func.isRequired,
};

/** All windows of the files area, of which at most one is open. */
export const AreaDialogs = ({ area, dialog, look, ...rest }) => (
  <>
    <AddingDialogs adding={area.adding} decimal={look.decimal} />
    {area.rows.question && <RemoveQuestion {...area.rows.question} />}
    {dialog && <OpenedDialog dialog={dialog} look={look} {...rest} />}
  </>
);

AreaDialogs.propTypes = {
  area: PropTypes.object.isRequired,
  dialog: PropTypes.object,
  look: PropTypes.object.isRequired,
};

AreaDialogs.defaultProps = { dialog: null };
