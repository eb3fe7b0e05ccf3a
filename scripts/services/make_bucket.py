# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Makes a bucket that browsers of any origin may read and write.

    AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... make_bucket.py ENDPOINT REGION BUCKET

Runs before any Python environment exists, so it signs by hand with the standard library alone.
"""

import base64
import datetime as dt
import hashlib
import hmac
import os
import sys
import urllib.error
import urllib.request

CORS = b"""<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CORSRule>
<AllowedOrigin>*</AllowedOrigin><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>
<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>
<MaxAgeSeconds>3600</MaxAgeSeconds></CORSRule></CORSConfiguration>"""


def sign(key: bytes, text: str) -> bytes:
    """One step of the signing key's derivation."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def put(
    endpoint: str, region: str, path: str, query: str = "", body: bytes = b""
) -> None:
    """Sends one signed PUT.

    :raises urllib.error.HTTPError: if the server refuses it.
    Source: AWS Signature Version 4, "Authenticating Requests: Using the Authorization Header".
    """
    moment = dt.datetime.now(dt.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    headers = {
        "content-md5": base64.b64encode(hashlib.md5(body).digest()).decode(),
        "host": endpoint.split("//")[1],
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": moment,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = (
        f"PUT\n{path}\n{query}\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    )
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for step in scope.split("/"):
        key = sign(key, step)
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
        f"SignedHeaders={names}, Signature={sign(key, to_sign).hex()}"
    )
    url = f"{endpoint}{path}" + (f"?{query}" if query else "")
    request = urllib.request.Request(url, data=body, headers=headers, method="PUT")
    # A proxy from the environment has no business between us and loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(request, timeout=20).close()


def main(endpoint: str, region: str, bucket: str) -> None:
    """Makes the bucket unless it is there, then sets CORS where the server knows that call."""
    try:
        put(endpoint, region, f"/{bucket}")
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise
    try:
        put(endpoint, region, f"/{bucket}", "cors=", CORS)
    except urllib.error.HTTPError as error:
        if error.code != 501:  # MinIO: allowed origins are a setting of its server
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
