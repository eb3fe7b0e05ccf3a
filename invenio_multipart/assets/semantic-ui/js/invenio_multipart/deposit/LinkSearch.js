// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

import PropTypes from "prop-types";
import React, { useState } from "react";
import { Button, Icon, Input, Label, Loader } from "semantic-ui-react";
import { findRecords, PAGE } from "./requests";
import { SmallButton } from "./SmallButton";
import { t } from "./text";
import { Trouble } from "./Trouble";
import { useAsync } from "./useAsync";

/** Pause of somebody who types, in ms, before the search runs. */
const TYPING = 400;

const people = (creators = []) => {
  const names = creators.slice(0, 3).map(({ person_or_org: { name } }) => name);
  return names.join("; ") + (creators.length > 3 ? " …" : "");
};

const Hit = ({ record, onOpen }) => {
  const { metadata = {}, versions, status, is_published: published } = record;
  const draft = !published || /draft/.test(status || "");
  return (
    <li>
      <button type="button" className="im-hit" onClick={() => onOpen(record)}>
        <span className="im-hit-title">{metadata.title || t("(no title)")}</span>
        <span className="im-hit-facts">
          {draft && (
            <Label size="mini" horizontal>
              {t("Draft")}
            </Label>
          )}
          {[people(metadata.creators), metadata.publication_date, record.id]
            .filter(Boolean)
            .join(" · ")}
          {versions?.index > 1 &&
            ` · ${t("Version {{number}}", { number: versions.index })}`}
        </span>
        <Icon name="angle right" aria-hidden="true" />
      </button>
    </li>
  );
};

Hit.propTypes = { record: PropTypes.object.isRequired, onOpen: PropTypes.func.isRequired };

const Scope = ({ scope, onScope }) => (
  <Button.Group basic size="small" className="im-scope">
    {[
      ["mine", t("My uploads")],
      ["all", t("All records")],
    ].map(([value, words]) => (
      <Button
        key={value}
        type="button"
        active={scope === value}
        aria-pressed={scope === value}
        content={words}
        onClick={() => onScope(value)}
      />
    ))}
  </Button.Group>
);

Scope.propTypes = {
  scope: PropTypes.string.isRequired,
  onScope: PropTypes.func.isRequired,
};

const Pages = ({ page, total, onPage }) => {
  const pages = Math.ceil(total / PAGE);
  if (pages < 2) return null;
  return (
    <div className="im-pages">
      <SmallButton
        icon="angle left"
        aria-label={t("Previous page")}
        disabled={page === 1}
        onClick={() => onPage(page - 1)}
      />
      {t("Page {{page}} of {{pages}}", { page, pages })}
      <SmallButton
        icon="angle right"
        aria-label={t("Next page")}
        disabled={page === pages}
        onClick={() => onPage(page + 1)}
      />
    </div>
  );
};

Pages.propTypes = {
  page: PropTypes.number.isRequired,
  total: PropTypes.number.isRequired,
  onPage: PropTypes.func.isRequired,
};

/** Find a record whose files to use. `own`: id of this draft, which is left out. */
export const LinkSearch = ({ own, onOpen }) => {
  const [scope, setScope] = useState("mine");
  const [words, setWords] = useState("");
  const [page, setPage] = useState(1);
  const { value, error, waits } = useAsync(
    () => findRecords(scope, words, page),
    [scope, words, page],
    TYPING,
  );
  const begin = (change) => (next) => {
    setPage(1);
    change(next);
  };
  const hits = (value?.hits || []).filter(({ id }) => id !== own);
  return (
    <>
      <div className="im-search">
        <Scope scope={scope} onScope={begin(setScope)} />
        <Input
          fluid
          icon="search"
          input={{ "data-first-focus": true }}
          aria-label={t("Find a record")}
          placeholder={t("Title, person or number of the record")}
          value={words}
          onChange={(_, data) => begin(setWords)(data.value)}
        />
      </div>
      <Trouble error={error} />
      {waits && !value && <Loader active inline="centered" content={t("Searching")} />}
      {value && !hits.length && <p className="im-nothing">{t("No record was found.")}</p>}
      <ul className="im-plain im-hits" aria-busy={waits}>
        {hits.map((record) => (
          <Hit key={`${record.id}-${record.status}`} record={record} onOpen={onOpen} />
        ))}
      </ul>
      <Pages page={page} total={value?.total || 0} onPage={setPage} />
    </>
  );
};

LinkSearch.propTypes = { own: PropTypes.string, onOpen: PropTypes.func.isRequired };

LinkSearch.defaultProps = { own: null };
