// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Answers, Dialog } from "./Dialog";
import { LinkFiles } from "./LinkFiles";
import { LinkSearch } from "./LinkSearch";
import { t } from "./text";
import { Trouble } from "./Trouble";
import { useClosing } from "./useClosing";

const idOf = (record, key) => `${record.id}/${key}`;

/** Which files are chosen, from whatever records. */
const useChosen = () => {
  const [chosen, setChosen] = useState(() => new Map());
  const change = (record, files, on) => {
    const after = new Map(chosen);
    for (const { key } of files) {
      if (on) after.set(idOf(record, key), { key, record: { id: record.id, key } });
      else after.delete(idOf(record, key));
    }
    setChosen(after);
  };
  return [chosen, change];
};

/**
 * Choose files of other records, to be linked instead of sent.
 *
 * @param {Set<string>} taken keys that the draft has already
 * @param {object} start a record to begin with; the search is left out
 * @param {(links: object[]) => Promise} onLink gets `{key, record: {id, key}}` of each
 */
export const LinkDialog = ({ taken, decimal, own, start, title, onLink, onClose }) => {
  const [record, setRecord] = useState(start);
  const [chosen, change] = useChosen();
  const link = () => onLink([...chosen.values()]);
  const { run, waits, error } = useClosing(link, onClose);
  const { size: count } = chosen;
  return (
    <Dialog
      title={title || t("Use a file that is already here")}
      onClose={onClose}
      scrolling
      className="im-link"
      actions={
        <Answers
          no={{ content: t("Cancel"), onClick: onClose }}
          yes={{
            icon: "linkify",
            labelPosition: "left",
            content: count ? t("Link {{count}} files", { count }) : t("Link files"),
            loading: waits,
            disabled: waits || !count,
            "data-action": "link",
            onClick: run,
          }}
        />
      }
    >
      <Trouble error={error} />
      {record ? (
        <LinkFiles
          record={record}
          taken={taken}
          decimal={decimal}
          isChosen={(key) => chosen.has(idOf(record, key))}
          onChange={(files, on) => change(record, files, on)}
          onBack={start ? null : () => setRecord(null)}
        />
      ) : (
        <LinkSearch own={own} onOpen={setRecord} />
      )}
    </Dialog>
  );
};

LinkDialog.propTypes = {
  taken: PropTypes.instanceOf(Set).isRequired,
  decimal: PropTypes.bool.isRequired,
  own: PropTypes.string,
  start: PropTypes.object,
  title: PropTypes.string,
  onLink: PropTypes.func.isRequired,
  onClose: PropTypes.func.isRequired,
};

LinkDialog.defaultProps = { own: null, start: null, title: null };
