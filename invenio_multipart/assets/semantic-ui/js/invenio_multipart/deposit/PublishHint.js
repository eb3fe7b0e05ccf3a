// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useEffect, useState } from "react";
import { Card, Icon } from "semantic-ui-react";
import { errorText } from "./errors";
import { stateWord, t } from "./text";
import { getWaitingFor, onWaitingFor } from "./waiting";

/** So many files are named; the rest is counted. */
const NAMED = 3;

const STATES = new Set([
  "missing",
  "queued",
  "checking",
  "uploading",
  "paused",
  "waiting",
  "committing",
  "verifying",
]);

const why = (reason) =>
  STATES.has(reason) ? stateWord({ state: reason }) : errorText({ code: reason }).title;

/** Why one cannot publish yet: which files, and what they are at. */
export const PublishHint = () => {
  const [list, setList] = useState(getWaitingFor);
  useEffect(() => {
    setList(getWaitingFor());
    return onWaitingFor(setList);
  }, []);
  if (!list.length) return null;
  return (
    <div className="invenio-multipart im-publish-hint" data-testid="multipart-publish-hint">
      <Icon name="info circle" aria-hidden="true" />
      <strong>{t("Publishing waits for {{count}} files:", { count: list.length })}</strong>
      <ul className="im-names">
        {list.slice(0, NAMED).map(({ key, reason }) => (
          <li key={key} className="text-break">
            {key} <small>{why(reason)}</small>
          </li>
        ))}
        {list.length > NAMED && (
          <li>{t("and {{count}} more", { count: list.length - NAMED })}</li>
        )}
      </ul>
    </div>
  );
};

/** InvenioRDM's card with the Save, Preview and Publish buttons, and the hint below it. */
export const StatusCard = ({ children }) => (
  <Card>
    {children}
    <PublishHint />
  </Card>
);

StatusCard.propTypes = { children: PropTypes.node };

StatusCard.defaultProps = { children: null };
