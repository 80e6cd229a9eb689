"""The tree as it was: another folder, or the same folder in a revision that git knows."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aragora_sql.engines.children import child_environment
from aragora_sql.errors import ConfigurationError
from aragora_sql.queries.files import check_tree

__all__ = ["committed_tree", "earlier_tree"]

_SECONDS = 60


@contextmanager
def earlier_tree(root: Path, since: str) -> Iterator[Path]:
    """Give the folder of a tree: ``since`` is one, or a revision in which ``root`` is taken.

    Raises :class:`ConfigurationError` when it is neither.
    """
    folder = Path(since).expanduser()
    if folder.is_dir():
        check_tree(folder.absolute(), "--since")
        yield folder.absolute()
        return
    place = _place_in_git(root)
    if place is None:
        raise ConfigurationError(
            f"--since: {since!r} is no folder, and {root} is in no git repository that could know "
            "it as a revision"
        )
    wanted = f"{since}^{{commit}}"
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    if commit is None:
        raise ConfigurationError(
            f"--since: {since!r} is neither a folder nor a revision of the git repository of {root}"
        )
    with tempfile.TemporaryDirectory(prefix="aragora-since-") as made:
        tree = _extract(root, commit.decode().strip(), place, Path(made))
        if tree is None:
            raise ConfigurationError(f"--since: {since!r} has no folder {place}")
        check_tree(tree, f"--since {since}: {place}")
        yield tree


@contextmanager
def committed_tree(root: Path) -> Iterator[Path | None]:
    """Give the tree of the last commit; None where git, or a commit with the tree, is not there."""
    place = _place_in_git(root)
    if place is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="aragora-since-") as made:
        yield _extract(root, "HEAD", place, Path(made))


def _place_in_git(root: Path) -> str | None:
    """Return where a folder is in its repository; None in none, or where git is not installed."""
    prefix = _git(root, "rev-parse", "--show-prefix")
    if prefix is None:
        return None
    return prefix.decode().strip().removesuffix("/") or "."


def _extract(root: Path, commit: str, place: str, folder: Path) -> Path | None:
    """Write the files of a folder in a commit below ``folder``; None when it has no such folder."""
    # Relative to the top: a work tree's own folder is where git would start.
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None:
        return None
    packed = _git(Path(top.decode().strip()), "archive", "--format=tar", commit, "--", place)
    if packed is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    tree = folder / place
    return tree if tree.is_dir() else None


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git says, or None when it fails or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603 - git itself, with arguments that are no options
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the one of the PATH
            capture_output=True,
            check=False,
            env=child_environment(),
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
