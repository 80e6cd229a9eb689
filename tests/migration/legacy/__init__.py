"""Files as the older Aragora left them, written without this project's stores.

All rows are made from seeds, so a file has the same rows in every run. Rows are good ones unless
:mod:`~tests.migration.legacy.bad_rows` made them, except that some are orphans, as everywhere: the
older program never enforced a foreign key.
"""

from tests.migration.legacy.bad_rows import (
    AMBIGUOUS,
    BAD_ROWS,
    HUGE,
    HUGE_TEXT_CHARACTERS,
    SKIPPED,
    SOURCE_ZONE,
    BadRow,
    Outcome,
    good_parents,
    key_column,
    raw_text,
    write_bad_rows,
)
from tests.migration.legacy.broken import write_broken_files
from tests.migration.legacy.consensus import (
    CONSENSUS_SHAPES,
    ConsensusShape,
    make_consensus,
    write_consensus,
)
from tests.migration.legacy.critique import (
    CRITIQUE_SHAPES,
    CritiqueShape,
    make_critique,
    write_critique,
)
from tests.migration.legacy.folders import DataDir, add_unmerged, write_data_dir, write_memory_db
from tests.migration.legacy.values import Row, Sql, Tables

__all__ = [
    "AMBIGUOUS",
    "BAD_ROWS",
    "CONSENSUS_SHAPES",
    "CRITIQUE_SHAPES",
    "HUGE",
    "HUGE_TEXT_CHARACTERS",
    "SKIPPED",
    "SOURCE_ZONE",
    "BadRow",
    "ConsensusShape",
    "CritiqueShape",
    "DataDir",
    "Outcome",
    "Row",
    "Sql",
    "Tables",
    "add_unmerged",
    "good_parents",
    "key_column",
    "make_consensus",
    "make_critique",
    "raw_text",
    "write_bad_rows",
    "write_broken_files",
    "write_consensus",
    "write_critique",
    "write_data_dir",
    "write_memory_db",
]
