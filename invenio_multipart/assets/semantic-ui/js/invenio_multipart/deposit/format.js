// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Sizes, speeds and times as people read them.

import { i18next } from "@translations/invenio_multipart/i18next";
import { t } from "./text";

const UNITS = {
  decimal: ["B", "kB", "MB", "GB", "TB", "PB"],
  binary: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"],
};

/** `size` bytes with three digits at most: "0 B", "1.5 MB", "120 GB". */
export const bytes = (size, decimal = true) => {
  if (!Number.isFinite(size)) return "";
  const base = decimal ? 1000 : 1024;
  const units = decimal ? UNITS.decimal : UNITS.binary;
  let value = Math.max(0, size);
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= (unit ? 999.5 : base) && unit < units.length - 1) {
    value /= base;
    unit += 1;
  }
  const digits = unit && value < 9.95 ? 1 : 0;
  return `${value.toLocaleString(i18next.language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })} ${units[unit]}`;
};

/** Bytes a second; "" while nothing moves. */
export const speed = (rate, decimal = true) =>
  rate > 0 ? t("{{size}}/s", { size: bytes(rate, decimal) }) : "";

/** Seconds that are left, in words; "" when nobody knows. */
export const timeLeft = (seconds) => {
  if (!Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 10) return t("a few seconds left");
  if (seconds < 60)
    return t("{{count}} seconds left", { count: Math.round(seconds / 5) * 5 });
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return t("{{count}} minutes left", { count: minutes });
  const hours = Math.round(seconds / 3600);
  if (hours < 48) return t("{{count}} hours left", { count: hours });
  return t("{{count}} days left", { count: Math.round(hours / 24) });
};

/** Day and time of `moment` (ISO text, or ms since 1970) in the user's own time zone. */
export const moment = (value) =>
  value
    ? new Date(value).toLocaleString(i18next.language, {
        dateStyle: "medium",
        timeStyle: "short",
      })
    : "";

/** Part of a whole as a number from 0 to 100, never 100 before all is there. */
export const percent = (done, size) => {
  if (!size) return 0;
  return done >= size ? 100 : Math.min(99, Math.floor((100 * done) / size));
};
