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

/** What to paste on the other computer, until when it is good, and the way to end it. */
export const HandOverOpen = ({ batch, waits, onEnd, onChanged }) => {
  const [asks, setAsks] = useState(false);
  const [error, setError] = useState(null);
  const [completing, setCompleting] = useState(false);
  const finish = async () => {
    setError(null);
    try {
      await complete(batch.id);
      setCompleting(true);
      onChanged();
    } catch (refusal) {
      setError(refusal);
    }
  };
  return (
    <>
      {batch.sts ? (
        <Command label={t("Commands with the credentials")}>
          {credentialCommands(batch)}
        </Command>
      ) : (
        <Command label={t("Commands for the script")}>{scriptCommands(batch)}</Command>
      )}
      <Message visible warning size="small">
        <Icon name="key" aria-hidden="true" />
        {t(
          "Whoever has this can send these files, until {{moment}}. Keep it as a password.",
          {
            moment: moment(batch.complete_before),
          },
        )}
      </Message>
      <Trouble error={error} />
      {completing && <p role="status">{t("The repository is checking the files.")}</p>}
      <div className="im-line">
        {batch.sts && (
          <Button
            type="button"
            size="small"
            disabled={completing}
            content={t("All files are sent")}
            data-action="complete-batch"
            onClick={finish}
          />
        )}
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
      {asks && (
        <Question
          title={t("Revoke this upload?")}
          yes={t("Revoke")}
          danger
          onYes={() => {
            setAsks(false);
            onEnd();
          }}
          onNo={() => setAsks(false)}
        >
          <p>{t("What was sent by it is removed, and it cannot be used any more.")}</p>
        </Question>
      )}
    </>
  );
};

HandOverOpen.propTypes = {
  batch: PropTypes.object.isRequired,
  waits: PropTypes.bool.isRequired,
  onEnd: PropTypes.func.isRequired,
  onChanged: PropTypes.func.isRequired,
};
