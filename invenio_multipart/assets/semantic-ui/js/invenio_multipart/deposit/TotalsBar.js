// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React from "react";
import { Icon } from "semantic-ui-react";
import { Bar } from "./Bar";
import { bytes, percent, speed, timeLeft } from "./format";
import { SmallButton } from "./SmallButton";
import { t } from "./text";

const RUNNING = new Set(["queued", "checking", "uploading", "waiting"]);

const figures = (totals, decimal) => [
  t("{{done}} of {{files}} files", { done: totals.done, files: totals.files }),
  t("{{done}} of {{size}}", {
    done: bytes(totals.sentBytes, decimal),
    size: bytes(totals.bytes, decimal),
  }),
  speed(totals.speed, decimal),
  timeLeft(totals.secondsLeft),
];

const headline = (snapshot, running, paused) => {
  if (!snapshot.online && running) return { icon: "plug", text: t("No network; waiting") };
  if (running) return { icon: "cloud upload", text: t("Uploading") };
  if (snapshot.busy) return { icon: "spinner", text: t("Finishing"), loading: true };
  if (paused) return { icon: "pause circle outline", text: t("Paused") };
  return { icon: "info circle", text: t("Not finished") };
};

/** How far all files together are, and buttons for all. Nothing when all is done. */
export const TotalsBar = ({ snapshot, decimal, onPause, onProceed, onCancel, onRetry }) => {
  const { files, totals } = snapshot;
  if (!files.length || totals.done === totals.files) return null;
  const running = files.some(({ state }) => RUNNING.has(state));
  const paused = files.some(({ state }) => state === "paused");
  const failed = files.filter(({ state, hasFile }) => state === "failed" && hasFile);
  const { icon, text, loading } = headline(snapshot, running, paused);
  const button = (action, icon, text, onClick) => (
    <SmallButton key={action} {...{ action, icon, text, onClick }} />
  );
  return (
    <div className="im-totals" data-testid="multipart-totals">
      <div className="im-totals-line">
        <strong>
          <Icon name={icon} loading={loading} aria-hidden="true" />
          {text}
        </strong>
        <span className="im-figures">
          {figures(totals, decimal).filter(Boolean).join(" · ")}
        </span>
        <span className="im-totals-buttons">
          {failed.length > 0 &&
            button("retry-all", "redo", t("Retry all"), () => onRetry(failed))}
          {paused && button("proceed-all", "play", t("Go on with all"), onProceed)}
          {running && button("pause-all", "pause", t("Pause all"), onPause)}
          {running && button("cancel-all", "close", t("Cancel all"), onCancel)}
        </span>
      </div>
      <Bar
        size="small"
        // Files whose size nobody knows yet, or that are still proved, are not all there.
        percent={Math.min(99, percent(totals.sentBytes, totals.bytes))}
        active={running && snapshot.online}
        label={t("Progress of all files")}
      />
    </div>
  );
};

TotalsBar.propTypes = {
  snapshot: PropTypes.object.isRequired,
  decimal: PropTypes.bool.isRequired,
  onPause: PropTypes.func.isRequired,
  onProceed: PropTypes.func.isRequired,
  onCancel: PropTypes.func.isRequired,
  onRetry: PropTypes.func.isRequired,
};
