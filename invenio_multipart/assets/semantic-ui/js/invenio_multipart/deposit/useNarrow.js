// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useEffect, useState } from "react";

/** As in the style sheet: below it rows are stacked. */
const QUERY = "(max-width: 767px)";

/** Whether the page is as narrow as on a phone. */
export const useNarrow = () => {
  const [narrow, setNarrow] = useState(() => window.matchMedia(QUERY).matches);
  useEffect(() => {
    const media = window.matchMedia(QUERY);
    const look = () => setNarrow(media.matches);
    // Older Safari has no addEventListener there.
    media.addListener(look);
    return () => media.removeListener(look);
  }, []);
  return narrow;
};
