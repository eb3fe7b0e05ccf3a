// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useMemo, useState } from "react";
import { useStable } from "./useStable";

/**
 * Which files are selected.
 *
 * @returns {{ids: Set<string>, files: object[], toggle: function, toggleAll: function,
 *   clear: function}} `toggleAll` selects all of the given files, or none when all are
 */
export const useSelection = (files) => {
  const [wanted, setWanted] = useState(() => new Set());
  // What was removed is not selected any more.
  const selected = useMemo(() => files.filter(({ id }) => wanted.has(id)), [files, wanted]);
  const names = selected.map(({ id }) => id).join();
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const ids = useMemo(() => new Set(selected.map(({ id }) => id)), [names]);
  const toggleAll = useStable((some) => {
    const after = new Set(ids);
    const all = some.every(({ id }) => after.has(id));
    some.forEach(({ id }) => (all ? after.delete(id) : after.add(id)));
    setWanted(after);
  });
  const toggle = useStable((file) => toggleAll([file]));
  const clear = useStable(() => setWanted(new Set()));
  return { ids, files: selected, toggle, toggleAll, clear };
};
