// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useCallback, useRef } from "react";

/** A function that never changes and calls the latest `fn`: rows need no redraw for it. */
export const useStable = (fn) => {
  const latest = useRef(fn);
  latest.current = fn;
  return useCallback((...args) => latest.current(...args), []);
};
