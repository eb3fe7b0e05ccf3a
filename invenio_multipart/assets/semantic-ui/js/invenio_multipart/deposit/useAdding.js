// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useState } from "react";
import { isHidden } from "./chosen";
import { keepHandles } from "./handles";

/** A dialog that somebody waits for: `ask(subject)` opens it, `answer(value)` closes it. */
const useQuestion = () => {
  const [open, setOpen] = useState(null);
  const ask = (subject) => new Promise((resolve) => setOpen({ subject, resolve }));
  const answer = (value) => {
    setOpen(null);
    open.resolve(value);
  };
  return { subject: open ? open.subject : null, ask, answer };
};

/**
 * From chosen files to uploads, with the questions on the way.
 *
 * @param {object} engine
 * @param {object} site `allowEmptyFiles` and `draft()`: a promise of the draft
 * @returns {object} `add(chosen)`; `hidden` and `conflicts`, questions with `subject` and
 *   `answer`; `refused`: what was left out and why, as notices, until `forgive()`
 */
export const useAdding = (engine, { allowEmptyFiles, draft }) => {
  const hidden = useQuestion();
  const conflicts = useQuestion();
  const [refused, setRefused] = useState([]);

  const withoutHidden = async (chosen) => {
    const some = chosen.filter(({ path }) => isHidden(path));
    // One that was chosen by itself is meant.
    if (!some.length || some.length === chosen.length) return chosen;
    const choice = await hidden.ask(some.map(({ path }) => path));
    if (choice === "include") return chosen;
    return choice === "leave" ? chosen.filter(({ path }) => !isHidden(path)) : [];
  };

  const withoutEmpty = (chosen) => {
    const full = allowEmptyFiles ? chosen : chosen.filter(({ file }) => file.size > 0);
    const empty = chosen.length - full.length;
    setRefused(empty ? [{ code: "empty_file", params: { count: empty } }] : []);
    return full;
  };

  const add = async (all) => {
    const chosen = withoutEmpty(await withoutHidden(all));
    if (!chosen.length) return;
    const { refused: left } = await engine.add(chosen, conflicts.ask);
    // Limits are told by the engine itself, with their numbers.
    const unnamed = left.filter(({ code }) => code === "invalid_key");
    if (unnamed.length) setRefused([{ code: "invalid_key", params: unnamed[0].params }]);
    if (chosen.some(({ handle }) => handle)) {
      const { id } = await draft();
      await keepHandles(id, chosen);
    }
  };

  return { add, hidden, conflicts, refused, forgive: () => setRefused([]) };
};
