// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useRef } from "react";
import { Button, Header, Icon, Segment } from "semantic-ui-react";
import { fromInput, pickFiles, pickFolder } from "./chosen";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

/** An `<input>` beside a button: the way where no file handles exist, and for tests. */
const HiddenInput = ({ innerRef, folder, label, onChosen }) => (
  <input
    ref={innerRef}
    type="file"
    multiple
    hidden
    tabIndex={-1}
    aria-label={label}
    data-testid={folder ? "multipart-folder" : "multipart-files"}
    {...(folder && { webkitdirectory: "" })}
    onChange={({ target }) => {
      onChosen(fromInput(target.files));
      // The same file can be chosen again.
      target.value = "";
    }}
  />
);

HiddenInput.propTypes = {
  innerRef: PropTypes.object.isRequired,
  folder: PropTypes.bool,
  label: PropTypes.string.isRequired,
  onChosen: PropTypes.func.isRequired,
};

HiddenInput.defaultProps = { folder: false };

const choose = (pick, input, onChosen) => async () => {
  const chosen = pick();
  if (!chosen) return input.current.click();
  return onChosen(await chosen);
};

/** The two buttons that open a choice of the browser, and what they need for it. */
const Choosers = ({ error, onChosen }) => {
  const files = useRef(null);
  const folder = useRef(null);
  return (
    <div className="im-drop-buttons">
      <HiddenInput innerRef={files} label={t("Upload files")} onChosen={onChosen} />
      <HiddenInput
        innerRef={folder}
        folder
        label={t("Upload folder")}
        onChosen={onChosen}
      />
      <Button
        type="button"
        className={error ? "error" : "primary"}
        labelPosition="left"
        icon="upload"
        content={t("Upload files")}
        onClick={choose(pickFiles, files, onChosen)}
      />
      <Button
        type="button"
        labelPosition="left"
        icon="folder open outline"
        content={t("Upload folder")}
        onClick={choose(pickFolder, folder, onChosen)}
      />
    </div>
  );
};

Choosers.propTypes = {
  error: PropTypes.bool.isRequired,
  onChosen: PropTypes.func.isRequired,
};

/** Where files are dropped or chosen, and the other ways to bring them. */
export const DropZone = ({ empty, over, error, onChosen, onLink, onHandOver }) => (
  <Segment
    basic
    padded={empty ? "very" : undefined}
    className={`file-upload-area im-drop${empty ? " no-files" : ""}${over ? " im-over" : ""}`}
  >
    <div className="im-drop-main">
      <Header as="p" size="small" className="im-drop-text">
        <Icon name={over ? "cloud download" : "cloud upload"} aria-hidden="true" />
        {over ? t("Let go to upload") : t("Drag and drop files or folders")}
      </Header>
      <span className="im-drop-or">- {t("or")} -</span>
      <Choosers error={error} onChosen={onChosen} />
    </div>
    <div className="im-drop-more">
      <SmallButton
        size="small"
        icon="linkify"
        text={t("Use a file that is already here")}
        action="open-link"
        onClick={onLink}
      />
      <SmallButton
        size="small"
        icon="terminal"
        text={t("Upload from another computer")}
        action="open-handover"
        onClick={onHandOver}
      />
    </div>
  </Segment>
);

DropZone.propTypes = {
  empty: PropTypes.bool.isRequired,
  over: PropTypes.bool.isRequired,
  error: PropTypes.bool.isRequired,
  onChosen: PropTypes.func.isRequired,
  onLink: PropTypes.func.isRequired,
  onHandOver: PropTypes.func.isRequired,
};
