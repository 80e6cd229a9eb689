"""What a benchmark hands back, as a table on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

__all__ = ["Aim", "Cell", "Column", "Report", "markdown", "show"]

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report; ``form`` is a format specification for its figures."""

    key: str
    heading: str
    form: str = ""

    def render(self, value: Cell) -> str:
        """Return a cell as it is printed."""
        return "" if value is None else format(value, self.form)


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure that this project wants to hold on every machine."""

    text: str
    measured: float
    met: bool

    def describe(self) -> str:
        """Return it with its outcome."""
        return f"{self.text}: measured {self.measured:.2f}, {'met' if self.met else 'missed'}"

    @classmethod
    def at_most(cls, text: str, measured: float, bound: float) -> Aim:
        """An upper bound."""
        return cls(f"{text}, at most {bound:g}", measured, measured <= bound)

    @classmethod
    def at_least(cls, text: str, measured: float, bound: float) -> Aim:
        """A lower bound."""
        return cls(f"{text}, at least {bound:g}", measured, measured >= bound)


@dataclass(frozen=True, slots=True)
class Report:
    """One table: rows are keyed by their columns' keys."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Cell]]
    aims: Sequence[Aim] = ()
    notes: Sequence[str] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "name": self.name,
            "title": self.title,
            "columns": {column.key: column.heading for column in self.columns},
            "rows": [dict(row) for row in self.rows],
            "aims": [{"aim": a.text, "measured": a.measured, "met": a.met} for a in self.aims],
            "notes": list(self.notes),
        }


def markdown(report: Report) -> str:
    """Return a report as ``docs/benchmarks.md`` shows it."""
    rule = ["---:" if number and c.form else "---" for number, c in enumerate(report.columns)]
    lines = [[column.heading for column in report.columns], rule]
    lines += [[c.render(row.get(c.key)) for c in report.columns] for row in report.rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    notes = [*report.notes, *(aim.describe() for aim in report.aims)]
    return "\n\n".join([f"### {report.title}", table, "\n".join(f"* {note}" for note in notes)])


def show(report: Report, console: Console) -> None:
    """Print a report."""
    table = Table(title=report.title, title_justify="left", title_style="bold")
    table.box, table.padding, table.show_edge = SIMPLE_HEAD, (0, 1, 0, 0), False
    for number, column in enumerate(report.columns):
        cells = [column.render(row.get(column.key)) for row in report.rows]
        justify: JustifyMethod = "right" if number and column.form else "left"
        # Where the terminal is narrow, headings are broken and cells are not.
        table.add_column(column.heading, justify=justify, min_width=max(map(len, cells), default=0))
    for row in report.rows:
        table.add_row(*(column.render(row.get(column.key)) for column in report.columns))
    console.print()
    console.print(table)
    for note in report.notes:
        console.print(note, highlight=False)
    for aim in report.aims:
        console.print(aim.describe(), style="green" if aim.met else "red", highlight=False)
