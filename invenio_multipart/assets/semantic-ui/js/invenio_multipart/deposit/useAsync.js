// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useEffect, useState } from "react";

/**
 * The outcome of `work`, which runs anew whenever one of `inputs` changes.
 *
 * @param {() => Promise<any>|null} work null: nothing to do now
 * @param {any[]} inputs
 * @param {number} delay ms to wait for further changes, as of somebody who types
 * @returns {{value: any, error: Error|null, waits: boolean}}
 */
export const useAsync = (work, inputs, delay = 0) => {
  const [outcome, setOutcome] = useState({ value: null, error: null, waits: true });
  useEffect(() => {
    let wanted = true;
    setOutcome((before) => ({ ...before, waits: true }));
    const timer = setTimeout(async () => {
      let next;
      try {
        next = { value: await work(), error: null, waits: false };
      } catch (error) {
        next = { value: null, error, waits: false };
      }
      if (wanted) setOutcome(next);
    }, delay);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, inputs);
  return outcome;
};
