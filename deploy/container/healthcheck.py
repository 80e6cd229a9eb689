#!/usr/bin/env python3
"""Ask the health server of this container: exit code 0 when it answers with 200, else 1.

The one argument is what to ask for (default ``/readyz``). ``ARAGORA_HEALTH_URL`` names another
server than that of port 8080. Python's own library is enough: a slim image has no curl.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

TIMEOUT = 5.0
LONGEST = 500


def main() -> int:
    """Print the answer, or why there is none."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/readyz"
    base = os.environ.get("ARAGORA_HEALTH_URL", "http://127.0.0.1:8080")
    # No proxy: the server is in this container.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(base + path, timeout=TIMEOUT) as answer:
            status, body = answer.status, answer.read(LONGEST)
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(LONGEST)
    except (OSError, ValueError) as error:
        print(f"{base}{path}: no answer: {error}")
        return 1
    print(f"{base}{path}: {status} {body.decode(errors='replace').strip()}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    raise SystemExit(main())
