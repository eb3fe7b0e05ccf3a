# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""boto3 and obstore as programs that download, as their documentation says.

``python peer_downloads.py LIBRARY BUCKET FOLDER KEY…``. Run by the peers' own Python:
nothing of this project is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES_AT_ONCE = 10
"""As many as boto3 and the AWS CLI take by default."""

RANGE = 8 * 2**20
"""As boto3's."""


def get_with_boto3(bucket: str, keys: Sequence[str], folder: Path) -> None:
    """The TransferManager behind ``download_file``."""
    import boto3
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    config = TransferConfig(preferred_transfer_client="classic")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    with create_transfer_manager(client, config) as manager:
        transfers = [
            manager.download(bucket, key, str(folder / str(number)), {})
            for number, key in enumerate(keys)
        ]
        for transfer in transfers:
            transfer.result()


def get_with_obstore(bucket: str, keys: Sequence[str], folder: Path) -> None:
    """``obstore.get`` as a stream: it has no ranges in parallel by itself."""
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True},
    )

    def get(number: int) -> None:
        with (folder / str(number)).open("wb") as file:
            for chunk in obstore.get(store, keys[number]).stream(min_chunk_size=RANGE):
                file.write(chunk)

    with ThreadPoolExecutor(FILES_AT_ONCE) as threads:
        for _ in threads.map(get, range(len(keys))):
            pass


def main() -> None:
    """Get all objects."""
    library, bucket, folder, *keys = sys.argv[1:]
    LIBRARIES[library](bucket, keys, Path(folder))


LIBRARIES = {"boto3": get_with_boto3, "obstore": get_with_obstore}


main()
