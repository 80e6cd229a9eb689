"""Entries as JSON, lines of JSON, or CSV, piece by piece."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime

from aragora_sql.database.values import format_timestamp, utc_now
from aragora_sql.stores.audit.records import AuditEntry

__all__ = ["as_csv", "as_json", "as_lines"]

Pages = AsyncIterator[list[AuditEntry]]


async def as_json(
    pages: Pages, chain: str, start_time: datetime, end_time: datetime
) -> AsyncIterator[str]:
    """Give one JSON document; the number of entries stands behind them."""
    head = {
        "chain": chain,
        "export_time": format_timestamp(utc_now()),
        "start_time": format_timestamp(start_time),
        "end_time": format_timestamp(end_time),
    }
    yield json.dumps(head)[:-1] + ', "entries": ['
    count = 0
    async for page in pages:
        pieces = [json.dumps(entry.to_dict()) for entry in page]
        yield (",\n" if count else "\n") + ",\n".join(pieces)
        count += len(page)
    yield f'\n], "entry_count": {count}}}\n'


async def as_lines(pages: Pages) -> AsyncIterator[str]:
    """Give a line of JSON for each entry."""
    async for page in pages:
        yield "".join(f"{json.dumps(entry.to_dict())}\n" for entry in page)


async def as_csv(pages: Pages) -> AsyncIterator[str]:
    """Give a line of CSV for each entry, below the names; NULL and empty text look the same."""
    names = list(AuditEntry.__dataclass_fields__)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["details" if name == "details_text" else name for name in names])
    yield text.getvalue()
    async for page in pages:
        text.seek(0)
        text.truncate()
        for entry in page:
            values = {**entry, "timestamp": format_timestamp(entry.timestamp)}
            writer.writerow([values[name] for name in names])
        yield text.getvalue()
