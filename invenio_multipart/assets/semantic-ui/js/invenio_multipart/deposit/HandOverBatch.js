// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button, Form } from "semantic-ui-react";
import { announce, LISTING, readList, reopen, revoke } from "./handover";
import { HandOverOpen } from "./HandOverOpen";
import { t } from "./text";
import { Trouble } from "./Trouble";

const STS = "sts-credentials";

const times = (maxHours) =>
  [
    [1, t("1 hour")],
    [12, t("12 hours")],
    [24, t("1 day")],
    [72, t("3 days")],
    [168, t("1 week")],
    [720, t("30 days")],
  ].filter(([hours]) => hours <= maxHours);

const Explanation = ({ mode }) => (
  <p>
    {mode === STS
      ? t(
          "Keys for the storage itself, for aws, rclone and other S3 programs. They can write the files of this upload and nothing else, and end by themselves.",
        )
      : t(
          "A shell script that needs curl and no login. It can send the files you name here and nothing else, and ends by itself.",
        )}
  </p>
);

Explanation.propTypes = { mode: PropTypes.string.isRequired };

const ManyFiles = () => (
  <details className="im-more">
    <summary>{t("Many or large files?")}</summary>
    <p>
      {t(
        "Paste what these commands print on the other computer. With its size behind a tab a file can have more than 5 GB, and is sent in parts.",
      )}
    </p>
    <pre>{LISTING}</pre>
  </details>
);

const NewBatch = ({ mode, maxHours, waits, onMake }) => {
  const [list, setList] = useState("");
  const [hours, setHours] = useState(Math.min(24, maxHours));
  const files = readList(list);
  return (
    <Form as="div" size="small">
      <Form.Field>
        <label htmlFor="multipart-names">{t("Names of the files, one in each line")}</label>
        <textarea
          id="multipart-names"
          rows={5}
          data-first-focus
          spellCheck={false}
          placeholder={"run 1/scan.h5\nrun 1/log.txt"}
          value={list}
          onChange={({ target }) => setList(target.value)}
        />
        <ManyFiles />
      </Form.Field>
      <Form.Group inline className="im-line">
        <label htmlFor="multipart-hours">{t("Good for")}</label>
        <select
          id="multipart-hours"
          value={hours}
          onChange={({ target }) => setHours(Number(target.value))}
        >
          {times(maxHours).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
        <Button
          type="button"
          primary
          size="small"
          loading={waits}
          disabled={waits || !files.length}
          content={mode === STS ? t("Make credentials") : t("Make the script")}
          data-action="make-batch"
          onClick={() => onMake(files, hours)}
        />
      </Form.Group>
    </Form>
  );
};

NewBatch.propTypes = {
  mode: PropTypes.string.isRequired,
  maxHours: PropTypes.number.isRequired,
  waits: PropTypes.bool.isRequired,
  onMake: PropTypes.func.isRequired,
};

/** A batch that was opened before, here or elsewhere: its script again, or its end. */
const OpenElsewhere = ({ scripted, waits, onShow, onEnd }) => (
  <div className="im-line">
    <span>{t("An upload into this draft is open.")}</span>
    {scripted && (
      <Button
        type="button"
        size="small"
        primary
        loading={waits}
        content={t("Show its script")}
        data-action="show-batch"
        onClick={onShow}
      />
    )}
    <Button
      type="button"
      size="small"
      negative
      basic
      disabled={waits}
      content={t("End it")}
      data-action="end-batch"
      onClick={onEnd}
    />
  </div>
);

OpenElsewhere.propTypes = {
  scripted: PropTypes.bool.isRequired,
  waits: PropTypes.bool.isRequired,
  onShow: PropTypes.func.isRequired,
  onEnd: PropTypes.func.isRequired,
};

/** The batch that this dialog shows, and what can be done with it. */
const useBatch = ({ draft, mode, open, onChanged }) => {
  const [batch, setBatch] = useState(null);
  const [ended, setEnded] = useState(null);
  const [waits, setWaits] = useState(false);
  const [error, setError] = useState(null);
  const doing =
    (work) =>
    async (...given) => {
      setWaits(true);
      setError(null);
      try {
        setBatch(await work(...given));
        onChanged();
      } catch (refusal) {
        setError(refusal);
      } finally {
        setWaits(false);
      }
    };
  return {
    batch,
    elsewhere: open !== ended ? open : null,
    waits,
    error,
    make: doing((files, hours) => announce(draft, files, mode, hours)),
    show: doing(() => reopen(open)),
    end: doing(async () => {
      const id = batch ? batch.id : open;
      await revoke(id);
      // The list of files learns of it a little later.
      setEnded(id);
      return null;
    }),
  };
};

/** A script or credentials for a set of files; revocable while they are good. */
export const HandOverBatch = ({ draft, mode, maxHours, open, onChanged }) => {
  const { batch, elsewhere, waits, error, ...can } = useBatch({
    draft,
    mode,
    open,
    onChanged,
  });
  return (
    <>
      <Explanation mode={mode} />
      <Trouble error={error} />
      {batch && (
        <HandOverOpen batch={batch} waits={waits} onEnd={can.end} onChanged={onChanged} />
      )}
      {!batch && elsewhere && (
        <OpenElsewhere
          scripted={mode !== STS}
          waits={waits}
          onShow={can.show}
          onEnd={can.end}
        />
      )}
      {!batch && !elsewhere && (
        <NewBatch mode={mode} maxHours={maxHours} waits={waits} onMake={can.make} />
      )}
    </>
  );
};

HandOverBatch.propTypes = {
  draft: PropTypes.string.isRequired,
  mode: PropTypes.string.isRequired,
  maxHours: PropTypes.number.isRequired,
  open: PropTypes.string,
  onChanged: PropTypes.func.isRequired,
};

HandOverBatch.defaultProps = { open: null };
