"""The process that :class:`~aragora_sql.checker.ahead.Ahead` starts."""

from aragora_sql.checker.ahead import work

work()
