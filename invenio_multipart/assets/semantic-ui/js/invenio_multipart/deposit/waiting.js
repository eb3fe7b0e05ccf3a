// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// What publishing waits for: told by the uploader, shown beside the Publish button. The
// two stand far apart in the form, so it is kept here and not in React.

let waitingFor = [];
const listeners = new Set();

/** A list of `{key, reason}`, empty when nothing is to be waited for. */
export const setWaitingFor = (list) => {
  if (!list.length && !waitingFor.length) return;
  waitingFor = list;
  listeners.forEach((listener) => listener(list));
};

export const getWaitingFor = () => waitingFor;

/** Call `listener` at each change; returns a function that ends it. */
export const onWaitingFor = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
