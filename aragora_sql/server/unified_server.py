"""``python -m aragora_sql.server.unified_server --port 8080`` is the command ``aragora-sql serve``.

The module path is that of the older Aragora, whose server had the same health routes.
"""

import sys

from aragora_sql.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["serve", *sys.argv[1:]]))
