// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button } from "semantic-ui-react";
import { moment } from "./format";
import { t } from "./text";

/**
 * Until when unfinished files are kept, and a button for more time. `onExtend()` returns a
 * promise.
 */
export const Deadline = ({ deadline, onExtend }) => {
  const [waits, setWaits] = useState(false);
  const [refusal, setRefusal] = useState("");
  const extend = async () => {
    setWaits(true);
    setRefusal("");
    try {
      await onExtend();
    } catch (error) {
      setRefusal(error.params?.message || error.message);
    } finally {
      setWaits(false);
    }
  };
  return (
    <span className="im-deadline">
      {t("What is unfinished is kept until {{moment}}.", { moment: moment(deadline) })}{" "}
      <Button
        type="button"
        size="mini"
        compact
        basic
        icon="clock outline"
        loading={waits}
        disabled={waits}
        content={t("Keep it longer")}
        data-action="extend"
        onClick={extend}
      />
      {refusal && <span role="alert">{refusal}</span>}
    </span>
  );
};

Deadline.propTypes = {
  deadline: PropTypes.oneOfType([PropTypes.string, PropTypes.number]).isRequired,
  onExtend: PropTypes.func.isRequired,
};

/** The first deadline among unfinished files, or null. */
export const firstDeadline = (files, batch) => {
  const all = files
    .filter(
      ({ state, deadline }) => deadline && !["completed", "verifying"].includes(state),
    )
    .map(({ deadline }) => deadline)
    .concat(batch?.deadline || [])
    .map((deadline) => new Date(deadline).getTime())
    .filter(Number.isFinite);
  return all.length ? Math.min(...all) : null;
};
