"""The rules by name. Each is told with a wrong and a right example in ``docs/checks.md``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["RULES"]

RULES: Mapping[str, str] = MappingProxyType(
    {
        "file": "a file can be read: UTF-8, no NUL, quotes closed, one statement in a query",
        "final-newline": "the last line of a file ends",
        "stray-file": "nothing lies in the tree that nobody reads",
        "unlisted-store": "the unified schema includes every store",
        "unified-schema": "the unified schema holds includes, BEGIN, COMMIT and settings only",
        "version": "the files record the version that the upgrades lead to",
        "prepare": "both engines take every schema file and every query",
        "untyped-parameter": "PostgreSQL can tell the type of every parameter",
        "uncast-document": "a parameter that is a document is written :name::jsonb",
        "inexact-call": "what a query calls can't be somebody's own function or operator",
        "parity-query": "a query is defined in both dialects",
        "parity-parameters": "a query takes the same parameters in both dialects",
        "parity-operation": "a query has the same operation in both dialects",
        "parity-columns": "a query gives the same columns in the same order",
        "parity-type": "a result column is the same Python type in both dialects",
        "parity-nullability": "a result column can be NULL in both dialects or in none",
        "meaning": "a query gives the same answers in both dialects, on the same rows",
        "parity-function": "a function or operator of both dialects means the same in both",
        "parity-table": "a table is defined in both dialects",
        "parity-column": "a table has the same columns of the same types",
        "parity-not-null": "a column is NOT NULL in both dialects or in none",
        "parity-default": "a column has the same default",
        "parity-check": "a table has the same CHECK rules",
        "parity-unique": "a table has the same primary key and unique constraints",
        "parity-foreign-key": "a table has the same foreign keys with the same actions",
        "parity-index": "a table has the same indexes",
        "unknown-query": "a query that Python calls exists",
        "wrong-parameters": "a call gives a query its parameters",
        "unused-query": "a query is called",
        "record-columns": "a list under '-- columns: Record' is the fields of that record",
        "full-scan": "a query reads no whole table",
        "filtered-walk": "a query reads and drops no rows until its LIMIT is reached",
        "plan-snapshot": "the plan of a query is the committed one",
        "missing-primary-key": "a table has a primary key",
        "unindexed-foreign-key": "a foreign key has an index",
        "duplicate-index": "no two indexes are the same",
        "missing-comment": "tables and columns have comments",
        "nullable-document": "a rule about a document that may be NULL says so, for older SQLite",
        "row-level-security": "a table has row level security",
        "policy": "no policy opens a table",
        "view-security": "a view reads with the rights of whoever asks",
        "function-search-path": "a function has a fixed search_path",
        "extension": "the schema needs no extension",
        "reg-type": "no column is of a type that hinders an upgrade of the server",
        "long-identifier": "a name has at most 63 bytes",
        "squawk": "squawk has nothing against schemas, upgrades and queries",
        "style": "sqlfluff has nothing against any SQL file",
        "directive": "a declared difference has a reason and is still needed",
    }
)
