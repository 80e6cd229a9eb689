"""``python -m aragora_sql.server --port 8080`` is the command ``aragora-sql serve``."""

import sys

from aragora_sql.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["serve", *sys.argv[1:]]))
