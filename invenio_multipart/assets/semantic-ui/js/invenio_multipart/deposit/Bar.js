// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";

/**
 * Semantic UI's bar as screen readers know one: its own component has no role. It is
 * drawn ten times a second for many rows, so it is no more than two elements.
 */
export const Bar = ({ percent, size, label, active, disabled }) => (
  <div
    role="progressbar"
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={percent}
    aria-label={label}
    data-percent={percent}
    className={`ui ${size} primary progress im-bar${active ? " active" : ""}${
      disabled ? " disabled" : ""
    }`}
  >
    <div className="bar" style={{ width: `${percent}%` }} />
  </div>
);

Bar.propTypes = {
  percent: PropTypes.number.isRequired,
  size: PropTypes.string,
  label: PropTypes.string.isRequired,
  active: PropTypes.bool,
  disabled: PropTypes.bool,
};

Bar.defaultProps = { size: "tiny", active: false, disabled: false };
