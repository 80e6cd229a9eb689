"""Asks a database all calls of a query, each on the rows that were stored, in few round trips.

Calls that only read share a transaction. Calls that write share one too, and a savepoint to which
each is undone; what a call left is read before that. SQLite does all calls in one visit of its
thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from aragora_sql.checker.meaning.answers import Answer, UndoneError, answered
from aragora_sql.checker.meaning.calls import Call as QueryCall
from aragora_sql.checker.meaning.calls import Scene
from aragora_sql.checker.meaning.pair import Side, stored_rows
from aragora_sql.checker.meaning.staging import stage, stage_sqlite
from aragora_sql.database import Connection, Statement
from aragora_sql.database import sqlite_statements as statements
from aragora_sql.database.session_state import changes_postgres_session
from aragora_sql.database.sqlite import SQLiteConnection
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.errors import AragoraSQLError, StatementTimeoutError, UnreadableValueError
from aragora_sql.queries import Queries, adapter_of
from aragora_sql.queries.adapters import Adapter, Call

__all__ = ["answers_to", "call_statement"]

_SAVEPOINT = "aragora_call"


async def answers_to(
    side: Side,
    queries: Queries,
    query: QueryFacts,
    calls: Sequence[QueryCall],
    written: Sequence[str],
    *,
    is_writing: bool,
) -> list[Answer]:
    """Make some calls of a query; return what each of them gave, and left in ``written``.

    ``is_writing`` says whether it may write at all, also to tables that nobody compares. No call
    sees what another one wrote. The first one that does not end in time is the last one.
    """
    adapter = adapter_of(queries)
    call = adapter.call(query.name)
    if side.dialect == "sqlite":
        return await _answers_of_sqlite(
            side, adapter, call, query, calls, written, is_writing=is_writing
        )
    answers: list[Answer] = []
    for _, group in groupby(calls, key=lambda one: id(one.scene)):
        some = list(group)
        scene, arguments = some[0].scene, [one.arguments for one in some]
        if is_writing or changes_postgres_session(call.statement.sql):
            answers += await _answers_to_writes(
                side, adapter, call, query, arguments, written, scene
            )
        else:
            answers += await _answers_to_reads(side, adapter, call, query, arguments, scene)
        if _is_last(answers):
            break
    return answers


def _is_last(answers: Sequence[Answer]) -> bool:
    """Tell whether no more calls are made: nobody waits for more that do not end."""
    return bool(answers) and isinstance(answers[-1].error, StatementTimeoutError)


async def _answers_to_reads(
    side: Side,
    adapter: Adapter,
    call: Call,
    query: QueryFacts,
    calls: Sequence[Any],
    scene: Scene | None,
) -> list[Answer]:
    answers: list[Answer] = []
    while len(answers) < len(calls) and not _is_last(answers):
        try:
            async with side.database.transaction() as connection:
                if scene is not None:
                    await stage(side, connection, scene, ())
                for arguments in calls[len(answers) :]:
                    result = await call_statement(
                        connection, adapter, call, query.operation, arguments
                    )
                    answers.append(Answer(None, result, {}))
                raise UndoneError
        except UndoneError:
            pass
        except AragoraSQLError as error:
            # The transaction goes with it: the next call begins another one.
            answers.append(Answer(error, None, {}))
    return answers


async def _answers_to_writes(
    side: Side,
    adapter: Adapter,
    call: Call,
    query: QueryFacts,
    calls: Sequence[Any],
    written: Sequence[str],
    scene: Scene | None,
) -> list[Answer]:
    answers: list[Answer] = []
    numbers = side.numbers_script(written)
    try:
        async with side.database.transaction() as connection:
            if scene is not None:
                side = await stage(side, connection, scene, written)
            before = await side.places_of(connection, written) if written else []
            await connection.run_script("savepoint", f"SAVEPOINT {_SAVEPOINT}; {numbers}")
            undo = f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; {numbers}"
            for arguments in calls:
                try:
                    result = await call_statement(
                        connection, adapter, call, query.operation, arguments
                    )
                    changed = await side.changes(connection, written, before)
                    answers.append(answered(side, result, changed, written))
                except AragoraSQLError as error:
                    answers.append(Answer(error, None, {}))
                    if _is_last(answers):
                        break
                    # The savepoint brings the transaction back to where it was before the call.
                    connection.lock.has_failed = False
                await connection.run_script("undo", undo)
            raise UndoneError
    except UndoneError:
        return answers


async def call_statement(
    connection: Connection, adapter: Adapter, call: Call, operation: str, arguments: Any
) -> Any:
    """Run the statement of a query as its function does."""
    statement = call.statement
    if operation == "#":
        await connection.run_script(adapter.store, statement.sql)
        return None
    if operation == "*!":
        bound = [adapter.bind(call, one) for one in arguments]
        return await connection.execute_many(statement, bound)
    bound = adapter.bind(call, arguments)
    if operation == "":
        return await connection.fetch_all(statement, bound)
    if operation == "^":
        return await connection.fetch_one(statement, bound)
    if operation in {"$", "<!"}:
        return await connection.fetch_value(statement, bound)
    return await connection.execute(statement, bound)


async def _answers_of_sqlite(
    side: Side,
    adapter: Adapter,
    call: Call,
    query: QueryFacts,
    calls: Sequence[QueryCall],
    written: Sequence[str],
    *,
    is_writing: bool,
) -> list[Answer]:
    dumps = {name: side.dump(name) for name in written}
    async with side.database.connection() as connection:
        if not isinstance(connection, SQLiteConnection):
            raise TypeError("not a SQLite connection")
        before = await side.places_of(connection, written)

        def ask(one: QueryCall, driver: sqlite3.Connection) -> Answer:
            def answer() -> Answer:
                staged, held = side, before
                if one.scene is not None:
                    staged = stage_sqlite(side, one.scene, written, driver)
                    held = [staged.places[name] for name in written]
                return _sqlite_answer(
                    driver, staged, adapter, call, query.operation, one.arguments, dumps, held
                )

            return _undone(driver, answer) if is_writing or one.scene is not None else answer()

        said = await connection.try_each_in_thread(
            call.statement.name,
            [partial(ask, one) for one in calls],
            until=StatementTimeoutError,
        )
    return [Answer(one, None, {}) if isinstance(one, AragoraSQLError) else one for one in said]


def _undone(driver: sqlite3.Connection, work: Callable[[], Answer]) -> Answer:
    """Do something on the driver's connection and undo it."""
    driver.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        return work()
    finally:
        # A statement that was stopped in the middle may have ended the transaction.
        if driver.in_transaction:
            statements.roll_back_to(driver, _SAVEPOINT)


