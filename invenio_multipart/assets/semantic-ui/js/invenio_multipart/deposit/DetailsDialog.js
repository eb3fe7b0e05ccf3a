// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Form } from "semantic-ui-react";
import { Answers, Dialog } from "./Dialog";
import { fileShape } from "./shapes";
import { t } from "./text";
import { Trouble } from "./Trouble";
import { useClosing } from "./useClosing";

/** Kinds of files that are offered; any other word can be typed. */
const kinds = () => [
  t("Data"),
  t("Documentation"),
  t("Code"),
  t("Figure"),
  t("Audio"),
  t("Video"),
  t("Supplement"),
];

const FIELDS = ["title", "description", "type"];

/** The value that all files have in common; null where they differ. */
const common = (files, field) => {
  const values = new Set(files.map(({ metadata }) => metadata?.[field] || ""));
  return values.size === 1 ? [...values][0] : null;
};

const start = (files) =>
  Object.fromEntries(FIELDS.map((field) => [field, common(files, field)]));

/** Only what was changed, so that a bulk edit leaves the rest of each file alone. */
const changes = (before, now) =>
  Object.fromEntries(
    FIELDS.filter((field) => now[field] !== before[field]).map((field) => [
      field,
      (now[field] || "").trim() || null,
    ]),
  );

/** The three fields. `field(name)` gives the properties of each. */
const Fields = ({ field }) => (
  // No form element: it would stand within the deposit form.
  <Form as="div">
    <Form.Field>
      <label htmlFor="multipart-details-title">{t("Title")}</label>
      <input type="text" maxLength={250} data-first-focus {...field("title")} />
    </Form.Field>
    <Form.Field>
      <label htmlFor="multipart-details-description">{t("Description")}</label>
      <textarea rows={4} maxLength={5000} {...field("description")} />
    </Form.Field>
    <Form.Field>
      <label htmlFor="multipart-details-type">{t("Type")}</label>
      <input type="text" maxLength={100} list="multipart-kinds" {...field("type")} />
      <datalist id="multipart-kinds">
        {kinds().map((kind) => (
          <option key={kind} value={kind} />
        ))}
      </datalist>
    </Form.Field>
  </Form>
);

Fields.propTypes = { field: PropTypes.func.isRequired };

const titleOf = (files) =>
  files.length === 1
    ? t("Details of {{key}}", { key: files[0].key })
    : t("Details of {{count}} files", { count: files.length });

/** What is typed, and saving it. */
const useDetails = (files, onSave, onClose) => {
  const [before] = useState(() => start(files));
  const [now, setNow] = useState(before);
  const saving = useClosing(() => onSave(changes(before, now)), onClose);
  const field = (name) => ({
    id: `multipart-details-${name}`,
    value: now[name] ?? "",
    placeholder: before[name] === null ? t("Different values") : undefined,
    onChange: ({ target }) => setNow({ ...now, [name]: target.value }),
  });
  return { field, ...saving };
};

/**
 * Title, description and type of a file, or of several at once.
 *
 * `onSave(changes)` gets the changed fields, null for those that were emptied, and
 * returns a promise.
 */
export const DetailsDialog = ({ files, onSave, onClose }) => {
  const { field, run, waits, error } = useDetails(files, onSave, onClose);
  return (
    <Dialog
      title={titleOf(files)}
      onClose={onClose}
      actions={
        <Answers
          no={{ content: t("Cancel"), onClick: onClose }}
          yes={{
            content: t("Save"),
            loading: waits,
            disabled: waits,
            "data-action": "save-details",
            onClick: run,
          }}
        />
      }
    >
      <Trouble error={error} />
      {files.length > 1 && (
        <p>
          {t("What you change is changed for all {{count}} files.", {
            count: files.length,
          })}
        </p>
      )}
      <Fields field={field} />
    </Dialog>
  );
};

DetailsDialog.propTypes = {
  files: PropTypes.arrayOf(fileShape).isRequired,
  onSave: PropTypes.func.isRequired,
  onClose: PropTypes.func.isRequired,
};
