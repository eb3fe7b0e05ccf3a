// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { ListBar } from "./ListBar";
import { Notices } from "./Notices";
import { TotalsBar } from "./TotalsBar";

/** Everything above the list: what is to be said, how far all is, what is selected. */
export const AboveList = ({
  uploads,
  own,
  decimal,
  handedOver,
  onForgive,
  selected,
  onDetails,
  onRemove,
  onExtend,
  filter,
  onFilter,
}) => {
  const { engine, snapshot } = uploads;
  const { files } = snapshot;
  const dismiss = (code) => {
    engine.dismiss(code);
    onForgive();
  };
  return (
    <>
      <Notices
        snapshot={{ ...snapshot, notices: [...own, ...snapshot.notices] }}
        decimal={decimal}
        handedOver={handedOver}
        onDismiss={dismiss}
        onExtend={onExtend}
      />
      <TotalsBar
        snapshot={snapshot}
        decimal={decimal}
        onPause={() => engine.pause()}
        onProceed={() => engine.proceed()}
        onCancel={() => onRemove(files.filter(({ state }) => state !== "completed"))}
        onRetry={(failed) => failed.forEach(({ id }) => engine.retry(id))}
      />
      <ListBar
        files={files}
        selected={selected}
        filter={filter}
        onFilter={onFilter}
        onDetails={() => onDetails(selected)}
        onRemove={() => onRemove(selected)}
      />
    </>
  );
};

AboveList.propTypes = {
  uploads: PropTypes.object.isRequired,
  own: PropTypes.array.isRequired,
  decimal: PropTypes.bool.isRequired,
  handedOver: PropTypes.bool.isRequired,
  onForgive: PropTypes.func.isRequired,
  selected: PropTypes.array.isRequired,
  onDetails: PropTypes.func.isRequired,
  onRemove: PropTypes.func.isRequired,
  onExtend: PropTypes.func.isRequired,
  filter: PropTypes.object.isRequired,
  onFilter: PropTypes.func.isRequired,
};
