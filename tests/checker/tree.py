"""A small tree of SQL files that every rule likes, and the Python that calls it."""

from __future__ import annotations

import shutil
from pathlib import Path

from aragora_sql.queries.files import packaged_sql_dir

POSTGRES_MASTER = """\
-- The unified schema.

\\ir ../system/postgres/schema_versions/schema.sql
\\ir notes/schema.sql
"""

SQLITE_MASTER = """\
-- The unified schema.

-- \\ir ../system/sqlite/schema_versions/schema.sql
-- \\ir notes/schema.sql
"""

POSTGRES_SCHEMA = """\
-- Notes and their authors.

CREATE TABLE IF NOT EXISTS authors (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT authors_pkey PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS notes (
    id TEXT NOT NULL,
    author_id TEXT NOT NULL,
    body TEXT,
    score DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    done BOOLEAN NOT NULL DEFAULT FALSE,
    details JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_body_key UNIQUE (author_id, body),
    CONSTRAINT notes_author_id_fkey
    FOREIGN KEY (author_id) REFERENCES authors (id) ON DELETE CASCADE,
    CONSTRAINT notes_score_check CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT notes_details_check CHECK (jsonb_typeof(details) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_notes_created ON notes (created_at DESC);

ALTER TABLE authors ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE authors IS 'Who writes.';
COMMENT ON COLUMN authors.id IS 'Its key.';
COMMENT ON COLUMN authors.name IS 'What they are called.';
COMMENT ON TABLE notes IS 'What was written.';
COMMENT ON COLUMN notes.id IS 'Its key.';
COMMENT ON COLUMN notes.author_id IS 'Who wrote it.';
COMMENT ON COLUMN notes.body IS 'The text.';
COMMENT ON COLUMN notes.score IS 'How good it is, 0 to 1.';
COMMENT ON COLUMN notes.done IS 'Whether it is done.';
COMMENT ON COLUMN notes.details IS 'What else there is.';
COMMENT ON COLUMN notes.created_at IS 'When it was written.';
"""

SQLITE_SCHEMA = """\
-- Notes and their authors.

CREATE TABLE IF NOT EXISTS authors (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT authors_pkey PRIMARY KEY (id)
) STRICT;

CREATE TABLE IF NOT EXISTS notes (
    id TEXT NOT NULL,
    author_id TEXT NOT NULL,
    body TEXT,
    score REAL NOT NULL DEFAULT 0.5,
    done INTEGER NOT NULL DEFAULT 0,
    details TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_body_key UNIQUE (author_id, body),
    CONSTRAINT notes_author_id_fkey
    FOREIGN KEY (author_id) REFERENCES authors (id) ON DELETE CASCADE,
    CONSTRAINT notes_score_check CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT notes_details_check CHECK (json_valid(details) AND json_type(details) = 'object'),
    CONSTRAINT notes_done_check CHECK (done IN (0, 1)),
    CONSTRAINT notes_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_notes_created ON notes (created_at DESC);
"""

POSTGRES_QUERIES = """\
-- name: get_note(note_id)^
-- Return a note.
SELECT
    n.id,
    n.body,
    n.done,
    n.details,
    n.created_at
FROM notes AS n
WHERE n.id = :note_id;

-- name: list_notes(author_id, body)
-- List the notes of an author, all of them or those with one text.
SELECT
    n.id,
    n.score
FROM notes AS n
WHERE
    n.author_id = :author_id
    AND (:body::text IS NULL OR n.body = :body);

-- name: add_note(id, author_id, body, details, created_at)!
-- Store a note.
INSERT INTO notes (id, author_id, body, details, created_at)
VALUES (:id, :author_id, :body, :details::jsonb, :created_at);

-- name: count_notes(author_id)$
-- Count the notes of an author.
SELECT count(*) AS total
FROM notes
WHERE author_id = :author_id;
"""

SQLITE_QUERIES = POSTGRES_QUERIES.replace("::text", "").replace("::jsonb", "")

STORE = """\
class Notes(Store):
    name = "notes"

    async def work(self, connection):
        await self._queries.get_note(connection, note_id="1")
        self._queries.list_notes(connection, author_id="1", body=None)
        await self._queries.add_note(
            connection, id="1", author_id="1", body=None, details={}, created_at=None
        )
        return await self._queries.count_notes(connection, author_id="1")


class Versions:
    def __init__(self):
        self._versions = load_queries("schema_versions", "sqlite")

    async def work(self, connection):
        await self._versions.find_versions(connection)
        await self._versions.try_lock_schema(connection)
        await self._versions.try_lock_schema_of_session(connection)
        self._versions.limit_locks(connection, lock_timeout=1, to_transaction=True)
        self._versions.restore_limits(connection, limits={})
        self._versions.list_lock_holders(connection, table_names=[])
        await self._versions.find_invalid_index(connection, index_name="i")
        await self._versions.get_rights(connection)
        self._versions.list_closed_tables(connection, table_names=[])
        self._versions.list_open_grants(connection, table_names=[])
        self._versions.list_partitions(connection, table_name="notes")
        await self._versions.count_broken_references(connection)
        await self._versions.get_version(connection, module="notes")
        await self._versions.set_version(connection, module="notes", version=1, updated_at=None)
        self._versions.list_versions(connection)
        self._versions.list_columns(connection)
        self._versions.describe_catalog(connection)
"""


def write_tree(folder: Path) -> Path:
    """Write the tree to ``folder/sql`` and the code to ``folder/code``; return the tree's root."""
    root = folder / "sql"
    for dialect, master, schema, queries in (
        ("postgres", POSTGRES_MASTER, POSTGRES_SCHEMA, POSTGRES_QUERIES),
        ("sqlite", SQLITE_MASTER, SQLITE_SCHEMA, SQLITE_QUERIES),
    ):
        notes = root / dialect / "notes"
        notes.mkdir(parents=True)
        (root / dialect / "schema.sql").write_text(master, encoding="utf-8")
        (notes / "schema.sql").write_text(schema, encoding="utf-8")
        (notes / "queries.sql").write_text(queries, encoding="utf-8")
        packaged = packaged_sql_dir() / dialect
        shutil.copy(packaged / ".sqlfluff", root / dialect)
        shutil.copytree(
            packaged_sql_dir() / "system" / dialect,
            root / "system" / dialect,
            ignore=shutil.ignore_patterns("catalog", "doctor", "markers", "transaction_keys"),
        )
    shutil.copy(_configuration(), root / ".sqlfluff")
    (folder / "code").mkdir()
    (folder / "code" / "notes.py").write_text(STORE, encoding="utf-8")
    return root


def _configuration() -> Path:
    """Return the configuration of sqlfluff: in a wheel it lies in the tree, else beside it."""
    root = packaged_sql_dir()
    inside = root / ".sqlfluff"
    return inside if inside.is_file() else root.parent / ".sqlfluff"


def replace_in(path: Path, old: str, new: str) -> int:
    """Replace a text that stands once in a file, and return the line in which it began."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text.count("\n", 0, text.index(old)) + 1


def replace_first(path: Path, old: str, new: str) -> None:
    """Replace a text where it stands first in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} stands nowhere in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
