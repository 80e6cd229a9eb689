"""Proves the SQL files on both engines: ``aragora-sql check``.

:mod:`~aragora_sql.engines.facts` says what an engine knows of each query, the rules compare it.
"""
