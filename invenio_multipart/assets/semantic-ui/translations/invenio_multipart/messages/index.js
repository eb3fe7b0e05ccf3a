// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// One line for each language: to add one, copy en/, translate the values, add a line.

import en from "./en/translations.json";

export const translations = { en: { translation: en } };
