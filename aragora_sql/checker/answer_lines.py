"""The committed lines of answers: one for each query of a store, in ``answers/<store>.txt``.

A line holds fingerprints of the generated rows, of the arguments and of the answers, the constants
and comparisons of the query's text, and the proof that both dialects answered alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from aragora_sql.checker.fixed_parts import FixedParts, read_parts, written_parts
from aragora_sql.checker.kept import kept_root
from aragora_sql.queries.files import DIALECTS

__all__ = ["UPDATE", "Answers", "Lines", "Proof", "answers_path", "read_lines", "written_line"]

UPDATE = "aragora-sql check --update-answers"
_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Proof:
    """That the answers of a query were compared: ``calls`` of it, with what they depend on.

    ``of`` is a fingerprint of all that. ``is_idle`` says that no call got an answer, ``declared``
    are the differences that comments speak of.
    """

    of: str
    calls: int
    is_idle: bool = False
    declared: tuple[str, ...] = ()

    def __str__(self) -> str:
        idle = "-" if self.is_idle else ""
        return ":".join([self.of, f"{self.calls}{idle}", *(quote(d, "") for d in self.declared)])

    @classmethod
    def read(cls, text: str) -> Proof:
        """Read what was written. Raises ValueError for anything else."""
        of, calls, *declared = text.split(":")
        number = calls.removesuffix("-")
        return cls(of, int(number), number != calls, tuple(map(unquote, declared)))


@dataclass(frozen=True, slots=True)
class Answers:
    """The fingerprints of a query: of the rows, the arguments, and the answers by dialect.

    ``proof`` is None where the dialects answered differently.
    """

    rows: str
    arguments: str
    answers: Mapping[str, str]
    proof: Proof | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a store by query; ``parts`` by dialect, where the line has them.

    ``faulty`` are the numbers of the lines that nobody can read.
    """

    answers: dict[str, Answers] = field(default_factory=dict)
    parts: dict[str, dict[str, FixedParts]] = field(default_factory=dict)
    faulty: list[int] = field(default_factory=list)


def answers_path(root: Path, store: str) -> Path:
    """Return the file that holds the fingerprints of a store's answers."""
    return kept_root(root) / "answers" / f"{store}.txt"


def written_line(name: str, answers: Answers, parts: Mapping[str, FixedParts]) -> str:
    """Return the line of a query."""
    both = dict.fromkeys(answers.answers[dialect] for dialect in DIALECTS)
    written = dict.fromkeys(map(written_parts, parts.values()))
    proof = "" if answers.proof is None else f" proof={answers.proof}"
    return (
        f"{name} rows={answers.rows} arguments={answers.arguments} answers={','.join(both)}"
        f"{proof} parts={_SEPARATOR.join(written)}"
    )


def read_lines(path: Path) -> Lines:
    """Return the committed lines; none where there is no file."""
    found = Lines()
    if not path.is_file():
        return found
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        name, *fields = line.split() or [""]
        values = dict(one.partition("=")[::2] for one in fields)
        if not line:
            continue
        try:
            parts = [read_parts(word) for word in values.pop("parts", "").split(_SEPARATOR) if word]
            proof = Proof.read(values.pop("proof")) if "proof" in values else None
        except ValueError:
            values = {}
        if values.keys() != {"rows", "arguments", "answers"}:
            found.faulty.append(number)
            continue
        both = values["answers"].split(",")
        answers = {"postgres": both[0], "sqlite": both[-1]}
        found.answers[name] = Answers(values["rows"], values["arguments"], answers, proof)
        if parts:
            found.parts[name] = {"postgres": parts[0], "sqlite": parts[-1]}
    return found
