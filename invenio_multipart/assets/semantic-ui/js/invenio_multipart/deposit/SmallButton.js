// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Button } from "semantic-ui-react";

/**
 * The quiet little button that stands beside texts and in rows. `action` names it for
 * tests and for scripts of a site; all else is Semantic UI's.
 */
export const SmallButton = ({ text, action, primary, size, ...more }) => (
  <Button
    type="button"
    size={size}
    compact
    basic={!primary}
    primary={primary}
    content={text}
    data-action={action}
    {...more}
  />
);

SmallButton.propTypes = {
  text: PropTypes.string,
  action: PropTypes.string,
  primary: PropTypes.bool,
  size: PropTypes.string,
};

SmallButton.defaultProps = {
  text: undefined,
  action: undefined,
  primary: false,
  size: "mini",
};
