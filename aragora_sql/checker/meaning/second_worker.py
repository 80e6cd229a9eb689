"""What the second process of a comparison runs: reads its share, writes what it found."""

from __future__ import annotations

import asyncio
import pickle
import sys
from typing import Any

from aragora_sql.checker.meaning import compare_pairs, query_pairs
from aragora_sql.checker.meaning.second_process import Found, Share
from aragora_sql.queries.parameters import remembered_tokens

__all__ = ["main"]


def main() -> None:
    """Answer one request of :class:`~aragora_sql.checker.meaning.second_process.SecondProcess`."""
    share: Share = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own process
    wanted = set(share.keys)
    pairs = [pair for pair in query_pairs(share.facts) if pair.key in wanted]
    saved: dict[str, Any] = {}
    kept = dict(share.kept)
    with remembered_tokens():
        asyncio.run(
            compare_pairs(share.facts, share.place, pairs, saved, kept, update=share.update)
        )
    # The tables are told by the process that asks.
    saved.pop("tables")
    ours = {pair.place: kept[pair.place] for pair in pairs if pair.place in kept}
    pickle.dump(Found(saved, ours), sys.stdout.buffer)


if __name__ == "__main__":
    main()
