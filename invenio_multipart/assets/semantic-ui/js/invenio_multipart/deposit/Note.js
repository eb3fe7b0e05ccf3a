// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Icon, Message } from "semantic-ui-react";
import { EditFilesAccordion, NewVersionButton } from "./adapter";
import { t } from "./text";

/** What may be done with the files once the record is published, and how. */
export const Note = ({
  isDraftRecord,
  filesLocked,
  fileModification,
  record,
  permissions,
  draft,
}) => {
  if (isDraftRecord) {
    return (
      <Message visible warning>
        <p>
          <Icon name="warning sign" />
          {t(
            "File addition, removal or modification are not allowed after you have published your upload.",
          )}
        </p>
      </Message>
    );
  }
  if (!filesLocked) return null;
  if (fileModification?.enabled && fileModification?.valid_user) {
    return (
      <EditFilesAccordion
        record={record}
        permissions={permissions}
        fileModification={fileModification}
        draft={draft}
      />
    );
  }
  return (
    <Message info>
      <NewVersionButton
        record={record}
        onError={() => {}}
        className="right-floated"
        disabled={!permissions?.can_new_version}
      />
      <p className="display-inline-block mt-5">
        <Icon name="info circle" size="large" />
        {t("You must create a new version to add, modify or delete files.")}
      </p>
    </Message>
  );
};

Note.propTypes = {
  isDraftRecord: PropTypes.bool.isRequired,
  filesLocked: PropTypes.bool.isRequired,
  fileModification: PropTypes.object,
  record: PropTypes.object.isRequired,
  permissions: PropTypes.object,
  draft: PropTypes.object.isRequired,
};

Note.defaultProps = { fileModification: {}, permissions: {} };
