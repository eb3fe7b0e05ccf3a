// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Button, Checkbox, Icon, Radio } from "semantic-ui-react";
import { FeedbackLabel } from "./adapter";
import { errorText } from "./errors";
import { FileActions } from "./FileActions";
import { FileState } from "./FileState";
import { bytes } from "./format";
import { fileShape } from "./shapes";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

/** Where the bytes of a linked file are from. `origin` is the address of that file. */
const Origin = ({ origin }) => {
  const [, id, draft, key] =
    /\/records\/([^/]+)\/(draft\/)?files\/(.+)$/.exec(origin) || [];
  if (!id)
    return (
      <span className="text-break">{t("Linked from {{place}}", { place: origin })}</span>
    );
  return (
    <span>
      <Icon name="linkify" aria-hidden="true" />
      {t("Linked from")}{" "}
      <a
        href={draft ? `/uploads/${id}` : `/records/${id}`}
        target="_blank"
        rel="noopener noreferrer"
      >
        {id}
      </a>
      {`: ${decodeURIComponent(key)}`}
    </span>
  );
};

Origin.propTypes = { origin: PropTypes.string.isRequired };

/** What is known of the file beside its name: title, origin, digest. */
const Facts = ({ file, twin, onAction }) => {
  const { metadata, origin, checksum } = file;
  const title = metadata?.title || metadata?.description;
  return (
    <div className="im-facts">
      {title && <span className="im-title">{title}</span>}
      {origin && <Origin origin={origin} />}
      {twin && <span>{twin}</span>}
      {twin && file.linkable && (
        <SmallButton
          action="linkTwin"
          icon="linkify"
          text={t("Link it instead")}
          aria-label={t("Link it instead: {{key}}", { key: file.key })}
          onClick={() => onAction("linkTwin", file)}
        />
      )}
      {checksum && file.state === "completed" && (
        <span
          className="im-digest"
          title={t("Fingerprint of the file, to compare it with a copy")}
        >
          {checksum}
        </span>
      )}
    </div>
  );
};

Facts.propTypes = {
  file: fileShape.isRequired,
  twin: PropTypes.string,
  onAction: PropTypes.func.isRequired,
};

Facts.defaultProps = { twin: undefined };

const Name = ({ file, name, url }) => (
  <div className="im-name text-break">
    <Icon name="file outline" aria-hidden="true" />
    {url ? (
      <a href={url} target="_blank" rel="noopener noreferrer" title={file.key}>
        {name}
      </a>
    ) : (
      <span title={file.key}>{name}</span>
    )}
  </div>
);

Name.propTypes = {
  file: fileShape.isRequired,
  name: PropTypes.string.isRequired,
  url: PropTypes.string,
};

Name.defaultProps = { url: null };

/** Why it does not go on, and what to do. */
const Problem = ({ file, decimal, onAction }) => {
  const { title, advice } = errorText(file.error, decimal);
  const soft = file.state === "waiting" || file.state === "missing";
  return (
    <div className={`im-problem ${soft ? "im-soft" : "im-hard"}`} role="cell">
      <strong>{title}</strong> {advice}
      {file.error.code === "different_file" && (
        <div className="im-choices">
          <Button
            type="button"
            size="mini"
            compact
            primary
            content={t("Choose another file")}
            onClick={() => onAction("choose", file)}
          />
          <Button
            type="button"
            size="mini"
            compact
            basic
            content={t("Upload this one instead")}
            onClick={() => onAction("instead", file)}
          />
        </div>
      )}
    </div>
  );
};

Problem.propTypes = {
  file: fileShape.isRequired,
  decimal: PropTypes.bool.isRequired,
  onAction: PropTypes.func.isRequired,
};

const Preview = ({ file, checked, onPreview }) =>
  file.state === "completed" ? (
    <Radio
      checked={checked}
      aria-label={t("Show {{key}} first on the record's page", { key: file.key })}
      // A radio button alone is not switched off by itself: a second click does.
      onClick={() => onPreview(checked ? "" : file.key)}
    />
  ) : null;

Preview.propTypes = {
  file: fileShape.isRequired,
  checked: PropTypes.bool.isRequired,
  onPreview: PropTypes.func.isRequired,
};

/** One file of the list. Redrawn only when something of it has changed. */
export const FileRow = React.memo(
  ({ file, name, depth, number, url, look, formError, onAction, onSelect, onPreview }) => {
    const { decimal, locked, selected, preview, opens, twin } = look;
    return (
      <div
        role="row"
        aria-rowindex={number}
        className={`im-row${selected ? " im-selected" : ""}`}
        data-key={file.key}
        data-state={file.state}
      >
        <div role="cell" className="im-select">
          {!locked && (
            <Checkbox
              checked={selected}
              aria-label={t("Select {{key}}", { key: file.key })}
              onChange={() => onSelect(file)}
            />
          )}
        </div>
        <div role="cell" className="im-preview">
          <Preview file={file} checked={preview} onPreview={onPreview} />
        </div>
        <div role="cell" className="im-what" style={{ "--depth": depth }}>
          {formError && (
            <FeedbackLabel fieldPath={`files.entries.${file.key}`} pointing="below" />
          )}
          <Name file={file} name={name} url={url} />
          <Facts file={file} twin={twin} onAction={onAction} />
        </div>
        <div role="cell" className="im-size">
          {Number.isFinite(file.size) ? bytes(file.size, decimal) : ""}
        </div>
        <div role="cell" className="im-how">
          <FileState file={file} decimal={decimal} />
        </div>
        <div role="cell" className="im-do">
          {!locked && <FileActions file={file} opens={opens} onAction={onAction} />}
        </div>
        {file.error && <Problem file={file} decimal={decimal} onAction={onAction} />}
      </div>
    );
  },
  (before, after) =>
    before.file === after.file &&
    before.number === after.number &&
    before.name === after.name &&
    before.depth === after.depth &&
    before.url === after.url &&
    before.formError === after.formError &&
    before.onAction === after.onAction &&
    before.onSelect === after.onSelect &&
    before.onPreview === after.onPreview &&
    Object.keys(after.look).every((k) => before.look[k] === after.look[k]),
);

FileRow.displayName = "FileRow";

FileRow.propTypes = {
  file: fileShape.isRequired,
  name: PropTypes.string.isRequired,
  depth: PropTypes.number.isRequired,
  number: PropTypes.number.isRequired,
  url: PropTypes.string,
  look: PropTypes.object.isRequired,
  formError: PropTypes.any,
  onAction: PropTypes.func.isRequired,
  onSelect: PropTypes.func.isRequired,
  onPreview: PropTypes.func.isRequired,
};
