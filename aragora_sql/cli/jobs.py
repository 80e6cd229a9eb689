"""``aragora-sql jobs …``: the job queue.

list, show, stats; enqueue, retry, cancel, purge; history, purge-history; limit, pause, resume,
recover; schedules, schedule, unschedule; work.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from aragora_sql.cli.exit_codes import DIFFERENT, OK
from aragora_sql.cli.output import age
from aragora_sql.cli.parser import add_log_format, examples
from aragora_sql.cli.progress import working
from aragora_sql.cli.tables import Column, print_fields, print_table, timestamp
from aragora_sql.cli.target import add_target, chosen_dialect, open_existing, sqlite_path
from aragora_sql.database import Database
from aragora_sql.errors import ConfigurationError, DuplicateKeyError, JobError
from aragora_sql.stores.jobs.records import FINISHED, Job, JobLimit, JobStatus
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import Handler, JobWorker
from aragora_sql.stores.paging import cursor_of, parse_cursor

__all__ = ["add_commands"]

Work = Callable[[JobQueueStore, argparse.Namespace], Coroutine[Any, Any, int]]

# A worker claims, ends and extends at once.
_CONNECTIONS = 5


def add_commands(groups: Any) -> None:
    """Add the group to the parser of ``aragora-sql``."""
    group = groups.add_parser(
        "jobs",
        help="look at the job queue, mend it, work on it",
        epilog=examples(
            """jobs enqueue email --payload '{"to": "ann"}' --delay 10m""",
            "jobs list --status scheduled",
            "jobs schedule nightly '30 4 * * *' cleanup",
            "jobs stats",
            "jobs purge --older-than 30d",
            "jobs purge --older-than 30d --archive",
        ),
    )
    commands = group.add_subparsers(required=True, metavar="command")

    listing = _add(commands, "list", _list, "list jobs, the newest first")
    listing.add_argument(
        "--status",
        choices=[status.value for status in JobStatus],
        metavar="STATUS",
        help=f"only jobs that are {', '.join(JobStatus)}",
    )
    listing.add_argument("--type", dest="job_type", metavar="TYPE", help="only jobs of this type")
    listing.add_argument(
        "--limit", type=int, default=50, metavar="N", help="most to list (default %(default)s)"
    )
    listing.add_argument(
        "--before", type=int, metavar="NUMBER", help="the number of the last job of the page before"
    )
    listing.add_argument(
        "--documents",
        action="store_true",
        help="with --json: payloads and results, too, however large they are",
    )

    show = _add(commands, "show", _show, "show all of one job")
    show.add_argument("id", help="the id of the job")

    retry = _add(
        commands,
        "retry",
        _retry,
        "make finished jobs pending again; exit code 1 when one could not be",
    )
    retry.add_argument("ids", nargs="*", metavar="id", help="the ids of jobs")
    retry.add_argument("--dead", action="store_true", help="all jobs that have failed")
    retry.add_argument("--type", dest="job_type", metavar="TYPE", help="with --dead: of this type")

    cancel = _add(
        commands, "cancel", _cancel, "cancel jobs that wait; exit code 1 when one could not be"
    )
    cancel.add_argument("ids", nargs="+", metavar="id", help="the ids of jobs")
    cancel.add_argument(
        "--running",
        action="store_true",
        help="of jobs that are processed ask their workers to stop them",
    )

    enqueue = _add(commands, "enqueue", _enqueue, "store a job and print its id")
    enqueue.add_argument("job_type", metavar="type", help="the type of the job")
    _add_content(enqueue)
    enqueue.add_argument("--id", help="the id of the job (default: a new one)")
    enqueue.add_argument("--delay", type=age, metavar="AGE", help="not before then, such as 10m")

    limit = _add(commands, "limit", _limit, "limit how many jobs of a type are processed at once")
    limit.add_argument("job_type", metavar="type", help="the type of the jobs")
    limit.add_argument("max_running", metavar="number", help="a number, or none for no limit")

    pause = _add(commands, "pause", _pause, "let no job of these types be claimed until resume")
    pause.add_argument("types", nargs="+", metavar="type", help="the types of jobs")

    resume = _add(
        commands, "resume", _resume, "end a pause; exit code 1 when a type was not paused"
    )
    resume.add_argument("types", nargs="+", metavar="type", help="the types of jobs")

    recover = _add(
        commands, "recover", _recover, "take jobs away from workers whose lease has run out"
    )
    recover.add_argument(
        "--type",
        action="append",
        dest="types",
        metavar="TYPE",
        help="only of this type; may be repeated",
    )
    recover.add_argument(
        "--stale-for",
        type=age,
        default=0.0,
        metavar="AGE",
        help="only those so long ago (default: 0s)",
    )

    _add(commands, "schedules", _schedules, "list the cron schedules")
    schedule = _add(commands, "schedule", _schedule, "store a cron schedule, or change it")
    schedule.add_argument("name", help="the name of the schedule; an existing one is replaced")
    schedule.add_argument("cron", help="such as '30 4 * * mon-fri'")
    schedule.add_argument("job_type", metavar="type", help="the type of the jobs it enqueues")
    schedule.add_argument(
        "--time-zone", default="UTC", metavar="NAME", help="such as Europe/Berlin (default: UTC)"
    )
    schedule.add_argument("--disabled", action="store_true", help="store it without running it")
    _add_content(schedule)
    unschedule = _add(commands, "unschedule", _unschedule, "delete cron schedules; their jobs stay")
    unschedule.add_argument("names", nargs="+", metavar="name", help="the names of schedules")

    purge = _add(commands, "purge", _purge, "delete jobs that were finished long ago")
    purge.add_argument(
        "--older-than", type=age, required=True, metavar="AGE", help="such as 30d, 12h, 90m"
    )
    purge.add_argument(
        "--status",
        action="append",
        choices=[status.value for status in FINISHED],
        help="may be repeated (default: completed and cancelled; dead jobs stay)",
    )
    purge.add_argument(
        "--batch-size",
        type=int,
        default=1000,
        metavar="N",
        help="jobs in each transaction (default %(default)s)",
    )

    purge.add_argument(
        "--archive",
        action="store_true",
        help="move them into the history instead (table job_history)",
    )

    history = _add(commands, "history", _history, "list jobs that purge --archive has moved")
    history.add_argument("id", nargs="?", help="show all of the one of this id")
    history.add_argument(
        "--status",
        choices=[status.value for status in FINISHED],
        metavar="STATUS",
        help=f"only jobs that are {', '.join(FINISHED)}",
    )
    history.add_argument("--type", dest="job_type", metavar="TYPE", help="only jobs of this type")
    history.add_argument(
        "--limit", type=int, default=50, metavar="N", help="most to list (default %(default)s)"
    )
    history.add_argument(
        "--before", metavar="PLACE", help="where the page before ended, as it says"
    )
    history.add_argument(
        "--documents",
        action="store_true",
        help="with --json: payloads and results, too, however large they are",
    )

    forget = _add(
        commands, "purge-history", _purge_history, "delete archived jobs that ended long ago"
    )
    forget.add_argument("--older-than", type=age, required=True, metavar="AGE", help="such as 365d")
    forget.add_argument(
        "--batch-size",
        type=int,
        default=1000,
        metavar="N",
        help="jobs in each transaction (default %(default)s)",
    )

    _add(commands, "stats", _stats, "count jobs by type and status")

    work = _add(commands, "work", _work, "work on jobs until SIGTERM or Ctrl-C")
    work.add_argument(
        "--handler",
        action="append",
        required=True,
        metavar="TYPE=MODULE:FUNCTION",
        help="what works on jobs of a type; may be repeated",
    )
    work.add_argument(
        "--concurrency",
        type=int,
        default=10,
        metavar="N",
        help="jobs that are worked on at once (default %(default)s)",
    )
    work.add_argument(
        "--batch-size", type=int, metavar="N", help="jobs held at most (default: concurrency)"
    )
    work.add_argument(
        "--lease",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a job is held before it must be extended (default %(default)g)",
    )
    work.add_argument(
        "--time-limit", type=age, metavar="AGE", help="of an attempt without one, such as 30s"
    )
    work.add_argument(
        "--no-schedules", action="store_true", help="leave cron schedules to other workers"
    )
    work.add_argument(
        "--worker-id",
        metavar="ID",
        help="name of this worker (default: made of host, process and chance)",
    )
    work.add_argument(
        "--until-empty", action="store_true", help="stop when no job can be claimed any longer"
    )
    work.set_defaults(tells_more=True)
    add_log_format(work)


def _add_content(parser: argparse.ArgumentParser) -> None:
    """Add the options of what a job is."""
    parser.add_argument(
        "--payload",
        type=_document,
        metavar="JSON",
        help="what it is about: a JSON object (default: {})",
    )
    parser.add_argument(
        "--priority", type=int, default=0, metavar="N", help="larger is sooner (default 0)"
    )
    parser.add_argument(
        "--max-attempts",
        type=int,
        default=3,
        metavar="N",
        help="how often it is tried (default %(default)s)",
    )
    parser.add_argument("--time-limit", type=age, metavar="AGE", help="of one attempt, such as 30s")
    parser.add_argument("--unique-key", metavar="KEY", help="not while a job of this key waits")
    parser.add_argument(
        "--unique-while-running",
        action="store_true",
        help="with --unique-key: nor while one is processed",
    )


def _add(commands: Any, name: str, work: Work, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    add_target(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(work=work, run=lambda options: asyncio.run(_on_queue(work, options)))
    return parser


async def _on_queue(work: Work, options: argparse.Namespace) -> int:
    database = await _open(options)
    try:
        store = JobQueueStore(database)
        await store.initialize()
        try:
            return await work(store, options)
        finally:
            await store.close()
    finally:
        await database.close()


async def _open(options: argparse.Namespace) -> Database:
    # Only a worker may come before the first job.
    if options.work is _work and chosen_dialect(options) == "sqlite":
        from aragora_sql.database.sqlite import SQLiteDatabase

        return SQLiteDatabase(sqlite_path(options))
    return await open_existing(options, writes=True, max_size=_CONNECTIONS)


async def _list(store: JobQueueStore, options: argparse.Namespace) -> int:
    if options.documents and not options.json:
        raise ConfigurationError("--documents goes with --json")
    jobs = await store.list_jobs(
        options.status,
        options.job_type,
        options.limit,
        before=options.before,
        documents=options.documents,
    )
    if options.json:
        _print_json(jobs, options)
        return OK
    print_table(
        (
            Column("number", right=True),
            *("id", "type", "status"),
            Column("priority", right=True),
            *("attempts", "created"),
            Column("error", cuts=True),
        ),
        (
            (
                job.number,
                job.id,
                job.job_type,
                job.status,
                job.priority,
                f"{job.attempts}/{job.max_attempts}",
                job.created_at,
                job.error,
            )
            for job in jobs
        ),
    )
    if len(jobs) == options.limit and jobs:
        print(f"older ones: --before {jobs[-1].number}", file=sys.stderr)
    return OK


def _print_json(jobs: Sequence[Job], options: argparse.Namespace) -> None:
    left_out = set() if options.documents else {"payload", "result"}
    shown = [
        {name: value for name, value in job.to_dict().items() if name not in left_out}
        for job in jobs
    ]
    print(json.dumps(shown))


async def _show(store: JobQueueStore, options: argparse.Namespace) -> int:
    return _show_one(await store.get(options.id), f"job {options.id!r}", options)


def _show_one(job: Job | None, name: str, options: argparse.Namespace) -> int:
    if job is None:
        print(f"aragora-sql: there is no {name}", file=sys.stderr)
        return DIFFERENT
    if options.json:
        print(json.dumps(job.to_dict()))
        return OK
    # A record has keys and is no dictionary.
    print_fields((name, job[name]) for name in job.keys())  # noqa: SIM118
    return OK


async def _retry(store: JobQueueStore, options: argparse.Namespace) -> int:
    if bool(options.ids) == options.dead:
        raise ConfigurationError("give ids of jobs, or --dead for all that have failed")
    if options.job_type and not options.dead:
        raise ConfigurationError("--type goes with --dead")
    if options.ids:
        return await _each(store.retry, options.ids, options, "pending again")
    with working("making jobs pending again", quiet=options.json):
        pending = await store.retry_dead(options.job_type)
    problems = {
        job_id: f"job {job_id!r}: another job with its unique key waits"
        for job_id, is_pending in pending.items()
        if not is_pending
    }
    return _report(list(pending), problems, options, "pending again")


async def _cancel(store: JobQueueStore, options: argparse.Namespace) -> int:
    async def cancel(job_id: str) -> None:
        if not await store.cancel(job_id, running=options.running):
            job = await store.get(job_id)
            state = "there is no such job" if job is None else f"it is {job.status}"
            raise JobError(f"job {job_id!r} does not wait: {state}")

    done = "cancelled, or to be stopped by their workers" if options.running else "cancelled"
    return await _each(cancel, options.ids, options, done)


async def _each(
    act: Callable[[str], Coroutine[Any, Any, Job | None]],
    ids: Sequence[str],
    options: argparse.Namespace,
    done: str,
) -> int:
    """Do something with each job; what fails is told, and the others go on."""
    problems: dict[str, str] = {}
    for job_id in ids:
        try:
            await act(job_id)
        except DuplicateKeyError:
            problems[job_id] = f"job {job_id!r}: another job with its unique key waits"
        except JobError as error:
            problems[job_id] = str(error)
    return _report(ids, problems, options, done)


def _report(
    ids: Sequence[str], problems: dict[str, str], options: argparse.Namespace, done: str
) -> int:
    if options.json:
        succeeded = [job_id for job_id in ids if job_id not in problems]
        print(json.dumps({"done": succeeded, "problems": problems}))
    else:
        for problem in problems.values():
            print(problem, file=sys.stderr)
        print(f"{len(ids) - len(problems)} {done}")
    return DIFFERENT if problems else OK


async def _enqueue(store: JobQueueStore, options: argparse.Namespace) -> int:
    job = await store.enqueue(
        options.job_type,
        options.payload,
        **_content(options),
        **({} if options.id is None else {"id": options.id}),
        **({} if options.delay is None else {"delay_seconds": options.delay}),
    )
    print(json.dumps(job.to_dict()) if options.json else job.id)
    return OK


def _content(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "priority": options.priority,
        "max_attempts": options.max_attempts,
        "time_limit_seconds": options.time_limit,
        "unique_key": options.unique_key,
        "unique_while_running": options.unique_while_running,
    }


async def _limit(store: JobQueueStore, options: argparse.Namespace) -> int:
    text = options.max_running
    if text == "none":
        limit = None
    elif re.fullmatch(r"\d{1,9}", text):
        limit = int(text)
    else:
        raise ConfigurationError(f"the limit must be a whole number or none, not {text!r}")
    await store.set_limit(options.job_type, limit)
    shown = "no limit" if limit is None else f"at most {limit} at once"
    result = {"type": options.job_type, "limit": limit}
    print(json.dumps(result) if options.json else f"{options.job_type}: {shown}")
    return OK


async def _pause(store: JobQueueStore, options: argparse.Namespace) -> int:
    for job_type in options.types:
        await store.pause(job_type)
    paused = {"paused": options.types}
    print(json.dumps(paused) if options.json else f"paused: {', '.join(options.types)}")
    return OK


async def _resume(store: JobQueueStore, options: argparse.Namespace) -> int:
    resumed = [job_type for job_type in options.types if await store.resume(job_type)]
    others = [job_type for job_type in options.types if job_type not in resumed]
    if options.json:
        print(json.dumps({"resumed": resumed, "not_paused": others}))
    else:
        print(f"resumed: {', '.join(resumed) or 'none'}")
        for job_type in others:
            print(f"{job_type} was not paused", file=sys.stderr)
    return DIFFERENT if others else OK


async def _recover(store: JobQueueStore, options: argparse.Namespace) -> int:
    recovered = await store.recover_stale_jobs(options.stale_for, options.types)
    print(json.dumps({"recovered": recovered}) if options.json else f"{recovered} jobs recovered")
    return OK


async def _schedules(store: JobQueueStore, options: argparse.Namespace) -> int:
    schedules = await store.list_schedules()
    if options.json:
        print(json.dumps([schedule.to_dict() for schedule in schedules]))
        return OK
    print_table(
        ("name", "cron", "time zone", "type", "next run", "last run"),
        (
            (
                one.name,
                one.cron,
                one.time_zone,
                one.job_type,
                one.next_run_at if one.enabled else "disabled",
                one.last_run_at,
            )
            for one in schedules
        ),
    )
    return OK


async def _schedule(store: JobQueueStore, options: argparse.Namespace) -> int:
    schedule = await store.set_schedule(
        options.name,
        options.cron,
        options.job_type,
        options.payload,
        time_zone=options.time_zone,
        enabled=not options.disabled,
        **_content(options),
    )
    next_run = timestamp(schedule.next_run_at) if schedule.enabled else "disabled"
    print(json.dumps(schedule.to_dict()) if options.json else f"{schedule.name}: {next_run}")
    return OK


async def _unschedule(store: JobQueueStore, options: argparse.Namespace) -> int:
    problems = {
        name: f"there is no schedule {name!r}"
        for name in options.names
        if not await store.delete_schedule(name)
    }
    return _report(options.names, problems, options, "deleted")


async def _purge(store: JobQueueStore, options: argparse.Namespace) -> int:
    chosen = {} if options.status is None else {"statuses": options.status}
    with working("deleting finished jobs", quiet=options.json):
        purged = await store.purge(
            options.older_than, **chosen, batch_size=options.batch_size, archive=options.archive
        )
    done = "archived" if options.archive else "deleted"
    key = "archived" if options.archive else "purged"
    print(json.dumps({key: purged}) if options.json else f"{purged} jobs {done}")
    return OK


async def _history(store: JobQueueStore, options: argparse.Namespace) -> int:
    if options.id is not None:
        if options.status or options.job_type or options.before or options.documents:
            raise ConfigurationError(
                "an id stands alone: give no --status, --type, --before or --documents beside it"
            )
        archived = await store.get_archived(options.id)
        return _show_one(archived, f"archived job {options.id!r}", options)
    if options.documents and not options.json:
        raise ConfigurationError("--documents goes with --json")
    after = None
    if options.before is not None:
        ended, job_id = parse_cursor(options.before, "--before")
        after = {"completed_at": ended, "id": job_id}
    jobs = await store.list_history(
        options.status,
        options.job_type,
        options.limit,
        after=after,
        documents=options.documents,
    )
    if options.json:
        _print_json(jobs, options)
        return OK
    print_table(
        (*("ended", "id", "type", "status", "attempts"), Column("error", cuts=True)),
        (
            (
                job.completed_at,
                job.id,
                job.job_type,
                job.status,
                f"{job.attempts}/{job.max_attempts}",
                job.error,
            )
            for job in jobs
        ),
    )
    if len(jobs) == options.limit and jobs and jobs[-1].completed_at is not None:
        place = cursor_of(jobs[-1].completed_at, jobs[-1].id)
        print(f"older ones: --before {shlex.quote(place)}", file=sys.stderr)
    return OK


async def _purge_history(store: JobQueueStore, options: argparse.Namespace) -> int:
    with working("deleting archived jobs", quiet=options.json):
        purged = await store.purge_history(options.older_than, batch_size=options.batch_size)
    print(json.dumps({"purged": purged}) if options.json else f"{purged} jobs deleted")
    return OK


async def _stats(store: JobQueueStore, options: argparse.Namespace) -> int:
    counts = await store.get_counts()
    limits = {limit.job_type: limit for limit in await store.get_limits()}
    by_type: dict[str, dict[str, int]] = defaultdict(dict)
    oldest: dict[str, datetime] = {}
    for count in counts:
        by_type[count.job_type][count.status] = count.total
        if count.status == JobStatus.PENDING:
            oldest[count.job_type] = count.created_at
    if options.json:
        print(
            json.dumps(
                {
                    "jobs": by_type,
                    "oldest_pending": {name: one.isoformat() for name, one in oldest.items()},
                    "limits": {name: limit.max_running for name, limit in limits.items()},
                    "paused": [name for name, limit in limits.items() if limit.paused],
                    "total": sum(count.total for count in counts),
                }
            )
        )
        return OK
    print_table(
        (
            "type",
            *(Column(status.value, right=True) for status in JobStatus),
            "limit",
            "oldest pending",
        ),
        (
            (
                job_type,
                *(by_type[job_type].get(status) for status in JobStatus),
                _shown_limit(limits[job_type]) if job_type in limits else None,
                oldest.get(job_type),
            )
            for job_type in sorted({*by_type, *limits})
        ),
    )
    return OK


def _shown_limit(limit: JobLimit) -> str:
    if limit.paused:
        return "paused" if limit.max_running is None else f"paused, {limit.max_running}"
    return str(limit.max_running)


async def _work(store: JobQueueStore, options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    handlers = dict(_handler(text) for text in options.handler)
    worker = JobWorker(
        store,
        handlers,
        worker_id=options.worker_id,
        concurrency=options.concurrency,
        batch_size=options.batch_size,
        lease_seconds=options.lease,
        time_limit_seconds=options.time_limit,
        schedules=not options.no_schedules,
    )
    log = logging.getLogger("aragora_sql.jobs")
    log.info("worker %s works on %s", worker.worker_id, ", ".join(sorted(handlers)))
    stats = await worker.run(until_empty=options.until_empty)
    result = {
        "worker_id": worker.worker_id,
        "completed": stats.completed,
        "failed": stats.failed,
        "released": stats.released,
        "lost": stats.lost,
        "recovered": stats.recovered,
        "cancelled": stats.cancelled,
        "scheduled": stats.scheduled,
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(", ".join(f"{name} {value}" for name, value in result.items()))
    return OK


def _handler(text: str) -> tuple[str, Handler]:
    match = re.fullmatch(r"([^=]+)=([\w.]+):([\w.]+)", text)
    if match is None:
        raise ConfigurationError(f"--handler: must be type=module:function, not {text!r}")
    job_type, module_name, path = match.groups()
    if "" not in sys.path:
        # As with `python -m`: modules of the working directory are found.
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigurationError(f"--handler: cannot import {module_name}: {error}") from error
    for name in path.split("."):
        if not hasattr(found, name):
            raise ConfigurationError(f"--handler: {module_name} has no {path}")
        found = getattr(found, name)
    if not callable(found):
        raise ConfigurationError(f"--handler: {module_name}:{path} must be a function")
    return job_type, found


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be JSON: {error}") from error
    if not isinstance(document, dict):
        raise argparse.ArgumentTypeError("must be a JSON object, such as '{\"id\": 1}'")
    return document
