// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Button, Checkbox, Loader } from "semantic-ui-react";
import { bytes } from "./format";
import { filesOf } from "./requests";
import { t } from "./text";
import { inOrder } from "./tree";
import { Trouble } from "./Trouble";
import { useAsync } from "./useAsync";

const sorted = (files) => {
  const byKey = new Map(files.map((file) => [file.key, file]));
  return inOrder([...byKey.keys()]).map((key) => byKey.get(key));
};

const Choice = ({ file, taken, chosen, decimal, onChange }) => (
  <li className="im-choice">
    <Checkbox
      id={`multipart-link-${file.key}`}
      label={file.key}
      checked={chosen}
      disabled={taken}
      onChange={(_, { checked }) => onChange([file], checked)}
    />
    <small>
      {taken ? t("There is a file of this name already.") : bytes(file.size, decimal)}
    </small>
  </li>
);

Choice.propTypes = {
  file: PropTypes.shape({ key: PropTypes.string, size: PropTypes.number }).isRequired,
  taken: PropTypes.bool.isRequired,
  chosen: PropTypes.bool.isRequired,
  decimal: PropTypes.bool.isRequired,
  onChange: PropTypes.func.isRequired,
};

/** The files of one record, to choose among. */
export const LinkFiles = ({ record, taken, decimal, isChosen, onChange, onBack }) => {
  const { value, error, waits } = useAsync(() => filesOf(record), [record]);
  const files = value ? sorted(value) : [];
  const free = files.filter(({ key }) => !taken.has(key.normalize("NFC")));
  const all = free.length > 0 && free.every(({ key }) => isChosen(key));
  return (
    <>
      <div className="im-of-record">
        {onBack && (
          <Button
            type="button"
            basic
            compact
            size="mini"
            icon="angle left"
            content={t("Back")}
            onClick={onBack}
          />
        )}
        <strong>{record.metadata?.title || record.id}</strong>
      </div>
      <Trouble error={error} />
      {waits && <Loader active inline="centered" />}
      {value && !files.length && (
        <p className="im-nothing">{t("This record has no files that can be used.")}</p>
      )}
      {free.length > 1 && (
        <Checkbox
          id="multipart-link-all"
          className="im-all"
          label={t("All {{count}} files", { count: free.length })}
          checked={all}
          onChange={() => onChange(free, !all)}
        />
      )}
      <ul className="im-plain">
        {files.map((file) => (
          <Choice
            key={file.key}
            file={file}
            taken={taken.has(file.key.normalize("NFC"))}
            chosen={isChosen(file.key)}
            decimal={decimal}
            onChange={onChange}
          />
        ))}
      </ul>
    </>
  );
};

LinkFiles.propTypes = {
  record: PropTypes.object.isRequired,
  taken: PropTypes.instanceOf(Set).isRequired,
  decimal: PropTypes.bool.isRequired,
  isChosen: PropTypes.func.isRequired,
  onChange: PropTypes.func.isRequired,
  onBack: PropTypes.func,
};

LinkFiles.defaultProps = { onBack: null };
