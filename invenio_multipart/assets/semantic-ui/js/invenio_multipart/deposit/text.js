// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Words for states and errors: what has happened, and what to do about it.

import { i18next } from "@translations/invenio_multipart/i18next";

/** The text in the language of the page; `params` fill its {{places}}. */
export const t = (text, params) => i18next.t(text, params);

/** State of a file -> the word that stands in its row. */
export const stateWord = ({ state, origin }) => {
  const words = {
    missing: t("Unfinished"),
    queued: t("Queued"),
    checking: t("Checking"),
    uploading: t("Uploading"),
    paused: t("Paused"),
    waiting: t("Waiting"),
    committing: t("Finishing"),
    verifying: t("Verifying"),
    completed: origin ? t("Linked") : t("Uploaded"),
    failed: t("Failed"),
  };
  return words[state] || state;
};

/** State of a file -> name and colour of the icon beside the word. */
export const stateIcon = ({ state, origin }) =>
  ({
    missing: { name: "history", color: "orange" },
    queued: { name: "clock outline", color: "grey" },
    checking: { name: "search", color: "grey" },
    uploading: { name: "arrow alternate circle up outline", color: "blue" },
    paused: { name: "pause circle outline", color: "grey" },
    waiting: { name: "hourglass half", color: "orange" },
    committing: { name: "spinner", color: "blue", loading: true },
    verifying: { name: "spinner", color: "blue", loading: true },
    completed: { name: origin ? "linkify" : "check circle", color: "green" },
    failed: { name: "exclamation circle", color: "red" },
  })[state] || { name: "question circle outline", color: "grey" };
