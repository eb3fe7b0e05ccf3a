// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useState } from "react";

/**
 * What the main button of a dialog does: `work`, and then the dialog closes.
 *
 * @returns {{run: Function, waits: boolean, error: Error|null}} `error` where it failed;
 *     the dialog stays open then
 */
export const useClosing = (work, onClose) => {
  const [waits, setWaits] = useState(false);
  const [error, setError] = useState(null);
  const run = async () => {
    setWaits(true);
    setError(null);
    try {
      await work();
      onClose();
    } catch (refusal) {
      setError(refusal);
      setWaits(false);
    }
  };
  return { run, waits, error };
};
