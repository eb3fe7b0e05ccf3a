// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { connect } from "react-redux";

/** The files of the draft, by name and size in bytes. */
const FileList = ({ entries }) => (
  <ul className="invenio-multipart-files">
    {Object.values(entries).map(({ name, size }) => (
      <li key={name}>
        {name} ({size} B)
      </li>
    ))}
  </ul>
);

FileList.propTypes = { entries: PropTypes.object.isRequired };

/** What stands in the files section of the deposit form. */
export const Uploader = connect(({ files }) => ({ entries: files.entries }))(FileList);
