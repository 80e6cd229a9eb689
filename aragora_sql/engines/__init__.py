"""What both engines know of the queries and tables of a tree of SQL files.

:mod:`~aragora_sql.engines.facts` asks them. Pages, types and calls of queries are made of it, and
:mod:`aragora_sql.checker`, which may not be installed, compares it.
"""
