"""SQLSpec, SQLAlchemy Core and psycopg 3 in pipeline mode, as lanes hold them: one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import sqlalchemy
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine
from sqlspec.adapters.aiosqlite import AiosqliteConfig
from sqlspec.adapters.asyncpg import AsyncpgConfig

from benchmarks.statements import DOCUMENTS

__all__ = [
    "alchemy_on_postgres",
    "alchemy_on_sqlite",
    "alchemy_statement",
    "psycopg_pipeline",
    "psycopg_statement",
    "sqlspec_on_postgres",
    "sqlspec_on_sqlite",
]


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


@asynccontextmanager
async def sqlspec_on_postgres(dsn: str) -> AsyncIterator[Any]:
    """Hold a session of SQLSpec over asyncpg that reads and writes documents with orjson."""
    config = AsyncpgConfig(
        connection_config={"dsn": dsn, "min_size": 1, "max_size": 1},
        driver_features={"json_serializer": _dumps, "json_deserializer": orjson.loads},
    )
    try:
        async with config.provide_session() as session:
            yield session
    finally:
        await config.close_pool()


@asynccontextmanager
async def sqlspec_on_sqlite(path: Path) -> AsyncIterator[Any]:
    """Hold a session of SQLSpec over aiosqlite, in autocommit."""
    config = AiosqliteConfig(
        connection_config={"database": str(path), "isolation_level": None},
    )
    try:
        async with config.provide_session() as session:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                await session.execute_script(f"PRAGMA {pragma}")
            yield session
    finally:
        await config.close_pool()


def alchemy_statement(sql: str, *, reads: bool = False) -> Any:
    """Return a query of ours as a text of SQLAlchemy Core whose documents it converts."""
    text = sql
    for name in DOCUMENTS:
        # A parameter directly before a cast is none to SQLAlchemy.
        text = text.replace(f":{name}::jsonb", f"CAST(:{name} AS jsonb)")
    text = text.replace("::jsonb", r"\:\:jsonb")
    statement = sqlalchemy.text(text)
    if reads:
        return statement.columns(**dict.fromkeys(DOCUMENTS, _DOCUMENT))
    documents = [name for name in DOCUMENTS if f":{name}" in text]
    return statement.bindparams(
        *(sqlalchemy.bindparam(name, type_=_DOCUMENT) for name in documents)
    )


_DOCUMENT = sqlalchemy.JSON().with_variant(JSONB(), "postgresql")


@asynccontextmanager
async def alchemy_on_postgres(dsn: str) -> AsyncIterator[Any]:
    """Hold a connection of SQLAlchemy Core over asyncpg, in autocommit."""
    async with _alchemy(dsn.replace("postgresql://", "postgresql+asyncpg://", 1)) as connection:
        yield connection


@asynccontextmanager
async def alchemy_on_sqlite(path: Path) -> AsyncIterator[Any]:
    """Hold a connection of SQLAlchemy Core over aiosqlite, in autocommit."""
    async with _alchemy(f"sqlite+aiosqlite:///{path}") as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            await connection.exec_driver_sql(f"PRAGMA {pragma}")
        yield connection


@asynccontextmanager
async def _alchemy(url: str) -> AsyncIterator[Any]:
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def psycopg_statement(sql: str, names: tuple[str, ...]) -> str:
    """Return a query with the placeholders of psycopg."""
    text = sql.replace("%", "%%")
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(f":{name}", f"%({name})s")
    return text


@asynccontextmanager
async def psycopg_pipeline(dsn: str) -> AsyncIterator[Any]:
    """Hold a connection of psycopg 3 in pipeline mode, in autocommit; yield both."""
    async with await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, row_factory=dict_row
    ) as connection:
        set_json_dumps(_dumps, connection)
        set_json_loads(orjson.loads, connection)
        # As the other drivers prepare a statement at its first use.
        connection.prepare_threshold = 0
        async with connection.pipeline() as pipeline:
            yield connection, pipeline
