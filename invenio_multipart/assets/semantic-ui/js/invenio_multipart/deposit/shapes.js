// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Shapes of what the engine hands out, for prop types.

import PropTypes from "prop-types";

export const fileShape = PropTypes.shape({
  id: PropTypes.string.isRequired,
  key: PropTypes.string.isRequired,
  size: PropTypes.number,
  doneBytes: PropTypes.number,
  speed: PropTypes.number,
  secondsLeft: PropTypes.number,
  state: PropTypes.string.isRequired,
  error: PropTypes.shape({ code: PropTypes.string.isRequired, params: PropTypes.object }),
  checksum: PropTypes.string,
  metadata: PropTypes.object,
  twin: PropTypes.shape({
    key: PropTypes.string.isRequired,
    record: PropTypes.string,
    version: PropTypes.number,
    offered: PropTypes.bool.isRequired,
  }),
  linkable: PropTypes.bool,
  hasFile: PropTypes.bool,
});

export const folderShape = PropTypes.shape({
  path: PropTypes.string.isRequired,
  name: PropTypes.string.isRequired,
  depth: PropTypes.number.isRequired,
  files: PropTypes.number.isRequired,
  done: PropTypes.number.isRequired,
  failed: PropTypes.number.isRequired,
  size: PropTypes.number.isRequired,
  doneBytes: PropTypes.number.isRequired,
});