def _sqlite_answer(
    driver: sqlite3.Connection,
    side: Side,
    adapter: Adapter,
    call: Call,
    operation: str,
    arguments: Any,
    dumps: Mapping[str, Statement],
    before: Sequence[list[Any]],
) -> Answer:
    changes = driver.total_changes
    result = _sqlite_result(driver, adapter, call, operation, arguments)
    changed = {}
    if driver.total_changes != changes:
        found = stored_rows(list(dumps), driver)
        for name, was, now in zip(dumps, before, found, strict=True):
            if was != now:
                rows = statements.fetch_all(driver, dumps[name], {})
                changed[name] = side.known_rows(name, now, rows)
    return answered(side, result, changed, list(dumps))


def _sqlite_result(
    driver: sqlite3.Connection, adapter: Adapter, call: Call, operation: str, arguments: Any
) -> Any:
    statement = call.statement
    if operation == "#":
        statements.run_script(driver, statement.sql)
        return None
    if operation == "*!":
        bound = [adapter.bind(call, one) for one in arguments]
        return statements.execute_many(driver, statement, bound)
    bound = adapter.bind(call, arguments)
    if operation == "!":
        return statements.execute(driver, statement, bound)
    rows = statements.fetch_all(driver, statement, bound)
    if isinstance(rows, statements.UndecodableRows):
        raise UnreadableValueError(rows.problem)
    if operation == "":
        return rows
    first = rows[0] if rows else None
    if operation == "^" or first is None:
        return first
    return next(iter(first.values()))
