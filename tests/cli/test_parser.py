"""What all commands share: help, hints for mistyped words, completion, exit codes."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aragora_sql import errors
from aragora_sql.cli import COMMANDS, main, new_parser, parser_for
from aragora_sql.cli.exit_codes import (
    DIFFERENT,
    LEFT_BEHIND,
    MEANINGS,
    REFUSED,
    UNREACHABLE,
    USAGE,
    code_of,
)
from aragora_sql.cli.parser import parse
from aragora_sql.queries.files import packaged_sql_dir, read_sql, sql_dir

NOWHERE = "postgresql://u@127.0.0.1:1/d?connect_timeout=2"


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest for choice in action._choices_actions}
            for name, command in action.choices.items():
                assert name in said, f"{command.prog} has no help text"
                yield command.prog, command
                yield from commands(command)


def test_every_command_and_option_says_what_it_is() -> None:
    found = dict(commands(new_parser(list(COMMANDS))))
    named = {f"aragora-sql {name}" for names in COMMANDS.values() for name in names}
    assert named <= found.keys()
    for prog, command in found.items():
        assert command.description, f"{prog} has no description"
        assert command.description.endswith("."), prog
        for action in command._actions:
            is_commands = isinstance(action, argparse._SubParsersAction)
            assert action.help or is_commands, f"{prog}: {action.option_strings or action.dest}"
        # A stray % in a help text fails only here.
        assert command.format_help()


def test_help_fits_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    parser = new_parser(list(COMMANDS))
    for prog, command in [("aragora-sql", parser), *commands(parser)]:
        too_long = [line for line in command.format_help().splitlines() if len(line) > 80]
        assert too_long == [], prog


def test_what_the_readme_shows_fits_on_a_narrow_terminal() -> None:
    text = (packaged_sql_dir().parent / "README.md").read_text(encoding="utf-8")
    # Every second part stands between fences.
    shown = "\n".join(text.split("```")[1::2])
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def examples() -> list[list[str]]:
    """The commands that help texts show, each on a line of its own."""
    parser = new_parser(list(COMMANDS))
    return [
        shlex.split(line)
        for _, command in [("", parser), *commands(parser)]
        for line in (command.epilog or "").splitlines()
        if line.startswith("  aragora-sql ")
    ]


def test_the_examples_of_help_texts_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order of the help text, as a newcomer with an empty folder would type them."""
    monkeypatch.chdir(tmp_path)
    given = examples()
    assert len(given) > 10
    with closing(sqlite3.connect("memory.db")) as connection:
        connection.executescript(read_sql(sql_dir() / "legacy" / "samples" / "memory.sql"))
    for _, *words in given:
        # What takes a server or minutes, or writes to this checkout, is only parsed here; other
        # tests run it.
        if words[0] in {
            "migrate",
            "check",
            "column",
            "top",
            "demo",
            "docs",
            "doctor",
            "stubs",
            "queries",
            "show",
            "serve",
        } or words[:2] in (
            ["schema", "release-before"],
            ["schema", "new-upgrade"],
            ["schema", "partition"],
        ):
            parse(parser_for(words), words)
        else:
            assert main(words) == 0, (words, capsys.readouterr().err)


