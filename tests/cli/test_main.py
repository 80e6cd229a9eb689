"""Which module a command is in."""

from __future__ import annotations

import argparse
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

from aragora_sql import cli


@pytest.mark.parametrize("module", cli.COMMANDS)
def test_a_module_adds_the_commands_that_it_is_imported_for(module: str) -> None:
    groups = argparse.ArgumentParser().add_subparsers()
    import_module(f"aragora_sql.cli.{module}").add_commands(groups)
    assert tuple(groups.choices) == cli.COMMANDS[module]


def test_no_module_with_commands_is_forgotten() -> None:
    modules = {
        found.name
        for found in pkgutil.iter_modules(cli.__path__)
        if hasattr(import_module(f"aragora_sql.cli.{found.name}"), "add_commands")
    }
    assert modules == set(cli.COMMANDS)


def test_the_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    words = capsys.readouterr().out.split()
    assert {name for names in cli.COMMANDS.values() for name in names} <= set(words)


@pytest.mark.parametrize(
    "arguments",
    [
        ["schema", "show", "--dialect", "postgres"],
        ["schema", "show", "--dialect", "sqlite"],
        ["--help"],
    ],
)
@pytest.mark.parametrize("reads", [0, 1])
def test_a_reader_that_closes_the_pipe_ends_a_command_quietly(
    arguments: list[str], reads: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "aragora_sql", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(reads):
            process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) in (0, 141)
