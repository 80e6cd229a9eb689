"""What is stored of a person: exported, and erased, on each engine."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import IntegrityError, InvalidInputError
from aragora_sql.privacy import erase_user, export_user
from aragora_sql.queries.files import sql_dir
from aragora_sql.schema import read_markers
from aragora_sql.schema.markers import MARKERS, markers_of, members_of, without_markers
from aragora_sql.stores.audit import AuditStore
from aragora_sql.stores.consensus import ConsensusMemory
from aragora_sql.stores.gauntlet import GauntletStore
from aragora_sql.stores.governance import GovernanceStore
from aragora_sql.stores.integrations import IntegrationConfig, IntegrationStore, UserIdMapping
from aragora_sql.stores.jobs import JobQueueStore
from aragora_sql.stores.knowledge import KnowledgeMound
from aragora_sql.stores.sessions import SessionStore
from aragora_sql.stores.sharing import SharingStore
from aragora_sql.stores.users import UserStore
from aragora_sql.stores.workflow import FindingWorkflowStore
from aragora_sql.stores.workflow_definitions import WorkflowStore
from tests.stores.conftest import location, template_database, template_file
from tests.stores.governance.cases import request, save
from tests.stores.samples import KEYRING, TABLES, fetch, fetch_value, row_counts
from tests.stores.workflow_definitions.cases import a_workflow

__all__ = ["location", "template_database", "template_file"]

TABLES_OF_USERS = [
    table for table in read_markers() if table.marked("user") or table.marked("address")
]


async def fill(database: Database) -> None:
    """Store something of ann and of ben in each store that knows users."""
    governance, requests = GovernanceStore(database), GovernanceStore(database).requests
    integrations = IntegrationStore(database, KEYRING)
    jobs, findings = JobQueueStore(database), FindingWorkflowStore(database)
    memory = ConsensusMemory(database)
    for user in ("ann", "ben"):
        other = "ben" if user == "ann" else "ann"
        await save(governance, f"of {user}", requested_by=user, required_approvals=2)
        await governance.vote(f"of {user}", "ann", True, "because I like it")
        await governance.vote(f"of {user}", "ben", True, "fine")
        await governance.save_verification(f"by {user}", "c", "", {}, verified_by=user)
        await governance.create_rollback_point("p", rollback_id=f"by {user}", created_by=user)
        await requests.save(request(f"of {user}", requester_id=user))
        await requests.respond(f"of {user}", "approved", other, {"note": f"from {other}"})
        await integrations.save(
            IntegrationConfig(
                integration_type="slack",
                user_id=user,
                settings={"bot_token": "xoxb-secret", "channel": f"#{user}"},
            )
        )
        await integrations.save_user_mapping(
            UserIdMapping(
                email=f"{user}@example.com", platform="slack", platform_user_id="U", user_id=user
            )
        )
        await memory.record_vote("debate", user, "yes", source=f"dm of {user}@example.com")
        await jobs.enqueue("mail", {"to": f"{user}@example.com"}, user_id=user)
        await findings.create(f"of {user}", assigned_to=user, assigned_by=other)
        await findings.add_comment(
            f"of {user}", f"{user} was here", user_id=user, user_name=user.title()
        )


async def content(database: Database) -> str:
    """Return everything that the database holds, as text."""
    rows: list[Any] = []
    for table in TABLES:
        rows += [list(row.values()) for row in await fetch(database, f"SELECT * FROM {table}")]
    return str(rows)


async def test_export_user_gives_what_is_marked_and_keys(database: Database) -> None:
    await fill(database)
    data = (await export_user(database, "ann")).to_dict()
    text = json.dumps(data)
    assert data["user_id"] == "ann"
    tables = {one["table"]: one["rows"] for one in data["tables"]}
    assert tables["user_id_mappings"] == [
        {
            "user_id": "ann",
            "platform": "slack",
            "email": "ann@example.com",
            "platform_user_id": "U",
            "display_name": None,
        }
    ]
    (integration,) = tables["integrations"]
    assert integration["settings"]["channel"] == "#ann"
    assert "xoxb" not in text
    assert "AQZtYXN0ZXI" not in text
    (job,) = tables["job_queue"]
    assert job["payload"] == {"to": "ann@example.com"}
    assert {vote["reason"] for vote in tables["governance_votes"]} == {"because I like it"}
    assert [one["verification_id"] for one in tables["verification_records"]] == ["by ann"]
    assert "ben@example.com" not in text
    assert (await export_user(database, "nobody")).to_dict() == {"user_id": "nobody", "tables": []}


async def test_both_engines_export_the_same(database: Database) -> None:
    await GovernanceStore(database).requests.save(
        request("q", requester_id="ann", expires_at="2027-01-05T10:00:00.123456+00:00")
    )
    await FindingWorkflowStore(database).create("f", assigned_to="ann")
    assert (await export_user(database, "ann")).to_dict()["tables"] == [
        {
            "store": "workflow",
            "table": "finding_workflows",
            "rows": [{"finding_id": "f", "assigned_to": "ann", "assigned_by": None}],
        },
        {
            "store": "governance",
            "table": "approval_requests",
            "rows": [
                {
                    "request_id": "q",
                    "response_data": None,
                    "requester_id": "ann",
                    "responder_id": None,
                }
            ],
        },
    ]


async def test_erase_user_leaves_nothing_personal_and_the_rest_as_it_is(
    database: Database,
) -> None:
    await fill(database)
    before = await row_counts(database)
    erasure = await erase_user(database, "ann")
    done = {one.table: (one.action, one.rows) for one in erasure.tables if one.rows}
    assert done == {
        "debate_votes": ("emptied", 1),
        "job_queue": ("emptied", 1),
        "finding_workflows": ("emptied", 2),
        "finding_history": ("emptied", 1),
        "integrations": ("deleted", 1),
        "user_id_mappings": ("deleted", 1),
        "governance_approvals": ("emptied", 1),
        "governance_votes": ("emptied", 2),
        "verification_records": ("emptied", 1),
        "rollback_points": ("emptied", 1),
        "approval_requests": ("emptied", 2),
    }
    left = await content(database)
    for personal in ("ann@example.com", "because I like it", "ann was here", "'Ann'", "'ann'"):
        assert personal not in left, personal
    for others in ("ben@example.com", "'ben'", "'Ben'", "ben was here", "fine"):
        assert others in left, others
    after = await row_counts(database)
    gone = {table: count - after.get(table, 0) for table, count in before.items()}
    assert {t: n for t, n in gone.items() if n} == {"integrations": 1, "user_id_mappings": 1}
    # The votes still count, as somebody's.
    votes = await GovernanceStore(database).list_votes("of ben")
    assert {vote.voter_id for vote in votes} == {"ben", erasure.pseudonym}
    assert re.fullmatch(r"erased-[0-9a-f]{32}", erasure.pseudonym)
    approval = await GovernanceStore(database).get_approval("of ben")
    assert approval is not None
    assert (approval.status, approval.approve_votes) == ("approved", 2)
    assert (await export_user(database, "ann")).tables == []
    again = await erase_user(database, "ann")
    assert sum(one.rows for one in again.tables) == 0
    assert again.pseudonym != erasure.pseudonym


async def test_an_account_goes_with_all_of_its_address_and_audit_history_stays(
    database: Database,
) -> None:
    users = UserStore(database, KEYRING)
    audit, sessions = AuditStore(database), SessionStore(database)
    ann = await users.create_user("Ann@Example.com", "hash of ann", name="Ann")
    ben = await users.create_user("ben@example.com", "hash of ben", name="Ben")
    theirs = await users.create_organization("Ben and Ann", ben.id)
    await users.add_user_to_org(ann.id, theirs.id)
    await users.create_invitation(theirs.id, "ANN@example.com", invited_by=ben.id)
    await users.create_invitation(theirs.id, "cid@example.com", invited_by=ann.id)
    await users.create_reset_token("ann@example.com")
    await users.create_reset_token("ben@example.com")
    await audit.log_event("login", "user", ann.id, ann.id, ip_address="192.0.2.1")
    await audit.append("auth", ann.id, "session", "s", "login")
    await sessions.revoke_user(ann.id, 4102444800)
    before = await row_counts(database)

    erasure = await erase_user(database, ann.id)
    done = {one.table: (one.action, one.rows) for one in erasure.tables if one.rows}
    assert done == {
        "users": ("deleted", 1),
        "organization_memberships": ("deleted", 1),
        "organization_invitations": ("deleted", 1),
        "password_reset_tokens": ("deleted", 1),
        "audit_log": ("emptied", 1),
        "immutable_audit_entries": ("kept", 1),
        "token_revocations": ("kept", 1),
    }
    after = await row_counts(database)
    gone = {table: count - after.get(table, 0) for table, count in before.items()}
    assert {t for t, n in gone.items() if n} == {
        t for t, (how, _) in done.items() if how == "deleted"
    }
    (event,) = await audit.get_log()
    assert (event.action, event.user_id, event.ip_address) == ("login", None, None)
    assert (await audit.verify_integrity()).is_valid
    (invitation,) = await users.get_invitations_for_org(theirs.id)
    assert (invitation.email, invitation.invited_by) == ("cid@example.com", None)

    with pytest.raises(IntegrityError, match=r"was not erased.*'users'.*ownership"):
        await erase_user(database, ben.id)
    assert await row_counts(database) == after


async def test_a_dry_run_changes_nothing(database: Database) -> None:
    await fill(database)
    before = await content(database)
    erasure = await erase_user(database, "ann", dry_run=True)
    assert sum(one.rows for one in erasure.tables) == 14
    assert await content(database) == before


async def test_erasure_is_one_transaction(database: Database) -> None:
    await fill(database)
    before = await content(database)

    async def fail_after_it() -> None:
        async with database.transaction():
            await erase_user(database, "ann")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_it()
    assert await content(database) == before


@pytest.mark.parametrize("user_id", ["", " ", None, 5, "a\x00"])
async def test_a_user_that_is_none_is_refused(database: Database, user_id: Any) -> None:
    for call in (export_user, erase_user):
        with pytest.raises(InvalidInputError, match="user_id"):
            await call(database, user_id)


async def test_quotes_in_an_id_are_no_sql(database: Database) -> None:
    user_id = """x' OR "1"='1"""
    await fill(database)
    await GovernanceStore(database).requests.save(request("q", requester_id=user_id))
    erasure = await erase_user(database, user_id)
    assert sum(one.rows for one in erasure.tables) == 1
    assert await fetch_value(database, "SELECT count(*) FROM integrations") == 2


def test_the_command_exports_and_erases(
    location: str | Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def prepare() -> None:
        database: Database = (
            SQLiteDatabase(location)
            if isinstance(location, Path)
            else await PostgresDatabase.connect(location, 1, 2)
        )
        await fill(database)
        await database.close()

    asyncio.run(prepare())
    target = ["--sqlite-path" if isinstance(location, Path) else "--dsn", str(location)]
    assert main(["privacy", "export", "--user", "ann", *target]) == 0
    assert json.loads(capsys.readouterr().out)["user_id"] == "ann"
    assert main(["privacy", "erase", "--user", "ann", "--dry-run", *target]) == 0
    said = capsys.readouterr().out
    assert re.search(r"integrations\s+user_id_mappings\s+1\s+would be deleted", said)
    assert main(["privacy", "erase", "--user", "ann", "--json", *target]) == 0
    done = json.loads(capsys.readouterr().out)["tables"]
    assert {
        "store": "governance",
        "table": "governance_votes",
        "action": "emptied",
        "rows": 2,
    } in done
    assert main(["privacy", "export", "--user", "ann", *target]) == 0
    assert json.loads(capsys.readouterr().out)["tables"] == []
    assert main(["privacy", "erase", "--user", " ", *target]) == 2
    assert "user_id: must not be empty" in capsys.readouterr().err


QUOTED = 'o"neil \\ ünal'


@pytest.mark.parametrize("user", ["ann", "user", QUOTED])
async def test_erase_user_reaches_documents_that_hold_the_id(database: Database, user: str) -> None:
    mound = KnowledgeMound(database)
    said = f'"user_id": {json.dumps(user)}, and "user_id":{json.dumps(user)} {user}'
    for key, owner in {"a": user, "b": "ben", "c": "ben"}.items():
        await mound.save_node(
            {
                "id": key,
                "workspace_id": "w1",
                "content": f"{said} {key}",
                "topics": [user],
                "metadata": {"n": 10**20, "x": 0.1 + 0.2, "sub": [{"user_id": owner}]},
                "source_type": "user",
                "user_id": owner,
            }
        )
        await mound.update_visibility(key, "workspace", owner)
    await mound.save_relationship("a", "b", "supports", created_by=user)
    await mound.save_relationship("b", "c", "supports", created_by="ben")
    for key in "ab":
        assert await mound.archive_node(key, archived_by="ben")
    data = (await export_user(database, user)).to_dict()
    (exported,) = [one["rows"] for one in data["tables"] if one["table"] == "knowledge_archive"]
    assert len(exported) == 1
    assert "document" not in exported[0]
    done = {one.table: (one.action, one.rows) for one in (await erase_user(database, user)).tables}
    assert done["knowledge_archive"] == ("emptied", 1)
    assert (await export_user(database, user)).tables == []
    # What was archived is as good as before, but for the id.
    for key in "ba":
        assert await mound.restore_archived_node(key, "w1")
    first, second = await mound.get_nodes(["a", "b"])
    assert (first.content, first.topics, first.visibility_set_by) == (f"{said} a", [user], None)
    assert first.metadata == {"n": 10**20, "x": 0.1 + 0.2, "sub": [{"user_id": None}]}
    assert (second.visibility_set_by, second.metadata["sub"]) == ("ben", [{"user_id": "ben"}])
    source, other = await mound.get_provenance("a"), await mound.get_provenance("b")
    assert source is not None
    assert other is not None
    assert (source.source_type, source.user_id, other.user_id) == ("user", None, "ben")
    links = {one.from_node_id: one.created_by for one in await mound.list_relationships()}
    assert links == {"a": None, "b": "ben"}


async def test_erase_user_reaches_definitions_of_workflows(database: Database) -> None:
    definitions = WorkflowStore(database)
    for user in ("ann", "ben"):
        await definitions.save_workflow(a_workflow(f"of {user}", created_by=user))
    await erase_user(database, "ann")
    rows = await fetch(database, "SELECT created_by, definition FROM workflows ORDER BY id")
    assert [row["created_by"] for row in rows] == [None, "ben"]
    first, second = (str(row["definition"]) for row in rows)
    assert "'ann'" not in first.replace('"', "'")
    assert "'ben'" in second.replace('"', "'")


# The markers in the files


def test_markers_are_read_at_the_end_of_a_comment() -> None:
    assert markers_of("Where to write to. [personal]") == {"personal"}
    assert markers_of("Who. [user] [personal]") == {"user", "personal"}
    for text in ("Who [user] did it.", "[unknown]", "no blank[user]", ""):
        assert markers_of(text) == frozenset()
        assert without_markers(text) == text
    assert without_markers("Who. [user] [personal]") == "Who."
    both = "The whole. [user in created_by, user_id] [personal]"
    assert markers_of(both) == {"personal"}
    assert members_of(both) == ("created_by", "user_id")
    assert without_markers(both) == "The whole."
    for text in ("[user in ] ", "Who. [user]", "Who [user in a] did it."):
        assert members_of(text) == ()


def test_no_comment_ends_with_a_marker_that_nobody_reads() -> None:
    for path in sorted((sql_dir() / "postgres").glob("*/schema.sql")):
        for comment in re.findall(r" IS\s+'((?:[^']|'')*)';", path.read_text(encoding="utf-8")):
            end = re.search(r"(?: \[[\w, ]+\])+$", comment)
            words = set(re.findall(r"\[(\w+)", end[0])) if end else set()
            assert words <= set(MARKERS), f"{path}: {comment}"


# Names that personal data has, and columns of such names that hold none.
LOOKS_PERSONAL = re.compile(
    r"(?:^|_)(?:user|users|email|phone|ip|address|ua|actor|requester|responder|voter|assignee)(?:_|$)"
    r"|^user_agent$|_by$|^display_name$|^full_name$"
)
NOT_PERSONAL = {
    "consensus_archive.superseded_by",
    "facts.superseded_by",
    "immutable_audit_entries.actor_type",
    # Becomes NULL with the account of who sent it; the address is another person's.
    "organization_invitations.invited_by",
    # Another person's; the message goes with the account of its user.
    "unified_inbox_messages.sender_email",
}


@pytest.mark.parametrize("table", read_markers(), ids=lambda table: table.name)
def test_columns_that_look_personal_are_marked(table: Any) -> None:
    """A name in NOT_PERSONAL says that it was thought of."""
    unmarked = [
        f"{table.name}.{column}"
        for column in table.columns
        if LOOKS_PERSONAL.search(column) and not table.of_columns[column]
    ]
    assert set(unmarked) <= NOT_PERSONAL, "mark with [user] or [personal], docs/operator.md#persons"


@pytest.mark.parametrize("table", read_markers(), ids=lambda table: table.name)
def test_a_table_with_personal_data_says_whose_it_is(table: Any) -> None:
    if table.marked("personal") or table.markers & {"personal", "kept"}:
        whose = table.marked("user") or table.marked("address")
        assert whose, f"no column of {table.name} is marked [user] or [address]"


async def test_every_table_of_users_is_among_the_plans(database: Database) -> None:
    erasure = await erase_user(database, "ann")
    assert {one.table for one in erasure.tables} == {table.name for table in TABLES_OF_USERS}


async def test_erase_user_reaches_links_and_runs_which_go_on(database: Database) -> None:
    sharing, gauntlets = SharingStore(database), GauntletStore(database)
    for user in ("ann", "ben"):
        await sharing.save(f"of {user}", owner_id=user)
        await sharing.receipts.issue(f"of {user}", datetime(2999, 1, 1, tzinfo=UTC), None, user)
        await gauntlets.save({"run_id": f"of {user}", "template_id": "t", "triggered_by": user})
    token = await sharing.issue_token("of ann")
    erasure = await erase_user(database, "ann")
    assert {one.table: (one.action, one.rows) for one in erasure.tables if one.rows} == {
        "share_links": ("emptied", 1),
        "receipt_shares": ("emptied", 1),
        "gauntlet_runs": ("emptied", 1),
    }
    link = await sharing.redeem(token)
    assert link is not None
    assert (link.debate_id, link.owner_id) == ("of ann", None)
    assert (await sharing.receipts.get_by_receipt("of ann"))[0].created_by is None
    assert (await gauntlets.get("of ann") or {})["triggered_by"] is None
    assert (await gauntlets.get("of ben") or {})["triggered_by"] == "ben"


@pytest.mark.parametrize("table", read_markers(), ids=lambda table: table.name)
def test_members_of_documents_that_hold_users_are_of_documents(table: Any) -> None:
    assert {table.types[column] for column in table.members} <= {"JSONB"}
