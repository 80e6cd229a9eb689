"""Keys and envelopes, and that the older Aragora's envelopes are readable and ours by it."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys

import pytest

from aragora_sql.encryption import Keyring, parse_key, seal_envelope
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DecryptionError,
    EncryptionKeyMissingError,
)

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
HEX = KEY.hex()
BASE64 = base64.b64encode(KEY).decode()

# What the older Aragora writes for this key, nonce, owner and secret.
VECTOR = base64.b64decode(
    "AQZtYXN0ZXIAAAABDAABAgMEBQYHCAkKCz9trnnogLp64DH77mR0IsQPU+zLOCMzHQxWbak="
)
SECRET, OWNER = b"xoxb-example", b"u1:slack"


def test_the_vector_is_written() -> None:
    assert seal_envelope(KEY, bytes(range(12)), SECRET, OWNER) == VECTOR


def test_the_vector_is_read() -> None:
    assert Keyring(KEY).open(VECTOR, OWNER) == (SECRET, True)
    assert Keyring(OTHER, [KEY]).open(VECTOR, OWNER) == (SECRET, False)


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        f"  {HEX}\n",
        BASE64,
        BASE64.rstrip("="),
        base64.urlsafe_b64encode(KEY).decode(),
    ],
)
def test_spellings_of_a_key(text: str) -> None:
    assert parse_key(text) == KEY


def test_url_safe_and_standard_base64_are_told_apart() -> None:
    key = bytes([251, 255, 191] * 10 + [62, 63])
    assert parse_key(base64.b64encode(key).decode()) == key
    assert parse_key(base64.urlsafe_b64encode(key).decode()) == key


@pytest.mark.parametrize(
    "text", ["", "secret-passphrase", HEX[:-1], HEX + "0", BASE64[:-2], "g" * 64, BASE64 + "=="]
)
def test_a_malformed_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match="ARAGORA_ENCRYPTION_KEY: not a key: 64") as caught:
        parse_key(text, "ARAGORA_ENCRYPTION_KEY")
    assert len(text) < 5 or text not in str(caught.value)


def test_keys_come_from_the_environment() -> None:
    environ = {
        "ARAGORA_ENCRYPTION_KEY": OTHER.hex(),
        "ARAGORA_ENCRYPTION_KEYS_OLD": f"{bytes(32).hex()}, {BASE64},",
    }
    assert Keyring.from_env(environ).open(VECTOR, OWNER) == (SECRET, False)
    assert not Keyring.from_env({})
    assert not Keyring.from_env({"ARAGORA_ENCRYPTION_KEY": " "})


def test_a_malformed_old_key_is_named_by_its_number() -> None:
    environ = {"ARAGORA_ENCRYPTION_KEY": HEX, "ARAGORA_ENCRYPTION_KEYS_OLD": f"{HEX},nonsense"}
    with pytest.raises(ConfigurationError, match=r"ARAGORA_ENCRYPTION_KEYS_OLD\[1\]"):
        Keyring.from_env(environ)


def test_old_keys_without_a_present_one_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="ARAGORA_ENCRYPTION_KEY is not"):
        Keyring.from_env({"ARAGORA_ENCRYPTION_KEYS_OLD": HEX})


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="32 bytes"):
        Keyring(b"short")


def test_every_envelope_has_a_nonce_of_its_own() -> None:
    keyring = Keyring(KEY)
    sealed = {keyring.seal(SECRET, OWNER) for _ in range(100)}
    assert len({envelope[13:25] for envelope in sealed}) == 100
    assert {keyring.open(envelope, OWNER) for envelope in sealed} == {(SECRET, True)}


def test_no_key_says_what_to_set() -> None:
    for call in (Keyring().seal, Keyring().open):
        with pytest.raises(EncryptionKeyMissingError, match="set ARAGORA_ENCRYPTION_KEY to 64 hex"):
            call(VECTOR, OWNER)


@pytest.mark.parametrize(
    ("envelope", "owner", "problem"),
    [
        (VECTOR, b"u2:slack", "none of the 1 keys"),
        (VECTOR[:-1] + b"\0", OWNER, "none of the 1 keys"),
        (VECTOR[:30], OWNER, "cut short"),
        (b"", OWNER, "not an envelope of format 1"),
        (b"\x02" + VECTOR[1:], OWNER, "not an envelope of format 1"),
        (VECTOR[:12] + b"\x10" + VECTOR[13:], OWNER, "nonce has not 12 bytes"),
        (VECTOR[:1] + b"\xff" + VECTOR[2:], OWNER, "cut short"),
        (b"\x01\x07default" + VECTOR[8:-1] + b"\0", OWNER, "never kept, so it is lost"),
    ],
)
def test_what_cannot_be_opened_says_why(envelope: bytes, owner: bytes, problem: str) -> None:
    with pytest.raises(DecryptionError, match=problem) as caught:
        Keyring(KEY).open(envelope, owner)
    assert isinstance(caught.value, AragoraSQLError)
    assert "xoxb" not in str(caught.value)


def test_keys_show_nowhere() -> None:
    keyring = Keyring(KEY, [OTHER])
    assert repr(keyring) == "<Keyring of 2 keys>"
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(keyring)


@pytest.mark.parametrize("call", ["seal(b'x', b'y')", f"open({VECTOR!r}, b'y')"])
def test_a_missing_package_says_what_to_install(call: str) -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from aragora_sql.encryption import Keyring\n"
        "keyring = Keyring(bytes(32))\n"
        f"try:\n    keyring.{call}\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("ConfigurationError secrets need the 'cryptography' package")
    assert "pip install 'aragora-sql[encryption]'" in done.stdout
