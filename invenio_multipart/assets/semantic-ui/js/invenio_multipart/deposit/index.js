// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// Entry of the deposit page. The template puts it before InvenioRDM's own entry, which
// reads the store of overrides once, when it starts.

import { overrideStore } from "react-overridable";
import { overriddenComponents } from "..";

for (const [id, component] of Object.entries(overriddenComponents)) {
  overrideStore.add(id, component);
}
