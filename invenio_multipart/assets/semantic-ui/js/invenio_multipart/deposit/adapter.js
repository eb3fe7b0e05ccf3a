// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// The only file that reaches into invenio-rdm-records: its components, its form and the
// state behind it. When upstream moves something, it is mended here and nowhere else.

import {
  FileUploaderToolbar,
  getInputFromDOM,
  NewVersionButton,
} from "@js/invenio_rdm_records";
import { EditFilesAccordion } from "@js/invenio_rdm_records/src/deposit/fields/FileUploader/EditFilesAccordion";
import { QuotaManager } from "@js/invenio_rdm_records/src/deposit/fields/FileUploader/QuotaManager/QuotaManager";
import { useQuotaManager } from "@js/invenio_rdm_records/src/deposit/fields/FileUploader/QuotaManager/useQuotaManager";
import {
  importParentFiles,
  saveAndFetchDraft,
} from "@js/invenio_rdm_records/src/deposit/state/actions";
import { UploadState } from "@js/invenio_rdm_records/src/deposit/state/reducers/files";
import { FILE_IMPORT_SUCCESS } from "@js/invenio_rdm_records/src/deposit/state/types";
import { useFormikContext } from "formik";
import { FeedbackLabel, http } from "react-invenio-forms";
import { useEffect, useMemo, useRef } from "react";
import { useSelector, useStore } from "react-redux";

export {
  EditFilesAccordion,
  FeedbackLabel,
  FileUploaderToolbar,
  NewVersionButton,
  QuotaManager,
  useQuotaManager,
};

const isCsrfRefusal = ({ status, data }) =>
  status === 400 && /csrf/i.test(data?.message || "");

/**
 * A request to the site's own API, with session and CSRF token.
 *
 * @returns {Promise<{status: number, headers: object, data: any}>} for any status;
 *   rejects with `{offline: true}` when no answer came
 */
export const api = async (method, url, body, repeated = false) => {
  let answer;
  try {
    answer = await http.request({
      method,
      url: /^(https?:)?\/\//.test(url) || url.startsWith("/api") ? url : `/api${url}`,
      data: body,
      // The reply to a new file would otherwise list all that are there.
      headers: { Accept: "application/json", Prefer: "return=minimal" },
      validateStatus: () => true,
    });
  } catch (error) {
    throw Object.assign(new Error(error.message), { offline: true });
  }
  // A token that has been renewed meanwhile came as a cookie with the refusal.
  if (isCsrfRefusal(answer) && !repeated) return api(method, url, body, true);
  const { status, headers, data } = answer;
  return { status, headers, data };
};

/** State of the engine's file -> state by which the form's buttons go. */
const formState = (state) =>
  ({
    completed: UploadState.completed,
    failed: UploadState.failed,
    missing: UploadState.pending,
  })[state] || UploadState.uploading;

const formEntries = (files, known) =>
  Object.fromEntries(
    files.map(({ key, size, checksum, form }) => [
      key,
      {
        ...known[key],
        name: key,
        size,
        checksum: checksum || known[key]?.checksum || "",
        status: form,
        progressPercentage: form === UploadState.completed ? 100 : 0,
      },
    ]),
  );

/** What the form's buttons and lists can see of the files, as one text to compare. */
const outline = (files) =>
  files.map((f) => `${f.key}|${f.form}|${f.size}|${f.checksum}`).join("\n");

/** Files with the state that the form shall see: what publishing waits for is unfinished. */
const asForm = ({ files, waitingFor }) => {
  const waits = new Set(waitingFor.map(({ key }) => key));
  return files.map(({ key, size, checksum, state }) => ({
    key,
    size,
    checksum,
    form: waits.has(key) ? formState(state) : UploadState.completed,
  }));
};

/**
 * Tell the form about the files: Publish, quota and the others look there.
 *
 * One action replaces the whole list, because each one redraws the form: with an action
 * for each of 1,000 files the page would stand still. While files are under way the form
 * learns only whether publishing has to wait; the rest comes when all is quiet.
 *
 * @param {object} snapshot the engine's
 * @param {boolean} ready false: leave the form as it is
 */
export const useFormFiles = (snapshot, ready) => {
  const store = useStore();
  const last = useRef({ outline: null, open: null });
  useEffect(() => {
    if (!ready) return;
    const open = snapshot.waitingFor.length === 0;
    if (snapshot.busy && open === last.current.open) return;
    const files = asForm(snapshot);
    const now = outline(files);
    if (now === last.current.outline) return;
    last.current = { outline: now, open };
    const known = store.getState().files.entries || {};
    const payload = { files: formEntries(files, known) };
    store.dispatch({ type: FILE_IMPORT_SUCCESS, payload });
  }, [store, snapshot, ready]);
};

/** Why the form was not saved, as the engine knows errors. */
const saveFailure = (error) => {
  // Upstream's client throws a TypeError when no answer came.
  if (error instanceof TypeError) {
    return Object.assign(new Error("offline"), { offline: true });
  }
  const params = { message: error?.errors?.message };
  return Object.assign(new Error("not saved"), { code: "draft_not_saved", params });
};

/** A function that returns the draft, and saves the form first when there is none. */
const draftKeeper = (store, values) => {
  let saving = null;
  const save = async () => {
    try {
      return await store.dispatch(saveAndFetchDraft(values.current));
    } catch (error) {
      throw saveFailure(error);
    } finally {
      saving = null;
    }
  };
  return async () => {
    const { record } = store.getState().deposit;
    if (record?.id && record.links?.files) return record;
    // Several files may ask at the same time; they get one draft.
    saving = saving || save();
    return saving;
  };
};

/**
 * The deposit form around us.
 *
 * @returns {object} `record`, `values`, `errors`, `initialErrors` and `setFieldValue` of the
 *   form; `entries`: the files as the page was loaded; `hasParentRecord`: this is a later
 *   version; `importing`; `ensureDraft`, `importFiles`: see above
 */
export const useDeposit = () => {
  const store = useStore();
  const { values, errors, initialErrors, setFieldValue } = useFormikContext();
  const record = useSelector(({ deposit }) => deposit.record);
  const importing = useSelector(({ files }) => Boolean(files.isFileImportInProgress));
  const current = useRef(values);
  current.current = values;
  const fixed = useMemo(
    () => ({
      // As the server wrote them into the page; the form's own state leaves much out.
      entries: getInputFromDOM("deposits-record-files")?.entries || [],
      ensureDraft: draftKeeper(store, current),
      importFiles: () => store.dispatch(importParentFiles()),
    }),
    [store],
  );
  const hasParentRecord = record?.versions?.index > 1;
  return {
    ...fixed,
    record,
    values,
    errors,
    initialErrors,
    setFieldValue,
    importing,
    hasParentRecord,
  };
};
