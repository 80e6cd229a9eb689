"""Creates, upgrades, prints, verifies and repairs schemas from the files under ``sql/``.

``files`` and ``upgrades`` read the files, ``applying`` creates and upgrades, ``catalog`` describes
a database, ``verifying`` compares it with the files, ``repairing`` writes and runs the statements
that repair it, and ``rights`` says what a role lacks. The table ``_schema_versions`` says which
version of each store a database has.
"""

from __future__ import annotations

from aragora_sql.schema.applying import (
    SchemaPlan,
    apply_schema,
    initialize_store,
    plan_schema,
)
from aragora_sql.schema.catalog import CatalogKey, describe_catalog
from aragora_sql.schema.files import (
    VERSIONS,
    VERSIONS_TABLE,
    check_versions,
    for_temporary_tables,
    latest_version,
    list_stores,
    render_schema,
    store_names,
    table_names,
)
from aragora_sql.schema.repairing import Repair, plan_repair, repair_schema
from aragora_sql.schema.steps import Report
from aragora_sql.schema.upgrades import UpgradeFile, read_upgrade
from aragora_sql.schema.verifying import Difference, Inspection, inspect_schema, verify_schema

__all__ = [
    "VERSIONS",
    "VERSIONS_TABLE",
    "CatalogKey",
    "Difference",
    "Inspection",
    "Repair",
    "Report",
    "SchemaPlan",
    "UpgradeFile",
    "apply_schema",
    "check_versions",
    "describe_catalog",
    "for_temporary_tables",
    "initialize_store",
    "inspect_schema",
    "latest_version",
    "list_stores",
    "plan_repair",
    "plan_schema",
    "read_upgrade",
    "render_schema",
    "repair_schema",
    "store_names",
    "table_names",
    "verify_schema",
]
