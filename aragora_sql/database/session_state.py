"""Which statements may leave something behind in their session: settings, locks, temporary tables.

Connections of a pool serve one unit of work after the other. After most of them nothing has to be
reset, and the round trip that it costs is saved; after those that are told here it is not. What is
not known to be harmless counts as one that leaves something: a function of the application may set
what it likes.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["changes_postgres_session", "changes_sqlite_connection"]

_QUOTED = re.compile(
    r"""--[^\n]* | /\*.*?\*/
    | (?P<body>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | [eE]?'(?:[^'\\]|''|\\.)*'""",
    re.DOTALL | re.VERBOSE,
)
_STATEMENT = re.compile(
    r"(?:^|;)\s*(?:(?:RESET|LISTEN|UNLISTEN|PREPARE|EXECUTE|DEALLOCATE|DISCARD|LOAD|DECLARE|DO|CALL)\b"
    r"|SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b))",
    re.IGNORECASE,
)
_TEMPORARY = re.compile(r"\b(?:TEMP|TEMPORARY|pg_temp)\b", re.IGNORECASE)
_LOCAL_SETTING = re.compile(r"\bset_config\s*\([^()]*,\s*true\s*\)", re.IGNORECASE)
_CALL = re.compile(
    r"(?P<before>\b(?:INTO|AS|TABLE|REFERENCES|UPDATE|FROM|JOIN|ONLY|WITH|RECURSIVE|,)?)\s*"
    r'(?P<schema>\w+\s*\.\s*)?(?P<name>"?\b\w+"?)\s*\(',
    re.IGNORECASE,
)
# A name after these is a table's, or an alias with a list of columns.
_TABLE_FOLLOWS = {"into", "as", "table", "references", "with", "recursive"}
_WORD_NAMES = """
all and any array as between bit by case char character check conflict cross cube decimal
default distinct do else end except exists filter float for from full group grouping having in
include inner intersect interval into is join key lateral left like limit materialized natural
not nulls numeric of offset on only or order outer over overlaps partition primary references
returning right rollup row rows select set sets similar some table then time timestamp
timestamptz to union unique using values varchar when where window with within
"""
_WORDS = frozenset(_WORD_NAMES.split())
# Functions of PostgreSQL that change nothing of a session.
_HARMLESS_NAMES = """
abs age avg bit_and bit_or bool_and bool_or btrim cardinality cast ceil ceiling char_length chr
clock_timestamp coalesce col_description concat concat_ws convert_from convert_to count
cume_dist current_database current_date current_schema current_schemas current_setting
current_timestamp currval date_bin date_part date_trunc decode dense_rank div encode every exp
extract first_value floor format format_type gen_random_uuid generate_series generate_subscripts
greatest has_table_privilege hashtext hashtextextended initcap jsonb justify_interval lag
last_value lead least left length ln localtimestamp log lower lpad ltrim make_date make_interval
make_timestamptz max md5 min mod mode nextval now nth_value ntile nullif num_nonnulls num_nulls
numnode obj_description octet_length overlay percent_rank percentile_cont percentile_disc
phraseto_tsquery plainto_tsquery position power quote_ident quote_literal quote_nullable random
range_agg rank repeat replace reverse right round row_number row_security_active rpad rtrim
setval setweight sha256 sha512 sign split_part sqrt starts_with statement_timestamp stddev
string_agg string_to_array strip strpos substr substring sum text timeofday timezone to_char
to_date to_number to_regclass to_timestamp to_tsquery to_tsvector transaction_timestamp
translate trim trunc ts_headline ts_rank ts_rank_cd tsvector_to_array txid_current unaccent
unnest upper variance websearch_to_tsquery width_bucket
"""
_HARMLESS_PREFIXES = (
    "to_reg",
    "array_",
    "json_",
    "jsonb_",
    "regexp_",
    "has_",
    "date_",
    "xml",
    "string_",
)
_CATALOG_NAMES = """
pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_backend_pid pg_blocking_pids
pg_cancel_backend pg_current_xact_id pg_database_size pg_get_constraintdef pg_get_expr
pg_get_functiondef pg_get_indexdef pg_get_serial_sequence pg_get_triggerdef pg_get_userbyid
pg_get_viewdef pg_has_role pg_indexes_size pg_is_in_recovery pg_last_wal_receive_lsn
pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_notification_queue_usage pg_notify
pg_relation_size pg_size_pretty
pg_sleep pg_stat_get_activity pg_table_is_visible pg_table_size pg_total_relation_size
pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_typeof
"""
# Of the package's own schema: they read.
_OWN_NAMES = "continuum_nearest job_queue_spans knowledge_nearest"
_HARMLESS = frozenset(f"{_HARMLESS_NAMES} {_CATALOG_NAMES} {_OWN_NAMES}".split())


def _without_quotes(sql: str) -> str:
    # What is in a body between dollars runs as SQL: it counts as a function that is not known.
    def plain(match: re.Match[str]) -> str:
        if match["body"]:
            return " unknown() "
        return " " if match[0].startswith(("--", "/*")) else " '' "

    return _QUOTED.sub(plain, sql)


@lru_cache(maxsize=2048)
def changes_postgres_session(sql: str) -> bool:
    """Tell whether a statement of PostgreSQL may change its session beyond its transaction."""
    text = _LOCAL_SETTING.sub(" now()", _without_quotes(sql))
    if _STATEMENT.search(text) or _TEMPORARY.search(text):
        return True
    for call in _CALL.finditer(text):
        name = call["name"].strip('"').lower()
        schema = (call["schema"] or "").strip(" .\n\t").lower()
        if call["before"].lower() in _TABLE_FOLLOWS or (not schema and name in _WORDS):
            continue
        if schema not in ("", "pg_catalog"):
            return True
        if name not in _HARMLESS and not name.startswith(_HARMLESS_PREFIXES):
            return True
    return False


_SQLITE_STATEMENT = re.compile(r"(?:^|;)\s*(?:PRAGMA|ATTACH|DETACH)\b", re.IGNORECASE)


@lru_cache(maxsize=2048)
def changes_sqlite_connection(sql: str) -> bool:
    """Tell whether a statement of SQLite may change its connection beyond its transaction."""
    text = _without_quotes(sql)
    return bool(_SQLITE_STATEMENT.search(text) or _TEMPORARY.search(text))
