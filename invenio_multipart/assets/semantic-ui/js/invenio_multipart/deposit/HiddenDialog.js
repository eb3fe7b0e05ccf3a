// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Answers, Dialog } from "./Dialog";
import { t } from "./text";

/** So many are named; the rest is counted. */
const NAMED = 8;

/** Hidden files were among the chosen ones: send them or not. */
export const HiddenDialog = ({ paths, onLeaveOut, onInclude, onClose }) => (
  <Dialog
    title={t("{{count}} of the files are hidden", { count: paths.length })}
    size="tiny"
    onClose={onClose}
    actions={
      <Answers
        no={{
          content: t("Upload them too"),
          "data-action": "hidden-include",
          onClick: onInclude,
        }}
        yes={{
          content: t("Leave them out"),
          "data-action": "hidden-leave-out",
          onClick: onLeaveOut,
        }}
      />
    }
  >
    <p>
      {t("They are mostly made by the system or by programs, and seldom part of the data.")}
    </p>
    <ul className="im-names">
      {paths.slice(0, NAMED).map((path) => (
        <li key={path} className="text-break">
          {path}
        </li>
      ))}
      {paths.length > NAMED && (
        <li>{t("and {{count}} more", { count: paths.length - NAMED })}</li>
      )}
    </ul>
  </Dialog>
);

HiddenDialog.propTypes = {
  paths: PropTypes.arrayOf(PropTypes.string).isRequired,
  onLeaveOut: PropTypes.func.isRequired,
  onInclude: PropTypes.func.isRequired,
  onClose: PropTypes.func.isRequired,
};
