"""The report of a migration as tables."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from aragora_sql.cli.output import is_screen
from aragora_sql.cli.tables import Column, print_table
from aragora_sql.migration.report import SHOWN_KEYS, MigrationReport, TableReport

if TYPE_CHECKING:
    from aragora_sql.migration.langgraph import LangGraphReport
    from aragora_sql.migration.to_sqlite import ToSQLiteReport

__all__ = ["show_langgraph_report", "show_report", "show_to_sqlite_report"]


def show_report(report: MigrationReport, console: Console, *, counted: str = "in files") -> None:
    """Print a report as tables; ``counted`` says where the rows of the source are."""
    for candidate in report.candidates:
        verb = "taken" if candidate.is_taken else "left "
        _show_lines(console, [f"{verb} {candidate.path}: {candidate.why}"])
    if report.is_verify_only:
        title = "verification"
    else:
        title = "dry run: nothing was changed" if report.is_dry_run else "migration"
    print_table(
        ("table", *(Column(heading, right=True) for heading in (counted, *_HEADINGS))),
        [
            # For people what did not happen is left out; a program gets every figure.
            (line.table, *(None if is_screen(console) and n == "0" else n for n in _figures(line)))
            for line in report.tables
        ],
        title=title,
        console=console,
    )
    _show_lines(
        console,
        (
            f"{line.table}: {count} times: {note}"
            for line in report.tables
            for note, count in sorted(line.counts.notes.items())
        ),
    )
    for line in report.tables:
        if line.different:
            keys = escape(", ".join(line.counts.different_keys))
            more = ", …" if line.different > len(line.counts.different_keys) else ""
            console.print(
                f"[yellow]{line.table}: {line.different} rows differ from the target's row of the "
                f"same key, which was left as it is:[/yellow] {keys}{more}",
                highlight=False,
                soft_wrap=True,
            )
        for first in line.verified.first if line.verified else ():
            console.print(f"[red]not as in the source:[/red] {escape(first)}", soft_wrap=True)
    for reason, count in sorted(report.reasons.items(), key=lambda pair: -pair[1])[:SHOWN_KEYS]:
        console.print(
            f"[red]rejected[/red] {count} times: {escape(reason)}", highlight=False, soft_wrap=True
        )
    _show_lines(
        console,
        (
            f"rejected rows are in {path}; mend them there, then run: "
            f"aragora-sql migrate --retry-rejects {path}{_zone(report)}"
            if report.can_be_mended
            else f"rejected rows are in {path}"
            for path in report.reject_files
        ),
    )
    _show_lines(
        console,
        (
            f"rows that were merged into others, and differ from them, are kept in {path}"
            for path in report.merged_files
        ),
    )
    for left in report.left_behind:
        console.print(
            f"[yellow]left behind:[/yellow] {escape(str(left))}", highlight=False, soft_wrap=True
        )
    console.print(_conclusion(report), highlight=False, soft_wrap=True)


def show_langgraph_report(report: LangGraphReport, console: Console) -> None:
    """Print the report of a move from LangGraph's own savers."""
    _show_lines(console, [f"from {report.source}", f"to {report.target}"])
    show_report(report, console)
    threads = report.threads
    if report.is_verify_only:
        _show_lines(console, [f"{threads.source:,} threads were compared"])
        return
    done = "would be moved" if report.is_dry_run else "moved"
    text = (
        f"{threads.source:,} threads: {threads.moved:,} {done}, {threads.already_there:,} were "
        f"there already, {threads.rejected:,} rejected"
    )
    _show_lines(console, [text])


def show_to_sqlite_report(report: ToSQLiteReport, console: Console) -> None:
    """Print the report of a move to SQLite."""
    _show_lines(console, [f"from {report.source}", f"to {report.target}"])
    show_report(report, console, counted="in source")


_HEADINGS = (
    "merged",
    "migrated",
    "already there",
    "different",
    "rejected",
    "verified",
    "rows/s",
)


def _figures(line: TableReport) -> Iterable[str]:
    rate = (line.counts.read - line.resumed) / line.seconds if line.seconds > 0 else 0.0
    verified = "" if line.verified is None else f"{line.verified.compared:,}"
    if line.verified and line.verified.mismatches:
        verified += f" ({line.verified.mismatches:,} differ)"
    return (
        f"{line.rows_in_source:,}",
        f"{line.counts.merged:,}",
        f"{line.migrated:,}" + (f" ({line.left_out:,} left out)" if line.left_out else ""),
        f"{line.already_there:,}",
        f"{line.different:,}",
        f"{line.rejected:,}",
        verified,
        f"{rate:,.0f}" if rate else "",
    )


def _show_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        # Names and values of the source may look like markup.
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _zone(report: MigrationReport) -> str:
    """Return the option that times in mended rows need as well."""
    zone = report.source_timezone
    return "" if zone is None else f" --source-timezone {shlex.quote(zone)}"


def _conclusion(report: MigrationReport) -> str:
    text = _verified(report) if report.is_verify_only else _migrated(report)
    if report.left_behind:
        left = f"{report.total_left_behind:,} rows in {len(report.left_behind):,} places"
        text += f"\n[yellow]{left} of the source are left behind.[/yellow]"
    return text


def _verified(report: MigrationReport) -> str:
    found = [table.verified for table in report.tables if table.verified]
    total = sum(result.compared + result.rejected + result.mended for result in found)
    if report.mismatches:
        rejected = sum(result.rejected for result in found)
        text = f"[red]{report.mismatches:,} of {total:,} rows are not as in the source"
        return f"{text}; {rejected:,} of them hold what the target can't.[/red]"
    mended = sum(result.mended for result in found)
    text = f"[green]All {total:,} rows are in the target as in the source"
    if mended:
        text += f", but for {mended:,} that the target can't hold and that were mended"
    return f"{text}.[/green]"


def _migrated(report: MigrationReport) -> str:
    done = "would be migrated" if report.is_dry_run else "migrated"
    text = (
        f"{report.total_migrated:,} rows {done}, {report.total_skipped:,} were there already, "
        f"{report.total_errors:,} rejected in {report.seconds:.1f} s"
    )
    if report.mismatches:
        text += f", [red]{report.mismatches:,} are not as in the source[/red]"
    return text
