// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Icon, Message } from "semantic-ui-react";
import { Deadline, firstDeadline } from "./Deadline";
import { errorText } from "./errors";
import { moment } from "./format";
import { t } from "./text";

/** Notices of the engine that are no trouble. */
const GOOD = {
  names_cleaned: ({ files }) =>
    t("{{count}} names had signs in them that cannot be kept; they were replaced.", {
      count: files,
    }),
  known: ({ files }) =>
    t("The repository has {{count}} of these files already; they were linked, not sent.", {
      count: files,
    }),
  linked: ({ files }) => t("{{count}} files were linked.", { count: files }),
};

/** Notices that go by themselves when what they tell has passed. */
const PASSING = new Set(["offline", "storage_unreachable", "login_lost"]);

const Notice = ({ notice, decimal, onDismiss }) => {
  const good = GOOD[notice.code];
  const { title, advice } = good
    ? { title: good(notice.params || {}), advice: "" }
    : errorText(notice, decimal);
  return (
    <Message
      visible
      info={Boolean(good)}
      warning={!good}
      size="small"
      role={good ? "status" : "alert"}
      onDismiss={onDismiss}
      data-notice={notice.code}
    >
      <Message.Header>
        <Icon name={good ? "info circle" : "warning sign"} aria-hidden="true" />
        {title}
      </Message.Header>
      {advice && <p>{advice}</p>}
    </Message>
  );
};

Notice.propTypes = {
  notice: PropTypes.shape({ code: PropTypes.string, params: PropTypes.object }).isRequired,
  decimal: PropTypes.bool.isRequired,
  onDismiss: PropTypes.func,
};

Notice.defaultProps = { onDismiss: undefined };

/** States of files that nobody is at work for: their time runs out. */
const RESTING = new Set(["missing", "paused", "failed"]);

/** Unfinished files from an earlier visit, another browser or another computer. */
const Unfinished = ({ snapshot, onExtend }) => {
  const missing = snapshot.files.filter(({ state }) => state === "missing");
  const resting = snapshot.files.filter(({ state }) => RESTING.has(state));
  if (!resting.length) return null;
  const deadline = firstDeadline(resting, snapshot.batch);
  if (!missing.length && !deadline) return null;
  return (
    <Message
      visible
      info
      size="small"
      className="im-unfinished"
      data-testid="multipart-unfinished"
    >
      {missing.length > 0 && (
        <>
          <Message.Header>
            <Icon name="history" aria-hidden="true" />
            {t("{{count}} uploads are unfinished", { count: missing.length })}
          </Message.Header>
          <p>
            {t(
              "Choose or drop the same files again, all at once if you like: only what is missing is sent. You can also finish them from another computer.",
            )}
          </p>
        </>
      )}
      {deadline && <Deadline deadline={deadline} onExtend={onExtend} />}
    </Message>
  );
};

Unfinished.propTypes = {
  snapshot: PropTypes.object.isRequired,
  onExtend: PropTypes.func.isRequired,
};

const Locked = ({ locked }) => (
  <Message visible warning size="small" role="status">
    <Message.Header>
      <Icon name="lock" aria-hidden="true" />
      {t("Another upload into this draft is under way")}
    </Message.Header>
    <p>
      {locked.since
        ? t("It began on {{moment}}. This page follows it.", {
            moment: moment(locked.since),
          })
        : t("This page follows it.")}
    </p>
  </Message>
);

Locked.propTypes = { locked: PropTypes.object.isRequired };

/** All that is to be said above the list. */
export const Notices = ({ snapshot, decimal, handedOver, onDismiss, onExtend }) => (
  <>
    {snapshot.locked && !handedOver && <Locked locked={snapshot.locked} />}
    {snapshot.notices.map((notice) => (
      <Notice
        key={notice.code}
        notice={notice}
        decimal={decimal}
        onDismiss={PASSING.has(notice.code) ? undefined : () => onDismiss(notice.code)}
      />
    ))}
    <Unfinished snapshot={snapshot} onExtend={onExtend} />
  </>
);

Notices.propTypes = {
  snapshot: PropTypes.object.isRequired,
  decimal: PropTypes.bool.isRequired,
  handedOver: PropTypes.bool,
  onDismiss: PropTypes.func.isRequired,
  onExtend: PropTypes.func.isRequired,
};

Notices.defaultProps = { handedOver: false };
