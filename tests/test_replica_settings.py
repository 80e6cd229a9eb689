"""Replicas in the environment."""

from __future__ import annotations

import pytest

from aragora_sql.errors import ConfigurationError
from aragora_sql.settings import PostgresDSN, dsn_from_env, dsn_variable, replicas_from_env

PRIMARY = "postgresql://app:secret@db-1/aragora"
DSN = PostgresDSN.parse(PRIMARY)


def test_replicas_are_those_of_the_environments_primary() -> None:
    env = {
        "DATABASE_URL": PRIMARY,
        "ARAGORA_POSTGRES_REPLICAS": "postgresql://app@db-2/aragora, postgres://app@db-3/aragora,",
    }
    found = replicas_from_env(DSN, env)
    assert found is not None
    assert [dsn.hosts for dsn in found.dsns] == ["db-2", "db-3"]
    assert found.max_lag == 10.0
    assert replicas_from_env(PostgresDSN.parse("postgresql://db-9/other"), env) is None
    assert replicas_from_env(DSN, {"DATABASE_URL": PRIMARY}) is None
    assert replicas_from_env(DSN, env | {"ARAGORA_POSTGRES_REPLICAS": " "}) is None


def test_each_host_of_a_dsn_is_a_replica_once() -> None:
    text = (
        "postgresql://app@db-1:6000,[::1]:6001,db-3/aragora?target_session_attrs=standby,"
        "postgresql://app@db-3/aragora?target_session_attrs=standby,"
        "postgresql:///aragora?host=/a,/b&port=6002,6003,postgresql:///aragora?host=/c,/d&port=1"
    )
    found = replicas_from_env(DSN, {"DATABASE_URL": PRIMARY, "ARAGORA_POSTGRES_REPLICAS": text})
    assert found is not None
    assert [str(dsn).partition("/aragora")[0] for dsn in found.each_server()[:3]] == [
        "postgresql://app@db-1:6000",
        "postgresql://app@[::1]:6001",
        "postgresql://app@db-3",
    ]
    assert [(dsn.option("host"), dsn.option("port")) for dsn in found.each_server()[3:]] == [
        ("/a", "6002"),
        ("/b", "6003"),
        ("/c", "1"),
        ("/d", "1"),
    ]
    with pytest.raises(ConfigurationError, match="3 hosts and 2 ports"):
        PostgresDSN.parse("postgresql:///x?host=/a,/b,/c&port=1,2").each_host()


def test_older_names() -> None:
    env = {
        "ARAGORA_POSTGRES_PRIMARY_DSN": PRIMARY,
        "ARAGORA_POSTGRES_REPLICA_DSNS": "postgresql://db-2/aragora",
    }
    assert dsn_variable(env) == "ARAGORA_POSTGRES_PRIMARY_DSN"
    assert dsn_from_env(env) == DSN
    found = replicas_from_env(DSN, env)
    assert found is not None
    assert len(found.dsns) == 1
    env["ARAGORA_POSTGRES_PRIMARY"] = PRIMARY
    assert dsn_from_env(env) == DSN
    with pytest.raises(ConfigurationError, match="name different databases"):
        dsn_from_env({"DATABASE_URL": "postgresql://db-2/other", **env})
    with pytest.raises(ConfigurationError, match="name different servers") as caught:
        replicas_from_env(DSN, {"ARAGORA_POSTGRES_REPLICAS": "postgresql://:s3cret@x/y", **env})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1e3", "0.0", "inf", "1,5"])
def test_an_age_that_is_no_number_of_seconds(text: str) -> None:
    env = {
        "DATABASE_URL": PRIMARY,
        "ARAGORA_POSTGRES_REPLICAS": "postgresql://db-2/aragora",
        "ARAGORA_REPLICA_MAX_LAG": text,
    }
    with pytest.raises(ConfigurationError, match="ARAGORA_REPLICA_MAX_LAG"):
        replicas_from_env(DSN, env)
    env["ARAGORA_REPLICA_MAX_LAG"] = "2.5"
    found = replicas_from_env(DSN, env)
    assert found is not None
    assert found.max_lag == 2.5


def test_a_replica_that_is_no_dsn_is_told_by_the_name_of_the_variable() -> None:
    env = {"DATABASE_URL": PRIMARY, "ARAGORA_POSTGRES_REPLICAS": "db-2:s3cret"}
    with pytest.raises(ConfigurationError, match=r"^ARAGORA_POSTGRES_REPLICAS: ") as caught:
        replicas_from_env(DSN, env)
    assert "s3cret" not in str(caught.value)
