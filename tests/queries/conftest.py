"""A small store of notes that touches every kind of value and every operation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.queries import Queries, load_queries
from tests.queries.trees import write_store

POSTGRES_SCHEMA = """\
CREATE TABLE notes (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT,
    size BIGINT,
    score DOUBLE PRECISION,
    done BOOLEAN,
    content BYTEA,
    seen_at TIMESTAMPTZ,
    data JSONB
);
"""
SQLITE_SCHEMA = """\
CREATE TABLE notes (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT,
    size INTEGER,
    score REAL,
    done INTEGER CHECK (done IN (0, 1)),
    content BLOB,
    seen_at TEXT CHECK (seen_at LIKE '____-__-__T__:__:__.______Z'),
    data TEXT CHECK (data IS NULL OR json_valid(data))
) STRICT;
"""
POSTGRES_QUERIES = """\
-- name: insert_note(id, body, size, score, done, content, seen_at, data)!
-- Store a note with every kind of value.
INSERT INTO notes (id, body, size, score, done, content, seen_at, data)
VALUES (:id, :body, :size, :score, :done, :content, :seen_at, :data::jsonb);

-- name: add(id)!
-- Store an empty note.
INSERT INTO notes (id) VALUES (:id);

-- name: add_returning(id, size)<!
-- Store a note and return what the database made of it.
INSERT INTO notes (id, size) VALUES (:id, :size) RETURNING size + 1 AS bigger;

-- name: add_many(id, size)*!
-- Store many notes.
INSERT INTO notes (id, size) VALUES (:id, :size);

-- name: add_many_data(id, data)*!
-- Store many notes with documents.
INSERT INTO notes (id, data) VALUES (:id, :data::jsonb);

-- name: add_many_new(id, size)*!
-- Store those of many notes that are new.
INSERT INTO notes (id, size) VALUES (:id, :size) ON CONFLICT (id) DO NOTHING;

-- name: add_many_returning(id, size)*!
-- Store many notes with a statement that has a RETURNING already.
INSERT INTO notes (id, size) VALUES (:id, :size) RETURNING id, size;

-- name: add_many_with(id, size)*!
-- Store many notes with a statement that begins with WITH.
WITH given AS (SELECT :id::text AS id, :size::bigint AS size)
INSERT INTO notes (id, size) SELECT id, size FROM given;

-- name: add_scores(id, score)*!
-- Store many measures.
INSERT INTO notes (id, score) VALUES (:id, :score);

-- name: get_note(id)^
-- Return a note, or nothing.
SELECT id, body, size, score, done, content, seen_at, data FROM notes WHERE id = :id;

-- name: list_ids()
-- List the ids.
SELECT id FROM notes ORDER BY id;

-- name: list_sizes()
-- List ids and sizes.
SELECT id, size FROM notes ORDER BY id;

-- name: list_scores()
-- List the measures.
SELECT id, score FROM notes ORDER BY id;

-- name: list_filtered(done, least)
-- List the notes that pass the filters which are given.
SELECT id FROM notes
WHERE
    (:done::boolean IS NULL OR done = :done)
    AND (:least::bigint IS NULL OR size >= :least)
ORDER BY id;

-- name: list_chosen(ids)
-- List the notes of these ids.
SELECT id FROM notes WHERE id = ANY(:ids::text[]) ORDER BY id;

-- name: count_notes()$
-- Count the notes.
SELECT count(*) FROM notes;

-- name: get_body(id)$
-- Return the text of a note: nothing when there is none, or no note.
SELECT body FROM notes WHERE id = :id;

-- name: is_known(id)$
-- Tell whether there is a note of this id.
-- result: known boolean
SELECT count(*) > 0 AS known FROM notes WHERE id = :id;

-- name: summary()^
-- Return computed documents and timestamps.
-- result: ids json, last_seen timestamp
SELECT jsonb_agg(id ORDER BY id) AS ids, max(seen_at) AS last_seen FROM notes;

-- name: grow(by)!
-- Make all notes bigger.
UPDATE notes SET size = size + :by;

-- name: grow_with(by)!
-- Make big notes bigger, with a statement that begins with WITH.
WITH big AS (SELECT id FROM notes WHERE size > 1)
UPDATE notes SET size = size + :by WHERE id IN (SELECT id FROM big);

-- name: remove_returning(least)!
-- Remove notes with a statement that returns rows.
DELETE FROM notes WHERE size >= :least RETURNING id;

-- name: remove(ids)!
-- Remove the notes of these ids.
DELETE FROM notes WHERE id = ANY(:ids::text[]);

-- name: reset()#
-- Replace all notes by two: one statement alone would not do.
DELETE FROM notes;
INSERT INTO notes (id) VALUES ('one; and a half');
INSERT INTO notes (id) VALUES ('two');

-- name: break_off()#
-- Fail in the second statement.
INSERT INTO notes (id) VALUES ('broken');
INSERT INTO notes (id) VALUES ('broken');

-- name: lock_note(id)^
-- Return a note that nobody else may change meanwhile.
SELECT id FROM notes WHERE id = :id FOR UPDATE;
"""


def sqlite_queries() -> str:
    text = re.sub(r"ANY\((:\w+)::text\[\]\)", r"@\1", POSTGRES_QUERIES)
    text = re.sub(r"= @(:\w+)", r"IN (SELECT value FROM json_each(\1))", text)
    text = re.sub(r"::\w+", "", text)
    text = text.replace(
        "jsonb_agg(id ORDER BY id) AS ids, max(seen_at) AS last_seen FROM notes",
        "json_group_array(id) AS ids, max(seen_at) AS last_seen\n"
        "FROM (SELECT id, seen_at FROM notes ORDER BY id)",
    )
    return text.replace(" FOR UPDATE", "")


@pytest.fixture
def notes_tree(tmp_path: Path) -> Path:
    """A tree with the store ``notes`` in both dialects."""
    root = tmp_path / "sql"
    write_store(root, POSTGRES_QUERIES, schema=POSTGRES_SCHEMA, dialects=("postgres",))
    write_store(root, sqlite_queries(), schema=SQLITE_SCHEMA, dialects=("sqlite",))
    return root


@pytest.fixture
async def notes(database: Database, notes_tree: Path) -> Queries:
    """The queries of the notes, whose table is in ``database``."""
    schema = (notes_tree / database.dialect / "notes" / "schema.sql").read_text()
    async with database.connection() as connection:
        await connection.run_script("schema", schema)
    return load_queries("notes", database.dialect, notes_tree)
