// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useLayoutEffect, useRef, useState } from "react";

/** Rows above and below what is seen, so that quick scrolling shows no gaps. */
const SPARE = 8;

/**
 * Only the rows that can be seen, for lists of thousands.
 *
 * @param {number[]} heights of all rows, in pixels
 * @param {boolean} on false: all rows, and no container that scrolls
 * @returns {{ref: object, first: number, last: number, above: number, below: number}} `ref`
 *   for the container that scrolls; rows `first` up to, without, `last`; pixels of room
 *   that stand for the others
 */
export const useWindowed = (heights, on) => {
  const ref = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const box = ref.current;
    if (!on || !box) return undefined;
    let frame = 0;
    const look = () => {
      frame = 0;
      setView({ top: box.scrollTop, height: box.clientHeight || 600 });
    };
    // Once a frame however often the browser tells of scrolling.
    const soon = () => {
      frame = frame || requestAnimationFrame(look);
    };
    look();
    box.addEventListener("scroll", soon, { passive: true });
    window.addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(frame);
      box.removeEventListener("scroll", soon);
      window.removeEventListener("resize", soon);
    };
  }, [on]);
  if (!on) return { ref, first: 0, last: heights.length, above: 0, below: 0 };
  return { ref, ...visible(heights, view) };
};

/** Which rows a view of `height` pixels from `top` on shows. */
export const visible = (heights, { top, height }) => {
  let at = 0;
  let first = 0;
  while (first < heights.length && at + heights[first] <= top) {
    at += heights[first];
    first += 1;
  }
  let last = first;
  let end = at;
  while (last < heights.length && end < top + height) {
    end += heights[last];
    last += 1;
  }
  for (let i = 0; i < SPARE && first > 0; i += 1) {
    first -= 1;
    at -= heights[first];
  }
  last = Math.min(heights.length, last + SPARE);
  const below = heights.slice(last).reduce((sum, h) => sum + h, 0);
  return { first, last, above: at, below };
};
