// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useRef, useState } from "react";
import { openKept } from "./handles";
import { useStable } from "./useStable";

/** Whether ending it loses bytes that somebody would have to send again. */
const loses = ({ state, doneBytes }) => state === "completed" || doneBytes > 0;

/**
 * What the buttons of the rows do.
 *
 * @param {object} uploads as from `useUploads`
 * @param {object} page `draft`: its id; `onDetails(files)`; `onRemoved(keys)`
 * @returns {object} `act(action, file)`; `remove(files)`; `picker`: props of the input for
 *   one file; `question`: files that are about to be removed, with `yes` and `no`;
 *   `trouble`: what the server refused, as a notice, until `forgive()`
 */
export const useRowActions = ({ engine, kept }, { draft, onDetails, onRemoved }) => {
  const input = useRef(null);
  const wanted = useRef(null);
  const [doomed, setDoomed] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const show = ({ code = "server_error", params }) => setTrouble({ code, params });

  const end = (files) => {
    setDoomed(null);
    // In one call, so that a batch all of whose files go is ended at once.
    engine.remove(files.map(({ id }) => id)).catch(show);
    onRemoved(files.map(({ key }) => key));
  };
  const remove = useStable((files) => (files.some(loses) ? setDoomed(files) : end(files)));

  const choose = async (file) => {
    const again = kept.has(file.key) && file.error?.code !== "different_file";
    const found = again ? await openKept(draft, file.key) : null;
    if (found) return engine.attach(file.id, found);
    wanted.current = file;
    return input.current.click();
  };

  const actions = {
    choose,
    pause: ({ id }) => engine.pause(id),
    proceed: ({ id }) => engine.proceed(id),
    retry: ({ id }) => engine.retry(id),
    linkTwin: ({ id }) => engine.linkTwin(id),
    details: (file) => onDetails([file]),
    cancel: (file) => remove([file]),
    remove: (file) => remove([file]),
    // A file that was refused as another one is kept by the engine, and taken by a retry.
    instead: ({ id }) => engine.retry(id),
  };
  const act = useStable(async (action, file) => {
    try {
      await actions[action](file);
    } catch (refusal) {
      show(refusal);
    }
  });

  const onPicked = ({ target }) => {
    const [chosen] = target.files;
    target.value = "";
    if (chosen && wanted.current) engine.attach(wanted.current.id, chosen);
  };

  return {
    act,
    remove,
    trouble,
    forgive: () => setTrouble(null),
    picker: { ref: input, onChange: onPicked },
    question: doomed && {
      files: doomed,
      yes: () => end(doomed),
      no: () => setDoomed(null),
    },
  };
};
