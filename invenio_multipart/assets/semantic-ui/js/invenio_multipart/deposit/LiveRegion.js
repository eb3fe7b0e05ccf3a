// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useEffect, useRef, useState } from "react";
import { errorText } from "./errors";
import { t } from "./text";

/** Pause between two announcements, in ms: each is heard to its end. */
const PACE = 2000;

const failures = (files) => files.filter(({ state }) => state === "failed");

const news = (before, { files, totals, online, busy }) => {
  if (before.online && !online) return t("No network; waiting");
  const known = new Set(failures(before.files).map(({ id }) => id));
  const failed = failures(files).find(({ id }) => !known.has(id));
  if (failed) {
    const why = failed.error ? errorText(failed.error).title : "";
    return t("{{key}} failed. {{why}}", { key: failed.key, why });
  }
  if (before.busy && !busy && totals.done === totals.files) {
    return t("All {{count}} files are uploaded.", { count: totals.files });
  }
  if (totals.done > before.totals.done) {
    return t("{{done}} of {{files}} files uploaded.", {
      done: totals.done,
      files: totals.files,
    });
  }
  return null;
};

/** What a screen reader says of the uploads: milestones and trouble, not each percent. */
export const LiveRegion = ({ snapshot }) => {
  const [text, setText] = useState("");
  const heard = useRef({ snapshot, at: 0 });
  useEffect(() => {
    const speak = () => {
      const words = news(heard.current.snapshot, snapshot);
      heard.current = { snapshot, at: words ? Date.now() : heard.current.at };
      if (words) setText(words);
    };
    const wait = heard.current.at + PACE - Date.now();
    if (wait <= 0) {
      speak();
      return undefined;
    }
    const timer = setTimeout(speak, wait);
    return () => clearTimeout(timer);
  }, [snapshot]);
  return (
    <div
      role="status"
      aria-live="polite"
      className="im-unseen"
      data-testid="multipart-live"
    >
      {text}
    </div>
  );
};

LiveRegion.propTypes = { snapshot: PropTypes.object.isRequired };
