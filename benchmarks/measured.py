# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``python measured.py COMMAND…``: what a command takes, as JSON on the last line.

A process of its own, and a small one: the kernel counts into a child's peak memory
what its parent had in use when it was started.
"""

from __future__ import annotations

import json
import os
import sys
import time

begun = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
result = {
    "seconds": time.perf_counter() - begun,
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "peak_bytes": usage.ru_maxrss * 1024,
    "exit_code": os.waitstatus_to_exitcode(status),
}
print(f"\n{json.dumps(result)}")