def refused(*words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["chek"], "invalid choice: 'chek' .*; did you mean 'check'?"),
        (["migrat", "--sqlite-path", "x"], "; did you mean 'migrate'?"),
        (["schema", "verfy"], "invalid choice: 'verfy' .*; did you mean 'verify'?"),
        (["jobs", "list", "--status", "pendng"], "; did you mean 'pending'?"),
        (["schema", "apply", "--sqlite-pth", "x"], "--sqlite-pth x; did you mean '--sqlite-path'?"),
        (["jobs", "list", "--limt=3"], "; did you mean '--limit'?"),
    ],
)
def test_a_mistyped_word_names_what_is_near(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(*words)
    last = capsys.readouterr().err.splitlines()[-1]
    before, _, after = hint.partition(" .*")
    assert before in last
    assert last.endswith(after or before)


@pytest.mark.parametrize("words", [[], ["jobs"], ["schema"]], ids=" ".join)
def test_a_missing_command_says_where_they_are_listed(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(*words)
    assert capsys.readouterr().err.endswith(
        f"required: command; {' '.join(['aragora-sql', *words])} --help lists them\n"
    )


def test_a_word_that_is_near_nothing_is_only_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["xyzzy"], ["schema", "xyzzy"], ["top", "--xyzzy"], ["top", "xyzzy"]):
        refused(*words)
        said = capsys.readouterr().err
        assert "xyzzy" in said
        assert "did you mean" not in said


def test_an_unknown_option_shows_the_usage_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused("jobs", "purge", "--older-than", "1d", "--statu", "failed", "--dry")
    assert "usage: aragora-sql jobs purge" in capsys.readouterr().err


# Exit codes


def test_the_table_of_exit_codes_in_the_docs_is_this_one() -> None:
    text = (packaged_sql_dir().parent / "docs" / "dba.md").read_text(encoding="utf-8")
    section = text.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {
        int(code): said
        for code, said in re.findall(r"^\| (\d+) \| (.*) \|$", section, re.MULTILINE)
    }
    assert documented.keys() == MEANINGS.keys()
    for code, meaning in MEANINGS.items():
        assert documented[code].replace("`", "").startswith(meaning)


def test_every_error_has_one_exit_code() -> None:
    """What an error means does not depend on the command."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    codes = {kind: code_of(kind.__new__(kind)) for kind in kinds}
    assert set(codes.values()) == {DIFFERENT, USAGE, REFUSED, UNREACHABLE}
    found = {kind.__name__ for kind, code in codes.items() if code == UNREACHABLE}
    assert found == {"DatabaseUnavailableError", "SecretStoreUnavailableError"}
    assert LEFT_BEHIND not in codes.values()


# What the commands need besides the database.
NEEDED = {
    "backup": ["copy.db"],
    "column add": ["critique", "debates", "language", "text"],
    "findings show": ["f"],
    "findings history": ["f"],
    "elo explain": ["a"],
    "privacy export": ["--user", "a"],
    "privacy erase": ["--user", "a"],
    "audit prove": ["e"],
    "schema new-upgrade": ["jobs", "finds_jobs"],
    "schema release-before": [str(sql_dir())],
    "jobs show": ["j"],
    "jobs retry": ["j"],
    "jobs cancel": ["j"],
    "jobs enqueue": ["t"],
    "jobs limit": ["t", "1"],
    "jobs pause": ["t"],
    "jobs resume": ["t"],
    "jobs schedule": ["n", "0 0 * * *", "t"],
    "jobs unschedule": ["n"],
    "jobs purge": ["--older-than", "1d"],
    "jobs purge-history": ["--older-than", "1d"],
    "jobs work": ["--handler", "t=builtins:print"],
    "langgraph expire": ["--older-than", "1d"],
    "show": ["critique.get_debate"],
    "run": ["critique.get_debate", "-p", "debate_id=d"],
    "explain": ["critique.get_debate", "-p", "debate_id=d"],
}


def with_option(option: str) -> list[list[str]]:
    """Every command that has this option, with what it needs besides."""
    words = []
    for prog, command in commands(new_parser(list(COMMANDS))):
        name = prog.removeprefix("aragora-sql ")
        if any(option in action.option_strings for action in command._actions):
            words.append([*name.split(), *NEEDED.get(name, ())])
    return words


# The migration needs a source: its options have a test of their own. A release is compared with
# another one: of the same tree nothing has to be asked.
WITH_DSN = [
    words
    for words in with_option("--dsn")
    if words != ["migrate"] and words[:2] != ["schema", "release-before"]
]


@pytest.mark.parametrize("words", WITH_DSN, ids=" ".join)
def test_a_server_that_cannot_be_reached_has_an_exit_code_of_its_own(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] in {"docs", "stubs"}:
        words = [*words, "--output", str(tmp_path)]
    if words[0] == "check":
        words = [*words, "--skip", "style"]
    assert main([*words, "--dsn", NOWHERE]) == UNREACHABLE
    assert "postgresql://u@127.0.0.1:1/d" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--postgres-dsn", "--dsn"])
def test_a_target_that_cannot_be_reached_has_the_same_exit_code(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ["migrate"] in with_option(option)
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(read_sql(sql_dir() / "legacy" / "samples" / "memory.sql"))
    words = ["migrate", "--sqlite-path", str(path), "--source-timezone", "UTC"]
    assert main([*words, option, NOWHERE]) == UNREACHABLE
    assert "cannot connect to postgresql://u@127.0.0.1:1/d" in capsys.readouterr().err


# What restore makes need not be there.
READING = [words for words in with_option("--sqlite-path") if words[0] != "restore"]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_file_that_is_not_there_is_exit_code_2(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if words in (["schema", "apply"], ["jobs", "work", *NEEDED["jobs work"]]):
        pytest.skip("it makes the file")
    path = tmp_path / "none" / "x.db"
    target = ["--postgres-dsn", NOWHERE] if words == ["migrate"] else []
    assert main([*words, *target, "--sqlite-path", str(path)]) == USAGE
    assert str(path) in capsys.readouterr().err
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "show", "unheard"],
        ["jobs", "cancel", "unheard"],
        ["jobs", "retry", "unheard"],
        ["findings", "show", "unheard"],
        ["findings", "history", "unheard"],
        ["elo", "recompute", "--from-match", "unheard"],
    ],
)
def test_what_is_not_in_the_database_is_exit_code_1(
    words: list[str], location: str | Path, capsys: pytest.CaptureFixture[str]
) -> None:
    option = "--sqlite-path" if isinstance(location, Path) else "--dsn"
    target = [option, str(location)]
    assert main(["schema", "apply", *target]) == 0
    capsys.readouterr()
    assert main([*words, *target]) == 1
    assert "'unheard'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["queries", "unheard"],
        ["show", "consensus.unheard"],
        ["run", "consensus.unheard", "--sqlite-path", "x.db"],
        ["schema", "verify", "--sqlite-path", ":memory:", "--store", "unheard"],
        ["migrate", "--sqlite-path", "unheard.db", "--postgres-dsn", NOWHERE],
        ["check", "unheard.sql"],
        ["stubs", "--sql-dir", "unheard"],
    ],
)
def test_what_is_named_in_the_arguments_and_not_there_is_exit_code_2(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if ":memory:" in words:
        assert main(["schema", "apply", "--sqlite-path", "x.db"]) == 0
        words = ["x.db" if word == ":memory:" else word for word in words]
    assert main(words) == 2
    assert "unheard" in capsys.readouterr().err


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_script_for_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in (name for names in COMMANDS.values() for name in names):
        assert name in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not on the PATH")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["sch"], {"schema"}),
        (["schema", "ver"], {"verify"}),
        (["jobs", "list", "--stat"], {"--status"}),
        (["jobs", "list", "--status", "pen"], {"pending"}),
    ],
)
def test_bash_completes(words: list[str], wanted: set[str]) -> None:
    script = subprocess.run(
        [sys.executable, "-m", "aragora_sql", "completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    line = " ".join(f'"{word}"' for word in ["aragora-sql", *words])
    program = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}\n"
        f'_shtab_aragora_sql aragora-sql "{words[-1]}" ""\n'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert {word.strip() for word in done.stdout.split()} == wanted


def test_completion_without_its_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install 'aragora-sql[completion]'" in capsys.readouterr().err
