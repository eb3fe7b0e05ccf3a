// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Message } from "semantic-ui-react";
import { errorText } from "./errors";

/** A request of a dialog that failed, in words. Nothing while nothing failed. */
export const Trouble = ({ error }) => {
  if (!error) return null;
  const { title, advice } = errorText({
    code: error.code || "server_error",
    params: error.params,
  });
  return (
    <Message negative visible size="small" role="alert">
      <Message.Header>{title}</Message.Header>
      <p>{advice}</p>
    </Message>
  );
};

Trouble.propTypes = { error: PropTypes.object };

Trouble.defaultProps = { error: null };
