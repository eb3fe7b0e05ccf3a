// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useEffect, useState } from "react";

/**
 * An engine for as long as the component lives, and what it shows.
 *
 * @param {() => object} create makes the engine; called once
 * @returns {[object, object]} the engine and its snapshot, a new one after each change
 */
export const useEngine = (create) => {
  const [engine] = useState(create);
  const [snapshot, setSnapshot] = useState(() => engine.snapshot());
  useEffect(() => {
    const stop = engine.subscribe(() => setSnapshot(engine.snapshot()));
    // What changed between the first picture and the subscription.
    setSnapshot(engine.snapshot());
    return () => {
      stop();
      engine.close();
    };
  }, [engine]);
  return [engine, snapshot];
};

/** Warn before the page is left while `busy`; what was sent is kept all the same. */
export const useLeaveWarning = (busy) => {
  useEffect(() => {
    if (!busy) return undefined;
    const warn = (event) => {
      // Browsers show their own words; only preventDefault makes them ask at all.
      event.preventDefault();
      event.returnValue = "";
    };
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [busy]);
};
