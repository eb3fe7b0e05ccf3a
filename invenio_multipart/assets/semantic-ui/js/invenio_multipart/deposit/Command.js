// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button } from "semantic-ui-react";
import { t } from "./text";

/** Commands to copy. */
export const Command = ({ children, label }) => {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    // Only pages of https and localhost have a clipboard.
    await navigator.clipboard.writeText(children);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div className="im-command">
      {/* It may be wider than the window: then the keyboard scrolls it. */}
      <pre tabIndex={0} aria-label={label} role="region">
        {children}
      </pre>
      {navigator.clipboard && (
        <Button
          type="button"
          basic
          compact
          size="mini"
          icon={copied ? "check" : "copy outline"}
          content={copied ? t("Copied") : t("Copy")}
          aria-label={t("Copy: {{what}}", { what: label })}
          onClick={copy}
        />
      )}
    </div>
  );
};

Command.propTypes = {
  children: PropTypes.string.isRequired,
  label: PropTypes.string.isRequired,
};
