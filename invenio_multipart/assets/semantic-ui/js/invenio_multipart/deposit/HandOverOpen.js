// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button, Icon, Message } from "semantic-ui-react";
import { Command } from "./Command";
import { Question } from "./Dialog";
import { moment } from "./format";
import { complete, credentialCommands, scriptCommands } from "./handover";
import { t } from "./text";
import { Trouble } from "./Trouble";

const RevokeQuestion = ({ onYes, onNo }) => (
  <Question
    title={t("Revoke this upload?")}
    yes={t("Revoke")}
    danger
    onYes={onYes}
    onNo={onNo}
  >
    <p>{t("What was sent by it is removed, and it cannot be used any more.")}</p>
  </Question>
);

RevokeQuestion.propTypes = {
  onYes: PropTypes.func.isRequired,
  onNo: PropTypes.func.isRequired,
};

/** With credentials nobody but the user knows when all is sent. */
const Completing = ({ batch, onChanged }) => {
  const [error, setError] = useState(null);
  const [running, setRunning] = useState(false);
  const finish = async () => {
    setError(null);
    try {
      await complete(batch.id);
      setRunning(true);
      onChanged();
    } catch (refusal) {
      setError(refusal);
    }
  };
  return (
    <>
      <Trouble error={error} />
      {running && <p role="status">{t("The repository is checking the files.")}</p>}
      <Button
        type="button"
        size="small"
        disabled={running}
        content={t("All files are sent")}
        data-action="complete-batch"
        onClick={finish}
      />
    </>
  );
};

Completing.propTypes = {
  batch: PropTypes.object.isRequired,
  onChanged: PropTypes.func.isRequired,
};

/** What to paste on the other computer, until when it is good, and the way to end it. */
export const HandOverOpen = ({ batch, waits, onEnd, onChanged }) => {
  const [asks, setAsks] = useState(false);
  const [label, commands] = batch.sts
    ? [t("Commands with the credentials"), credentialCommands(batch)]
    : [t("Commands for the script"), scriptCommands(batch)];
  const revoke = () => {
    setAsks(false);
    onEnd();
  };
  return (
    <>
      <Command label={label}>{commands}</Command>
      <Message visible warning size="small">
        <Icon name="key" aria-hidden="true" />
        {t(
          "Whoever has this can send these files, until {{moment}}. Keep it as a password.",
          {
            moment: moment(batch.complete_before),
          },
        )}
      </Message>
      <div className="im-line">
        {batch.sts && <Completing batch={batch} onChanged={onChanged} />}
        <Button
          type="button"
          size="small"
          negative
          basic
          loading={waits}
          disabled={waits}
          content={t("Revoke")}
          data-action="revoke"
          onClick={() => setAsks(true)}
        />
      </div>
      {asks && <RevokeQuestion onYes={revoke} onNo={() => setAsks(false)} />}
    </>
  );
};

HandOverOpen.propTypes = {
  batch: PropTypes.object.isRequired,
  waits: PropTypes.bool.isRequired,
  onEnd: PropTypes.func.isRequired,
  onChanged: PropTypes.func.isRequired,
};
