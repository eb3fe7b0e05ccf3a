// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useEffect, useState } from "react";
import { fromDrop } from "./chosen";

const hasFiles = ({ dataTransfer }) => Array.from(dataTransfer.types).includes("Files");

/** A file that misses its mark must not take the place of the page. */
const useMissedDrops = () => {
  useEffect(() => {
    const ignore = (event) => {
      if (hasFiles(event)) event.preventDefault();
    };
    document.addEventListener("dragover", ignore);
    document.addEventListener("drop", ignore);
    return () => {
      document.removeEventListener("dragover", ignore);
      document.removeEventListener("drop", ignore);
    };
  }, []);
};

/**
 * Files and folders dropped on an element.
 *
 * @param {(chosen: object[]) => void} onChosen gets them as from `chosen.js`
 * @param {boolean} disabled nothing is taken
 * @returns {[boolean, object]} whether files hover over it; props for the element
 */
export const useDrop = (onChosen, disabled) => {
  // Entering a child comes before leaving its parent, so they are counted.
  const [depth, setDepth] = useState(0);
  useMissedDrops();
  const props = {
    onDragEnter: (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDepth((d) => d + 1);
    },
    onDragOver: (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = disabled ? "none" : "copy";
    },
    onDragLeave: (event) => {
      if (hasFiles(event)) setDepth((d) => Math.max(0, d - 1));
    },
    onDrop: async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDepth(0);
      if (!disabled) onChosen(await fromDrop(event.dataTransfer));
    },
  };
  return [depth > 0 && !disabled, props];
};
