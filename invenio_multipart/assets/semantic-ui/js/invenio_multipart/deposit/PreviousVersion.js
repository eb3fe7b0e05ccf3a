// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Button, Icon, Message } from "semantic-ui-react";
import { previousVersion } from "./requests";
import { t } from "./text";

/** A new version begins: take the files of the one before, all or some. */
export const PreviousVersion = ({ deposit, uploads, onDialog }) => {
  const { importing, record } = deposit;
  const onImport = async () => {
    await deposit.importFiles();
    await uploads.engine.refresh();
  };
  const onChoose = async () => {
    const start = await previousVersion(record.id);
    // Withdrawn since: then all records are searched.
    onDialog({ name: "link", ...(start && { start }) });
  };
  return (
    <div className="invenio-multipart">
      <Message visible info data-testid="multipart-previous">
        <div className="im-previous-line">
          <p>
            <Icon name="info circle" aria-hidden="true" />
            {t(
              "You can take over files of the previous version. They are linked: nothing is sent again.",
            )}
          </p>
          <span>
            <Button
              type="button"
              size="mini"
              primary
              icon="sync"
              content={t("Import files")}
              loading={importing}
              disabled={importing}
              onClick={onImport}
            />
            <Button
              type="button"
              size="mini"
              icon="tasks"
              content={t("Choose files")}
              disabled={importing}
              onClick={onChoose}
            />
          </span>
        </div>
      </Message>
    </div>
  );
};

PreviousVersion.propTypes = {
  deposit: PropTypes.object.isRequired,
  uploads: PropTypes.object.isRequired,
  onDialog: PropTypes.func.isRequired,
};
