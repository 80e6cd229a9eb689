"""``python -m aragora_sql.migration``: the same as ``aragora-sql migrate``."""

import sys

from aragora_sql.cli import main

sys.exit(main(["migrate", *sys.argv[1:]]))
