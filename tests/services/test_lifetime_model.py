# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whatever happens in whatever order: bytes are there as long as somebody has them."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ..driver import Api, Draft
from ..lives import (
    Bytes,
    delete_record,
    import_files,
    is_there,
    linked,
    new_version,
    noted,
    publish,
    put,
    settle,
    sizes,
)
from .test_transient import announce, expire

_WITH_DATA = (
    "put_another",
    "link",
    "delete_file",
    "delete_all_files",
    "delete_draft",
    "publish",
    "import_files",
    "discard_an_edit",
    "withdraw",
    "remove_file_data",
)
_OPERATIONS = (*_WITH_DATA, "begin", "expire", "clear_orphaned_files", "link")


@dataclass
class Holder:
    """A draft or record of the model: what files it has, by key."""

    draft: Draft
    line: int
    """Versions of one record have the same."""
    files: dict[str, Bytes] = field(default_factory=dict)
    published: bool = False
    withdrawn: bool = False
    batch: Any = None


class Lives(RuleBasedStateMachine):
    """Uses of bytes, as a dictionary and as a repository has them."""

    api: ClassVar[Api]

    def __init__(self) -> None:
        super().__init__()
        self.app = self.api.app
        # From the start each time, so that what fails can be repeated.
        self.numbers = itertools.count()
        self.holders: list[Holder] = []
        self.every: list[Bytes] = []

    def _some(self, data: Any, **wanted: bool) -> Holder | None:
        """One of the holders that are as wanted."""
        found = [
            holder
            for holder in self.holders
            if all(getattr(holder, name) is value for name, value in wanted.items())
        ]
        return data.draw(st.sampled_from(found)) if found else None

    @initialize()
    def some_files(self) -> None:
        """A record, and two drafts with a link each."""
        for _ in range(3):
            self.begin()
        first, second, third = self.holders
        publish(first.draft)
        first.published = True
        for source, target in ((first, second), (second, third)):
            self._link(source, next(iter(source.files)), target)

    @rule(name=st.sampled_from(_OPERATIONS), data=st.data())
    def step(self, name: str, data: Any) -> None:
        """One of them. As one rule: of many Hypothesis leaves some out each time."""
        getattr(self, name)(*([data] if name in _WITH_DATA else []))

    def begin(self) -> None:
        """A new draft with one file."""
        holder = Holder(self.api.new_draft(), next(self.numbers))
        self.holders.append(holder)
        self._put(holder)

    def _put(self, holder: Holder) -> None:
        number = next(self.numbers)
        file = put(holder.draft, f"{number}.txt", b"%d " % number + uuid.uuid4().bytes)
        holder.files[f"{number}.txt"] = file
        self.every.append(file)

    def put_another(self, data: Any) -> None:
        """One more file."""
        holder = self._some(data, published=False)
        if holder is not None:
            self._put(holder)

    def link(self, data: Any) -> None:
        """A link to any file that can be read, perhaps a link itself."""
        source = self._some(data, withdrawn=False)
        target = self._some(data, published=False)
        if source is not None and target is not None and source.files:
            key = data.draw(st.sampled_from(sorted(source.files)))
            self._link(source, key, target)

    def _link(self, source: Holder, key: str, target: Holder) -> None:
        name = f"link-{next(self.numbers)}.txt"
        linked(target.draft, name, source.draft.id, key)
        target.files[name] = source.files[key]

    def delete_file(self, data: Any) -> None:
        """One file of a draft."""
        holder = self._some(data, published=False)
        if holder is not None and holder.files:
            key = data.draw(st.sampled_from(sorted(holder.files)))
            assert holder.draft.delete(key).status == 204
            del holder.files[key]

    def delete_all_files(self, data: Any) -> None:
        """All files of a draft."""
        holder = self._some(data, published=False)
        if holder is not None:
            path = f"{holder.draft.path}/files"
            assert self.api.call("DELETE", path).status == 204
            holder.files.clear()

    def delete_draft(self, data: Any) -> None:
        """A draft with all it has."""
        holder = self._some(data, published=False)
        if holder is not None:
            assert self.api.call("DELETE", holder.draft.path).status == 204
            self.holders.remove(holder)

    def publish(self, data: Any) -> None:
        """A draft becomes a record, perhaps for a limited time."""
        transient = data.draw(st.booleans())
        holder = self._some(data, published=False)
        if holder is not None and holder.files:
            if transient:
                holder.batch = announce(holder.draft)
            publish(holder.draft)
            holder.published = True

    def import_files(self, data: Any) -> None:
        """A new version with the files of the one before."""
        holder = self._some(data, published=True, withdrawn=False)
        if holder is None:
            return
        draft = new_version(self.api, holder.draft.id)
        # There is one such draft of a record at a time.
        if all(other.draft.id != draft.id for other in self.holders):
            import_files(draft)
            files = dict(self._latest(holder.line).files)
            self.holders.append(Holder(draft, holder.line, files))

    def _latest(self, line: int) -> Holder:
        """The version whose files an import takes over."""
        for holder in self.holders:
            if holder.line == line and holder.published and not holder.withdrawn:
                record = self.api.get(f"/records/{holder.draft.id}").json
                if record["versions"]["is_latest"]:
                    return holder
        raise AssertionError(line)

    def discard_an_edit(self, data: Any) -> None:
        """An edit of a record that comes to nothing."""
        holder = self._some(data, published=True, withdrawn=False)
        if holder is not None:
            assert self.api.call("POST", holder.draft.path).status == 201
            assert self.api.call("DELETE", holder.draft.path).status == 204

    def withdraw(self, data: Any) -> None:
        """A record is deleted as InvenioRDM does: its files are kept."""
        holder = self._some(data, published=True, withdrawn=False)
        if holder is not None:
            delete_record(self.app, holder.draft.id)
            holder.withdrawn = True

    def expire(self) -> None:
        """The time of transient records is over."""
        for holder in [h for h in self.holders if h.published and h.batch]:
            expire(self.app, holder.batch)
            self.holders.remove(holder)

    def remove_file_data(self, data: Any) -> None:
        """Upstream's task, for any file."""
        from invenio_db import db
        from invenio_files_rest.models import FileInstance
        from invenio_files_rest.tasks import remove_file_data

        if not self.every:
            return
        file = data.draw(st.sampled_from(self.every))
        with self.app.app_context():
            if FileInstance.get(file.file_id) is not None:
                remove_file_data(str(file.file_id), force=True)
            db.session.rollback()

    def clear_orphaned_files(self) -> None:
        """Upstream's task for all of them."""
        from invenio_files_rest.tasks import clear_orphaned_files

        with self.app.app_context():
            clear_orphaned_files(lambda _: True)

    @invariant()
    def bytes_have_users(self) -> None:
        """Rows and bytes are there exactly for what somebody has."""
        settle(self.app)
        used = {f.file_id for holder in self.holders for f in holder.files.values()}
        for file in self.every:
            there = file.file_id in used
            assert is_there(self.app, file) == (there, there), file
        self.every = [file for file in self.every if file.file_id in used]
        assert noted(self.app) == 0

    @invariant()
    def sizes_are_exact(self) -> None:
        """Each bucket counts what its files have."""
        for holder in self.holders:
            expected = sum(len(file.data) for file in holder.files.values())
            name = "RDMRecord" if holder.published else "RDMDraft"
            found = sizes(self.app, holder.draft.id)[name]
            assert found == (expected, expected)


def test_bytes_live_as_long_as_they_are_used(api: Api, local: str) -> None:
    """Any order of links, versions, deletions and clean-ups agrees with the model."""
    Lives.api = api
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=4,
            stateful_step_count=25,
            deadline=None,
            # To make it smaller takes minutes, and a busy service is no counterexample.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
