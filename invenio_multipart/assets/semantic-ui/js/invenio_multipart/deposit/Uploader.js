// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Grid, Header, Segment } from "semantic-ui-react";
import { FileUploaderToolbar, QuotaManager, useDeposit, useQuotaManager } from "./adapter";
import { FilesArea } from "./FilesArea";
import { Note } from "./Note";
import { PreviousVersion } from "./PreviousVersion";
import { t } from "./text";
import { useUploads } from "./useUploads";

const MetadataOnly = () => (
  <Segment basic padded="very" className="file-upload-area no-files">
    <Header size="medium" textAlign="center">
      {t("This is a Metadata-only record.")}
    </Header>
  </Segment>
);

/** One row of upstream's grid, over the whole width. */
const Row = ({ className, children }) => (
  <Grid.Row className={className}>
    <Grid.Column width={16}>{children}</Grid.Column>
  </Grid.Row>
);

Row.propTypes = {
  className: PropTypes.string.isRequired,
  children: PropTypes.node.isRequired,
};

/**
 * What stands in the files section of the deposit form, in place of InvenioRDM's own
 * uploaders. It takes the same props as they do, and keeps to each of them.
 */
export const Uploader = (props) => {
  const { config, permissions, quota, isDraftRecord, filesLocked, fileModification } =
    props;
  const { allowEmptyFiles, showMetadataOnlyToggle, decimalSizeDisplay: decimal } = props;
  const deposit = useDeposit();
  const { record, values, errors, initialErrors } = deposit;
  const locked = !isDraftRecord && filesLocked;
  const uploads = useUploads(deposit, { quota, allowEmptyFiles, locked });
  const { files } = uploads.snapshot;
  const filesEnabled = Boolean(values.files?.enabled);
  const filesSize = files.reduce((sum, { size }) => sum + (size || 0), 0);
  const room = useQuotaManager(quota, filesSize);
  const [dialog, setDialog] = useState(null);
  const fresh = filesEnabled && isDraftRecord && deposit.hasParentRecord && !files.length;

  return (
    <Grid className="file-uploader">
      <Grid.Row className="pt-5 pb-10">
        {!locked && (
          <FileUploaderToolbar
            config={config}
            filesEnabled={filesEnabled}
            filesList={files}
            filesSize={filesSize}
            quota={quota}
            decimalSizeDisplay={decimal}
            showMetadataOnlyToggle={showMetadataOnlyToggle}
            additionalQuota={room.additionalQuota}
            toggleQuotaSection={room.toggleQuotaSection}
          />
        )}
      </Grid.Row>
      {fresh && (
        <Row className="pt-5 pb-5">
          <PreviousVersion {...{ deposit, uploads }} onDialog={setDialog} />
        </Row>
      )}
      {room.showQuotaSection && (
        <Grid.Row className="pt-0">
          <QuotaManager
            draft={values}
            quota={room.quotaInGB}
            decimalSizeDisplay={decimal}
            toggleQuotaSection={room.toggleQuotaSection}
            additionalQuota={room.additionalQuota}
            setAdditionalQuota={room.setAdditionalQuota}
          />
        </Grid.Row>
      )}
      <Row className="pt-0 pb-0">
        {filesEnabled ? (
          <FilesArea
            uploads={uploads}
            deposit={deposit}
            look={{ decimal, locked }}
            allowEmptyFiles={allowEmptyFiles}
            hasError={errors.files?.enabled || initialErrors?.files?.enabled}
            dialog={dialog}
            onDialog={setDialog}
          />
        ) : (
          <MetadataOnly />
        )}
      </Row>
      <Row className="file-upload-note pt-5">
        <Note
          isDraftRecord={isDraftRecord}
          filesLocked={filesLocked}
          fileModification={fileModification}
          record={record}
          permissions={permissions}
          draft={values}
        />
      </Row>
    </Grid>
  );
};

Uploader.propTypes = {
  config: PropTypes.object,
  permissions: PropTypes.object,
  quota: PropTypes.shape({
    maxStorage: PropTypes.number,
    maxFiles: PropTypes.number,
    maxFileSize: PropTypes.number,
    quotaIncrease: PropTypes.object,
  }),
  isDraftRecord: PropTypes.bool,
  filesLocked: PropTypes.bool,
  fileModification: PropTypes.object,
  allowEmptyFiles: PropTypes.bool,
  showMetadataOnlyToggle: PropTypes.bool,
  decimalSizeDisplay: PropTypes.bool,
};

Uploader.defaultProps = {
  config: undefined,
  permissions: undefined,
  // As upstream's uploaders have it, for forms that say nothing.
  quota: { maxFiles: 5, maxStorage: 10 ** 10 },
  isDraftRecord: true,
  filesLocked: false,
  fileModification: {},
  allowEmptyFiles: true,
  showMetadataOnlyToggle: true,
  decimalSizeDisplay: true,
};
