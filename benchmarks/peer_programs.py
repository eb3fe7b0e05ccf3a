# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""boto3 and obstore as programs, each used as its documentation says.

``python peer_programs.py LIBRARY BUCKET PREFIX PATH…`` puts files under a prefix. Run
by the peers' own Python: nothing of this project is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FILES_AT_ONCE = 10
"""As many as boto3 and the AWS CLI send by default."""


def put_with_boto3(bucket: str, prefix: str, paths: Sequence[Path]) -> None:
    """The TransferManager behind ``upload_file``."""
    import boto3
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    # With awscrt installed boto3 may choose by itself; here each is a row.
    config = TransferConfig(preferred_transfer_client="classic")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    _put_all(create_transfer_manager(client, config), bucket, prefix, paths)


def put_with_awscrt(bucket: str, prefix: str, paths: Sequence[Path]) -> None:
    """The TransferManager on awscrt. boto3's own way to it knows TLS only."""
    import botocore.session
    from s3transfer import crt

    session = botocore.session.get_session()
    region = os.environ["AWS_REGION"]
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    credentials = crt.BotocoreCRTCredentialsWrapper(session.get_credentials())
    client = crt.create_s3_crt_client(
        region,
        credentials.to_crt_credentials_provider(),
        use_ssl=endpoint.startswith("https"),
    )
    serializer = crt.BotocoreCRTRequestSerializer(
        session, {"region_name": region, "endpoint_url": endpoint}
    )
    _put_all(crt.CRTTransferManager(client, serializer), bucket, prefix, paths)


def _put_all(manager: Any, bucket: str, prefix: str, paths: Sequence[Path]) -> None:
    with manager:
        transfers = [
            manager.upload(str(path), bucket, f"{prefix}/{path.name}", {})
            for path in paths
        ]
        for transfer in transfers:
            transfer.result()


def put_with_obstore(bucket: str, prefix: str, paths: Sequence[Path]) -> None:
    """``obstore.put``, which cuts large files into parts by itself."""
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True},
    )
    with ThreadPoolExecutor(FILES_AT_ONCE) as threads:
        for _ in threads.map(
            lambda path: obstore.put(store, f"{prefix}/{path.name}", path), paths
        ):
            pass


def main() -> None:
    """Put all files; a folder stands for what is in it."""
    library, bucket, prefix, *names = sys.argv[1:]
    paths: list[Path] = []
    for path in map(Path, names):
        paths += sorted(path.iterdir()) if path.is_dir() else [path]
    LIBRARIES[library](bucket, prefix, paths)


LIBRARIES = {
    "boto3": put_with_boto3,
    "boto3-crt": put_with_awscrt,
    "obstore": put_with_obstore,
}


main()
