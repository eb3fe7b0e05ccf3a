// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button, Loader, Menu } from "semantic-ui-react";
import { Command } from "./Command";
import { Dialog } from "./Dialog";
import { uploaderCommands } from "./handover";
import { HandOverBatch } from "./HandOverBatch";
import { settingsOf } from "./requests";
import { t } from "./text";
import { Trouble } from "./Trouble";
import { useAsync } from "./useAsync";

const TOKENS = "/account/settings/applications/tokens/new/";

const Commands = ({ page }) => (
  <>
    <p>
      {t(
        "For any machine with Python 3.9 or newer; nothing else is needed. It sends folders of any size, goes on where it was, and finishes what was begun in this browser.",
      )}
    </p>
    <Command label={t("Commands for the uploader")}>{uploaderCommands(page)}</Command>
    <p>
      {t("It asks for an access token.")}{" "}
      <a href={TOKENS} target="_blank" rel="noopener noreferrer">
        {t("Make a token")}
      </a>
    </p>
    <p>{t("This page shows the files as they come. You may close it meanwhile.")}</p>
  </>
);

Commands.propTypes = { page: PropTypes.string.isRequired };

const tabs = (credentials) => [
  { name: "command", words: t("Command line") },
  { name: "script", words: t("Script without a login") },
  ...(credentials ? [{ name: "credentials", words: t("Temporary S3 credentials") }] : []),
];

/** The draft, saved when it was not yet, and what the site allows for it. */
const prepare = async (ensureDraft) => {
  const draft = await ensureDraft();
  return { draft, settings: await settingsOf(draft.id) };
};

/**
 * Ways to upload into this draft from another computer.
 *
 * @param {string} batch id of a batch that is open already, if there is one
 * @param {() => void} onChanged something was announced or ended: look at the server
 */
export const HandOverDialog = ({ ensureDraft, batch, onChanged, onClose }) => {
  const [tab, setTab] = useState(batch ? "script" : "command");
  const { value, error, waits } = useAsync(() => prepare(ensureDraft), []);
  const draft = value?.draft;
  return (
    <Dialog
      title={t("Upload from another computer")}
      onClose={onClose}
      scrolling
      className="im-handover"
      actions={<Button type="button" primary content={t("Close")} onClick={onClose} />}
    >
      <Trouble error={error} />
      {waits && <Loader active inline="centered" />}
      {draft && (
        <>
          <Menu secondary pointing className="im-tabs">
            {tabs(value.settings.batch.credentials).map(({ name, words }) => (
              <Menu.Item
                key={name}
                as="button"
                type="button"
                active={tab === name}
                aria-pressed={tab === name}
                content={words}
                data-tab={name}
                onClick={() => setTab(name)}
              />
            ))}
          </Menu>
          {tab === "command" ? (
            <Commands page={draft.links.self_html} />
          ) : (
            <HandOverBatch
              key={tab}
              draft={draft.id}
              mode={tab === "script" ? "s3-presigned-url" : "sts-credentials"}
              maxHours={Math.floor(value.settings.batch.max_open_seconds / 3600)}
              open={batch}
              onChanged={onChanged}
            />
          )}
        </>
      )}
    </Dialog>
  );
};

HandOverDialog.propTypes = {
  ensureDraft: PropTypes.func.isRequired,
  batch: PropTypes.string,
  onChanged: PropTypes.func.isRequired,
  onClose: PropTypes.func.isRequired,
};

HandOverDialog.defaultProps = { batch: null };
