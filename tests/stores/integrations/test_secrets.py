"""Whatever settings are: sealed and opened they are the same, and no secret can be seen."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aragora_sql.database.values import dump_json, load_json
from aragora_sql.encryption import Keyring
from aragora_sql.stores.integrations.secrets import (
    REDACTED,
    Owner,
    hide_secrets,
    keep_sealed,
    open_secrets,
    reseal_secrets,
    seal_secrets,
)
from tests.stores.samples import KEY, KEYRING, OTHER_KEY

OWNER = Owner("u1", "slack")
MARK = "4711-is-secret"

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.sampled_from(["12345", "true", "null", '"x"', "{}", '{"a": 1}', "[1]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["channel", "bot_token", "clientSecret", "oauth", "password", "port"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
SETTINGS = st.dictionaries(
    st.sampled_from(["channel", "bot_token", "webhook_url", "accounts", "client_secret"]), VALUES
)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of equal types all the way down."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(SETTINGS)
@settings(deadline=None)
def test_sealed_and_opened_is_the_same(given_settings: dict[str, Any]) -> None:
    stored = seal_secrets(given_settings, KEYRING, OWNER)
    assert same(open_secrets(load_json(dump_json(stored)), KEYRING, OWNER), given_settings)


@given(SETTINGS)
@settings(deadline=None)
def test_what_is_sealed_stays_as_it_is(given_settings: dict[str, Any]) -> None:
    stored = seal_secrets(given_settings, KEYRING, OWNER)
    assert seal_secrets(keep_sealed(stored, OWNER), Keyring(), OWNER) == stored
    assert same(hide_secrets(keep_sealed(stored, OWNER)), hide_secrets(given_settings))


@given(SETTINGS)
@settings(deadline=None)
def test_resealed_is_the_same_under_the_new_key(given_settings: dict[str, Any]) -> None:
    both, new = Keyring(OTHER_KEY, [KEY]), Keyring(OTHER_KEY)
    stored = seal_secrets(given_settings, KEYRING, OWNER)
    resealed, count, in_the_clear = reseal_secrets(stored, both, OWNER)
    assert in_the_clear == 0
    assert same(open_secrets(resealed, new, OWNER), given_settings)
    assert reseal_secrets(resealed, both, OWNER) == (resealed, 0, 0)
    assert (count == 0) == (stored == given_settings)


@given(st.lists(st.sampled_from(["accounts", 0]), max_size=5))
def test_a_secret_at_any_depth_is_hidden_and_sealed(path: list[Any]) -> None:
    nested: Any = {"bot_token": MARK}
    for step in path:
        nested = [nested] if step == 0 else {step: nested}
    whole = {"settings": nested}
    assert MARK not in json.dumps(seal_secrets(whole, KEYRING, OWNER))
    hidden = json.dumps(hide_secrets(whole), ensure_ascii=False)
    assert MARK not in hidden
    assert REDACTED in hidden
