"""The checks of a SQLite file, each on one where something is wrong."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.doctor import CHECKS, Limits, files
from aragora_sql.doctor.files import (
    check_file_rights,
    check_file_system,
    check_free_space,
    check_journal_mode,
)
from aragora_sql.stores.federation import FederatedRegion, FederationStore
from aragora_sql.stores.gmail import GmailState, GmailTokenStore
from aragora_sql.stores.integrations.records import IntegrationConfig, IntegrationType
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.notifications import NotificationStore, TelegramConfig
from aragora_sql.stores.users import UserStore
from aragora_sql.stores.webhooks import WebhookStore
from tests.doctor.conftest import look, of, only
from tests.stores.samples import KEY, KEYRING, OTHER_KEY

OF_FILES = {"journal-mode", "file-system", "file-rights", "free-space", "integrity"}
OF_BOTH = {
    *("variables", "files", "connection", "server-version", "schema-version", "schema-drift"),
    *("table-bloat", "encryption-key"),
}
MOUNT = "36 35 98:0 / {point} rw,noatime shared:1 - {kind} source rw\n"


@pytest.fixture
def path(tmp_path: Path, template_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with all stores, in WAL mode, in a folder of a local disk."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNT.format(point="/", kind="ext4"))
    monkeypatch.setattr(files.check_file_system, "__defaults__", (mounts,))
    copy = tmp_path / "aragora.db"
    copy.write_bytes(template_file.read_bytes())
    run_on(copy, "PRAGMA journal_mode = WAL")
    return copy


def run_on(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


async def test_where_all_is_well_every_check_says_so(path: Path) -> None:
    findings = await look(path, integrity=True, limits=Limits(free_bytes_warning=0))
    assert {one.check for one in findings} == OF_FILES | OF_BOTH <= CHECKS.keys()
    assert [one for one in findings if one.severity != "ok"] == []
    assert only(findings, "integrity").seen == "the whole file was read, and nothing is damaged"
    assert "--integrity" in only(await look(path), "integrity").seen
    # Nothing was left beside it.
    assert {one.name for one in path.parent.iterdir()} == {"aragora.db", "mounts"}


async def test_a_file_that_is_not_there_is_a_finding_and_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none" / "aragora.db"
    found = only(await look(path), "connection")
    assert (found.severity, found.kind) == ("error", "configuration")
    assert str(path) in found.seen
    assert not path.parent.exists()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    path.write_bytes(b"not a database, whatever its name says" * 100)
    findings = await look(path)
    assert only(findings, "journal-mode").severity == "error"
    assert (only(findings, "connection").severity, only(findings, "connection").kind) == (
        "error",
        "connection",
    )


async def test_journal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO agent_reputation (agent_name) VALUES ('a')")
        connection.commit()
        (found,) = check_journal_mode(path, Limits(log_bytes=1))
        assert (found.severity, "a reader that never ends" in found.seen) == ("warning", True)
    run_on(path, "PRAGMA journal_mode = DELETE")
    found = only(await look(path), "journal-mode")
    assert (found.severity, "rollback journal" in found.seen) == ("warning", True)
    empty = path.with_name("empty.db")
    empty.touch()
    assert check_journal_mode(empty, Limits())[0].severity == "ok"


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("ext4", "ok"),
        ("nfs4", "error"),
        ("cifs", "error"),
        ("fuse.sshfs", "error"),
        ("9p", "warning"),
        ("tmpfs", "warning"),
    ],
)
def test_the_kind_of_a_file_system(tmp_path: Path, kind: str, severity: str) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    point = str(folder.resolve()).replace(" ", "\\040")
    mounts = tmp_path / "mounts"
    mounts.write_text(
        MOUNT.format(point="/", kind="xfs")
        + MOUNT.format(point=point, kind=kind)
        + MOUNT.format(point=f"{point}-other", kind="ceph")
    )
    (found,) = check_file_system(folder / "aragora.db", mounts)
    assert (found.severity, kind in found.seen) == (severity, True)
    assert check_file_system(tmp_path / "aragora.db", mounts)[0].seen == "xfs"
    (found,) = check_file_system(folder / "aragora.db", tmp_path / "no list here")
    assert (found.severity, "not known" in found.seen) == ("ok", True)


def test_rights_of_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.chmod(0o666)
    (found,) = check_file_rights(path)
    assert (found.severity, found.action) == ("error", f"chmod o-w {path}")
    path.chmod(0o600)
    assert check_file_rights(path)[0].seen == "mode 600, can be written"
    # Nobody forbids anything to root, under whom tests may run.
    monkeypatch.setattr(os, "access", lambda *_: False)
    (found,) = check_file_rights(path)
    assert (found.severity, "may not write the file" in found.seen) == ("error", True)


def test_free_space(path: Path) -> None:
    def severity(limits: Limits) -> str:
        return check_free_space(path, limits)[0].severity

    assert severity(Limits(free_bytes_warning=0, free_bytes_error=0)) == "ok"
    assert severity(Limits(free_bytes_warning=1 << 60)) == "warning"
    assert severity(Limits(free_bytes_error=1 << 60)) == "error"


async def test_damage_is_found_on_request(path: Path) -> None:
    run_on(
        path,
        "CREATE TABLE filler (a TEXT); CREATE INDEX filler_a ON filler (a);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
        "INSERT INTO filler SELECT printf('%0100d', i) FROM n",
    )
    with path.open("r+b") as file:
        whole = file.read()
        at = whole.rindex(b"%0100d" % 300)
        file.seek(at)
        file.write(b"x" * 50)
    assert only(await look(path), "integrity").severity == "ok"
    found = only(await look(path, integrity=True), "integrity")
    assert found.severity == "error"
    assert "filler_a" in found.seen


async def test_rows_that_refer_to_nothing(path: Path) -> None:
    run_on(
        path,
        "PRAGMA foreign_keys = OFF;"
        "INSERT INTO critiques (debate_id, agent) VALUES ('nowhere', 'a')",
    )
    found = only(await look(path, integrity=True), "integrity")
    assert (found.severity, found.seen) == (
        "error",
        "rows that refer to rows that are not there: 1",
    )


async def test_free_pages(path: Path) -> None:
    run_on(
        path,
        "CREATE TABLE filler (a); INSERT INTO filler VALUES (zeroblob(2000000));DROP TABLE filler",
    )
    found = only(await look(path, limits=Limits(free_pages_bytes=1 << 20)), "table-bloat")
    assert (found.severity, found.seen.endswith("are free pages")) == ("warning", True)
    assert only(await look(path), "table-bloat").severity == "ok"


async def test_schema_versions_and_drift(path: Path) -> None:
    run_on(
        path,
        "UPDATE _schema_versions SET version = 99 WHERE module = 'jobs';"
        "DROP INDEX idx_consensus_created",
    )
    findings = await look(path)
    assert of(findings, "schema-version")[0][0] == "error"
    assert only(findings, "schema-drift").seen.startswith("missing index idx_consensus_created")


async def test_the_key_of_stored_secrets(database: Database, location: str | Path) -> None:
    """On both engines."""

    async def key(env: dict[str, str]) -> tuple[str, str]:
        found = only(await look(location, env), "encryption-key")
        assert "xoxb" not in str(found)
        return found.severity, found.seen

    store = IntegrationStore(database, KEYRING)
    await store.initialize()
    assert await key({}) == ("ok", "there is no key, and no secret that needs one")
    settings = {"channel": "#general", "bot_token": "xoxb-very-secret"}
    await store.save(
        IntegrationConfig(integration_type=IntegrationType.SLACK, user_id="u1", settings=settings)
    )
    assert await key({}) == (
        "error",
        "ARAGORA_ENCRYPTION_KEY is not set, and secrets of 1 integration are stored",
    )
    assert await key({"ARAGORA_ENCRYPTION_KEY": KEY.hex()}) == (
        "ok",
        "there is a key, and it opens the secrets of 1 integration",
    )
    other = {"ARAGORA_ENCRYPTION_KEY": OTHER_KEY.hex()}
    assert await key(other) == (
        "error",
        "no key opens the secrets of slack of u1 (1 of 1 integration)",
    )
    assert (await key({**other, "ARAGORA_ENCRYPTION_KEYS_OLD": KEY.hex()}))[0] == "ok"
    severity, seen = await key({"ARAGORA_ENCRYPTION_KEY": "geheim-5"})
    assert (severity, "not a key" in seen, "geheim" in seen) == ("error", True, False)


async def test_the_key_of_federated_regions(database: Database, location: str | Path) -> None:
    """On both engines."""
    federation = FederationStore(database, KEYRING)
    await federation.initialize()
    region = FederatedRegion(region_id="berlin", endpoint_url="u", api_key="JBSWY3DPEHPK3PXP")
    await federation.save(region)

    async def key(env: dict[str, str]) -> list[tuple[str, str]]:
        found = of(await look(location, env), "encryption-key")
        assert "JBSWY3" not in str(found)
        return [entry[:2] for entry in found]

    assert (await key({}))[0] == (
        "error",
        "ARAGORA_ENCRYPTION_KEY is not set, and keys of federated regions are stored "
        "(1 of 1 federated regions)",
    )
    assert (await key({"ARAGORA_ENCRYPTION_KEY": OTHER_KEY.hex()}))[0] == (
        "error",
        "no key opens the keys of federated regions: berlin (1 of 1 federated regions)",
    )
    assert [one[0] for one in await key({"ARAGORA_ENCRYPTION_KEY": KEY.hex()})] == ["ok"]


async def test_the_key_of_second_factors(database: Database, location: str | Path) -> None:
    """On both engines."""
    users = UserStore(database, KEYRING)
    await users.initialize()
    ada = await users.create_user("ada@example.com", "x")
    await users.update_user(ada.id, mfa_secret="JBSWY3DPEHPK3PXP")  # noqa: S106

    async def key(env: dict[str, str]) -> list[tuple[str, str]]:
        found = of(await look(location, env), "encryption-key")
        assert "JBSWY3" not in str(found)
        return [entry[:2] for entry in found]

    assert (await key({}))[0] == (
        "error",
        "ARAGORA_ENCRYPTION_KEY is not set, and secrets of second factors are stored "
        "(1 of 1 users with a second factor)",
    )
    assert (await key({"ARAGORA_ENCRYPTION_KEY": OTHER_KEY.hex()}))[0] == (
        "error",
        f"no key opens the secrets of second factors: {ada.id} (1 of 1 users with a second factor)",
    )
    assert [one[0] for one in await key({"ARAGORA_ENCRYPTION_KEY": KEY.hex()})] == ["ok"]


async def test_the_key_of_mailboxes_and_notifications(
    database: Database, location: str | Path
) -> None:
    """On both engines."""
    gmail, notifications = GmailTokenStore(database, KEYRING), NotificationStore(database, KEYRING)
    await gmail.initialize()
    await notifications.initialize()
    await gmail.save(GmailState(user_id="ann", refresh_token="1//secret"))  # noqa: S106
    await notifications.save_telegram_config(
        TelegramConfig(org_id="acme", bot_token="1//secret")  # noqa: S106
    )

    async def key(env: dict[str, str]) -> list[tuple[str, str]]:
        found = of(await look(location, env), "encryption-key")
        assert "1//secret" not in str(found)
        return [entry[:2] for entry in found]

    unset = "ARAGORA_ENCRYPTION_KEY is not set, and"
    assert (await key({}))[:2] == [
        ("error", f"{unset} tokens of mailboxes are stored (1 of 1 mailboxes)"),
        (
            "error",
            f"{unset} settings of notifications are stored (1 of 1 settings of notifications)",
        ),
    ]
    lost = "no key opens the settings of notifications"
    assert (await key({"ARAGORA_ENCRYPTION_KEY": OTHER_KEY.hex()}))[:2] == [
        ("error", "no key opens the tokens of mailboxes: ann (1 of 1 mailboxes)"),
        ("error", f"{lost}: acme (1 of 1 settings of notifications)"),
    ]


async def test_the_key_of_webhooks(database: Database, location: str | Path) -> None:
    """On both engines."""
    webhooks = WebhookStore(database, KEYRING)
    await webhooks.initialize()
    webhook = await webhooks.register("https://example.com", ["vote"])

    async def key(env: dict[str, str]) -> list[tuple[str, str]]:
        found = of(await look(location, env), "encryption-key")
        assert webhook.secret not in str(found)
        return [entry[:2] for entry in found]

    assert (await key({}))[0] == (
        "error",
        "ARAGORA_ENCRYPTION_KEY is not set, and secrets of webhooks are stored (1 of 1 webhooks)",
    )
    assert (await key({"ARAGORA_ENCRYPTION_KEY": OTHER_KEY.hex()}))[0] == (
        "error",
        f"no key opens the secrets of webhooks: {webhook.id} (1 of 1 webhooks)",
    )
    assert [one[0] for one in await key({"ARAGORA_ENCRYPTION_KEY": KEY.hex()})] == ["ok"]
