# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The storage of files that are elsewhere: the site knows their address only."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import current_app
from invenio_files_rest.storage import FileStorage

from ..errors import NotAllowedHere


class RemoteStorage(FileStorage):  # type: ignore[misc]
    """Sends readers on, and reads, writes and deletes nothing itself.

    :param fileurl: ``https://`` or ``http://``.
    """

    def __init__(
        self, fileurl: str, size: Any = None, modified: Any = None, **_: Any
    ) -> None:
        self.fileurl = fileurl
        super().__init__(size, modified)

    def open(self, mode: str | None = None) -> NoReturn:
        """:raises NotAllowedHere: always; previews and containers have no bytes."""
        raise NotAllowedHere("The file is elsewhere; this site can only send you on.")

    def send_file(self, filename: str, **kwargs: Any) -> Any:
        """A redirect to where the file is."""
        headers = {"Location": self.fileurl}
        return current_app.response_class(status=302, headers=headers)

    def checksum(self, *args: Any, **kwargs: Any) -> NoReturn:
        """:raises NotAllowedHere: always, as for reading."""
        self.open()

    def delete(self) -> bool:
        """Nothing to do: what is elsewhere is not ours."""
        return True
