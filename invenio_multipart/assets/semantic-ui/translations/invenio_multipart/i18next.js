// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// The texts of the uploader, in an instance of i18next of their own as each module of
// InvenioRDM has one: a site translates or rewords them without touching others.

import i18n from "i18next";
import LanguageDetector from "i18next-browser-languagedetector";
import { initReactI18next } from "react-i18next";
import { translations } from "./messages";

const i18next = i18n.createInstance();

i18next
  .use(LanguageDetector)
  .use(initReactI18next)
  .init({
    resources: translations,
    fallbackLng: "en",
    returnEmptyString: false,
    // Texts are their own keys, and have dots and colons in them.
    keySeparator: false,
    nsSeparator: false,
    // React escapes what it shows; twice would show &amp;.
    interpolation: { escapeValue: false },
    // The server has chosen the language already, and says it in the page.
    detection: { order: ["htmlTag"], caches: [] },
  });

export { i18next };
