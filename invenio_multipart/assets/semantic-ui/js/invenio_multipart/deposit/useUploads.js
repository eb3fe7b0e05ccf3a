// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import { useEffect, useMemo, useRef, useState } from "react";
import { createEngine } from "../engine";
import { api, useFormFiles } from "./adapter";
import { clock, createHasher, network, store, transport } from "./browser";
import { dropHandles, keptKeys } from "./handles";
import { previousVersion, settingsOf } from "./requests";
import { useEngine, useLeaveWarning } from "./useEngine";
import { setWaitingFor } from "./waiting";

const optionsOf = ({ maxFiles, maxFileSize, maxStorage }, allowEmptyFiles) => ({
  maxFiles,
  maxSize: maxFileSize,
  quota: maxStorage,
  allowEmptyFiles,
});

const build = (deposit, quota, allowEmptyFiles) => () => {
  const engine = createEngine({
    api,
    transport,
    hasher: createHasher(),
    clock,
    random: Math.random,
    store,
    network,
    ensureDraft: deposit.ensureDraft,
    options: optionsOf(quota, allowEmptyFiles),
  });
  return engine;
};

/** Keys of the draft whose files one click can open again; kept as files come and go. */
const useKept = (draft, files, busy) => {
  const [kept, setKept] = useState(() => new Set());
  const unfinished = files.filter(({ state }) => state !== "completed").length;
  useEffect(() => {
    let here = true;
    if (draft) keptKeys(draft).then((keys) => here && setKept(keys));
    return () => {
      here = false;
    };
  }, [draft, unfinished]);
  const done = useMemo(
    () =>
      busy
        ? []
        : files
            .filter(({ key, state }) => state === "completed" && kept.has(key))
            .map((f) => f.key),
    [busy, files, kept],
  );
  useEffect(() => {
    if (draft && done.length) dropHandles(draft, done);
  }, [draft, done]);
  return kept;
};

/** Tell the Publish button's neighbour, but only when something else is to be told. */
const useWaitingFor = (list) => {
  const words = list.map(({ key, reason }) => `${key}\n${reason}`).join("\n");
  useEffect(() => {
    setWaitingFor(list);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [words]);
  useEffect(() => () => setWaitingFor([]), []);
};

/**
 * Show what the page came with, then what the server has now: the page may be old, and
 * another computer at work.
 *
 * @returns {[boolean, object|null]} whether the list is known; why it could not be read
 */
const useServerFiles = (engine, { entries, record }, locked) => {
  // A draft that is not saved has no files, and asking for them would save it.
  const saved = useRef(Boolean(record?.id)).current;
  const [known, setKnown] = useState(!saved);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    if (!saved) return;
    const read = async () => {
      const loading = engine.load(entries);
      setKnown(true);
      await loading;
      if (!locked) await engine.refresh();
    };
    read().catch(({ code = "server_error", params }) => setTrouble({ code, params }));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [engine]);
  return [known, trouble];
};

/** Sites may publish while digests are still being proved; asked for when it matters. */
const usePublishRule = (engine, draft, files) => {
  const matters = Boolean(draft) && files.some(({ state }) => state === "verifying");
  useEffect(() => {
    if (!matters) return;
    settingsOf(draft)
      .then(({ publish_requires: publishRequires }) =>
        engine.configure({ publishRequires }),
      )
      // Not known: publishing waits, which the server would ask for by default.
      .catch(() => {});
  }, [engine, draft, matters]);
};

/** Whoever chooses a file that the version before this one has already is told. */
const usePreviousFiles = (engine, draft, wanted) => {
  useEffect(() => {
    if (!draft || !wanted) return;
    const tell = ({ id: record, version, known }) =>
      engine.learn(known.map((file) => ({ ...file, record, version })));
    previousVersion(draft)
      .then((found) => found && tell(found))
      // It would have been a hint only.
      .catch(() => {});
  }, [engine, draft, wanted]);
};

/**
 * The engine of this draft, and the form beside it that follows.
 *
 * @param {object} deposit as from `useDeposit`
 * @param {{quota: object, allowEmptyFiles: boolean, locked: boolean}} site
 * @returns {{engine: object, snapshot: object, kept: Set<string>, trouble: object|null}}
 *   `trouble`: why the server's list could not be read, as a notice
 */
export const useUploads = (deposit, { quota, allowEmptyFiles, locked }) => {
  const [engine, snapshot] = useEngine(build(deposit, quota, allowEmptyFiles));
  const draft = deposit.record?.id;
  const [known, trouble] = useServerFiles(engine, deposit, locked);
  usePublishRule(engine, draft, snapshot.files);
  const chosen = snapshot.files.some(({ hasFile }) => hasFile);
  usePreviousFiles(engine, draft, chosen && deposit.hasParentRecord);
  useFormFiles(snapshot, known && !locked);
  useLeaveWarning(snapshot.busy);
  useWaitingFor(snapshot.waitingFor);
  const kept = useKept(draft, snapshot.files, snapshot.busy);
  return { engine, snapshot, kept, trouble };
};
