"""``python -m aragora_sql`` is the command ``aragora-sql``."""

from aragora_sql.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
