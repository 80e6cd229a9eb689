"""The one place that decides what a secret is. What prints, logs, rejects or stores asks it.

A value is a secret when its name says so or when its own form does.

**Names** are parted into words at case, digits and punctuation (``AWSSecretAccessKey`` is ``aws``,
``secret``, ``access``, ``key``) and compared by word, so ``author`` is not ``auth`` and ``monkey``
is not ``key``:

* a word of :data:`SECRET_WORDS` (``password``, ``token`` …), or two words that make one
  (``pass_word``, ``private_key``), make the name a secret, unless its last word says that it holds
  something *about* a secret (:data:`DESCRIPTIONS`: ``token_count``, ``password_policy``);
* words of :data:`LAST_WORDS` (``auth``, ``pass`` …) do so only at the end of a name, and not for
  booleans; a document under such a name is looked into;
* a ``key`` is a secret unless the word before it says that it is none (``public_key``,
  ``primary_key``); a name that is only ``key`` is not.

**Values** that are secrets under any name: a URL with a password or with a secret in its query,
text with ``password=…`` in it as connection strings have it, a private key in PEM, an
authorization header's content, and the URL of a chat platform's webhook.

An application names its own with :func:`add_secret_names`, or in ``ARAGORA_SECRET_NAMES``, comma
separated, which commands read as well.

None and what is empty hold no secret, nor do numbers under the plural ``tokens``, which count them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

__all__ = [
    "REDACTED",
    "SECRET_NAMES_VARIABLE",
    "add_secret_names",
    "has_secret",
    "hide_in_text",
    "hide_secrets",
    "is_envelope",
    "is_secret",
    "is_secret_name",
    "is_secret_value",
    "rebuild",
]

REDACTED = "\u2022" * 8
SECRET_NAMES_VARIABLE = "ARAGORA_SECRET_NAMES"  # noqa: S105 - the name of a variable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Anywhere in a name; also two neighbouring words that are written together here.
SECRET_WORDS = _words(
    "password passwords passwd passwds passwort kennwort contrasena motdepasse senha wachtwoord "
    "pwd passphrase passphrases passcode passcodes pswd psw pw psk dbpass dbpw userpass userpw "
    "adminpass rootpass loginpass mailpass emailpass smtppass imappass ftppass sshpass "
    "redispass mysqlpass pgpass secret secrets token tokens credential credentials cred creds "
    "apikey apikeys authtoken authheader authorization bearer jwt cookie cookies webhook "
    "webhooks webhookurl webhookurls hookurl hookurls mnemonic seedphrase recoveryphrase "
    "recoverycode recoverycodes backupcode backupcodes securitycode securityanswer authcode "
    "accesscode verificationcode serviceaccountkey serviceaccountjson connectionstring connstr "
    "connectionuri connectionurl accesssignature privkey sslkey tlskey certkey pgpkey gpgkey "
    "pkey clientassertion mfacode pincode unlockcode cvv cvc totp otp hmac"
)
# Ends of a word that may be several words run together: smtppassword.
_ENDINGS = tuple(
    _words(
        "password passwords passwd passphrase secret secrets token tokens credentials apikey "
        "apikeys accesskey secretkey privatekey signingkey encryptionkey sharedkey masterkey "
        "sshkey authkey webhookurl webhook authorization"
    )
)
# At the end of a name only.
LAST_WORDS = _words("pass pin auth oauth dsn sas salt pem pkcs pfx serviceaccount basicauth")
# Whole secrets although the last word describes something.
_WHOLE = _words("webhookurl webhookurls webhookuri hookurl hookurls connectionurl connectionuri")
# After these words a key is none that opens something.
PLAIN_KEYS = _words(
    "public publishable primary foreign unique candidate composite sort partition cluster group "
    "cache object idempotency dedup deduplication lookup translation message event issue project "
    "i n hot short shortcut arrow function home index row hash map dict config setting settings "
    "order search natural surrogate parent child allowed required optional known valid invalid "
    "missing extra json the of any each label "
    "metric store bucket document record field column attribute property trace"
)
# The last word of a name that tells something about a secret, and is not one.
DESCRIPTIONS = _words(
    "id ids name names type types kind count counts counter limit limits length size sizes ttl "
    "expiry expires expiration lifetime timeout at date time times timestamp second seconds minute "
    "minutes hour hours day days age created updated used usage enabled disabled required optional "
    "allowed present set policy policies rule rules strength status state valid verified version "
    "format prefix suffix label hint url uri urls uris endpoint endpoints path paths file filename "
    "dir directory folder host port domain domains provider issuer scope scopes algorithm method "
    "methods budget rate price cost costs position field fields column env variable variables "
    "index location source help description title error errors event events channel channels "
    "interval retries rotation manager store bucket window total max min per percent ratio email "
    "mail username user users consent mode min length minimum maximum chars characters class "
    "service backend handler model encoding tokenizer"
)
# In front of the plural "tokens" these count them.
_QUANTITIES = _words(
    "max min maximum minimum total num number n count avg average mean limit prompt completion "
    "input output used remaining available reasoning cached context new generated response request"
)
# Words at the end of a name that change nothing: api_key_prod is an api_key.
_NEUTRAL = _words(
    "value values text plain plaintext raw json base b hex prod production dev "
    "development staging stage test live sandbox old new current previous backup v default "
    "main primary secondary encoded decoded"
)

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+")


def _split(name: str) -> list[str]:
    # Compatibility forms (full-width letters) count as the plain ones.
    plain = unicodedata.normalize("NFKC", name)
    return [word.casefold() for word in _WORD.findall(plain)]


# Secrets of more words than two, as _split() parts them.
_LONGER_NAMES = frozenset({("mot", "de", "passe"), ("contrase", "\u00f1", "a")})
# What the application adds.
_own_names: set[tuple[str, ...]] = set()


def add_secret_names(*names: str) -> None:
    """Name settings of the application that are secrets, for the whole process.

    A setting is one when the words of its name hold those of ``names`` side by side:
    ``add_secret_names("chat_id")`` covers ``chat_id``, ``chatId`` and ``telegram-chat-id``.
    Raises :class:`ValueError` for a name without any letter.
    """
    for name in names:
        words = tuple(_split(name))
        if not words:
            raise ValueError(f"a name of a secret must have letters, and {name!r} has none")
        _own_names.add(words)
    _strength.cache_clear()


def _names_of_environment(value: str) -> Iterable[tuple[str, ...]]:
    return filter(None, (tuple(_split(name)) for name in value.split(",")))


def _holds(words: list[str], wanted: tuple[str, ...]) -> bool:
    size = len(wanted)
    return any(tuple(words[i : i + size]) == wanted for i in range(len(words) - size + 1))


def is_secret_name(name: str) -> bool:
    """Tell whether a setting of this name is a secret."""
    return _strength(name, os.environ.get(SECRET_NAMES_VARIABLE, "")) > NONE


# What a name says: nothing, a secret when the value is no document, a secret whatever the value.
NONE, WEAK, STRONG = 0, 1, 2


@lru_cache(maxsize=4096)
def _strength(name: str, more: str) -> int:
    """Return what a name says; ``more`` are names that the environment adds."""
    words = _split(name)
    if not words:
        return NONE
    longer = {*_LONGER_NAMES, *_own_names, *_names_of_environment(more)}
    if any(_holds(words, wanted) for wanted in longer):
        return STRONG
    while len(words) > 1 and words[-1] in _NEUTRAL:
        words.pop()
    last, pairs = words[-1], [one + other for one, other in pairwise(words)]
    ends = {last, *pairs[-1:]}
    if ends & _WHOLE:
        return STRONG
    if last in DESCRIPTIONS or (last == "tokens" and _QUANTITIES & {*words}):
        return NONE
    if (
        SECRET_WORDS & {*words, *pairs}
        or any(word.endswith(_ENDINGS) for word in words)
        or _is_secret_key(words)
    ):
        return STRONG
    return WEAK if ends & LAST_WORDS else NONE


def _is_secret_key(words: list[str]) -> bool:
    """Tell whether there is a key among the words that opens something."""
    return any(
        word in ("key", "keys") and before not in PLAIN_KEYS for before, word in pairwise(words)
    )


# Every part that repeats is bounded or begins at one place only, so that no text takes long.
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s'\"<>]+", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)([^/?#\s]*)@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;#])([^?=&;#\s]{1,100})=([^&;#\s]+)")
_WEBHOOK = re.compile(
    r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)"
    r"|(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks"
    r"|[\w-]+\.webhook\.office\.com|outlook\.office(?:365)?\.com/webhook"
    r"|api\.telegram\.org/bot|[\w.-]+(?::\d+)?/hooks/(?:catch/)?(?=[\w/-]{16}))[^\s'\"<>]*",
    re.IGNORECASE,
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic|Token|Digest)[ \t]+([\w~+/.:=-]{8,})")
# Tokens that begin with their maker's mark (Slack, GitHub, GitLab, AWS, Google, SendGrid, …), and
# JSON Web Tokens.
_TOKEN = re.compile(
    r"\b(?:xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|gh[opsur]_\w{20,}|github_pat_\w{20,}"
    r"|glpat-[\w-]{20,}|sk-[\w-]{20,}|[rs]k_(?:live|test)_\w{10,}|whsec_\w{16,}|npm_\w{20,}"
    r"|pypi-[\w-]{20,}|hf_\w{20,}|gsk_\w{20,}|shp(?:at|ca|pa|ss)_\w{16,}|dop_v1_\w{16,}"
    r"|lin_api_\w{16,}|ATATT[\w=-]{16,}|ya29\.[\w-]{16,}|AKIA[0-9A-Z]{16}\b|AIza[\w-]{35}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]*)"
)


def _assigned(sign: str) -> re.Pattern[str]:
    """Return the pattern of a name, what ``sign`` matches, and a value."""
    return re.compile(
        rf"(?<![\w.-])(?P<name>[A-Za-z][\w.-]*(?: [A-Za-z]\w*)?)(?:{sign}\s*)"
        r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s;,&'\"(){}\[\]]+)"
    )


# As connection strings and log lines have it: password=…, AccountKey=…, "api_key": "…".
_ASSIGNED = _assigned(r"[\"']?\s*[=:]")
# What makes a whole value a secret: prose with a colon ("the password: see the wiki") is none, but
# a member of JSON is.
_EQUALS = _assigned(r"(?:[\"']?\s*=|[\"']\s*:)")
# A user name alone in a URL says little, but of these it is a token (https://ghp_…@github.com).
_WEB = ("http://", "https://")
SHORTEST_TOKEN = 16


def is_secret_value(value: object) -> bool:
    """Tell whether text is a secret, or holds one, by its own form and whatever its name is."""
    return isinstance(value, str) and _hide(value, _EQUALS) != value


def _hide_user_info(url: str) -> str:
    def hide(match: re.Match[str]) -> str:
        user, colon, password = match[1].partition(":")
        if password:
            return f"{user}:{REDACTED}@"
        is_web = url[max(match.start() - len(_WEB[1]), 0) : match.start()].lower().endswith(_WEB)
        is_token = is_web and not colon and len(user) >= SHORTEST_TOKEN
        return f"{REDACTED}@" if is_token else match[0]

    return _USER_INFO.sub(hide, url)


def _hide_url(match: re.Match[str]) -> str:
    url = _hide_user_info(match[0])

    def hide(parameter: re.Match[str]) -> str:
        mark, name, _ = parameter.groups()
        if is_secret_name(unquote(name)) or unquote(name).casefold() in _QUERY_SECRETS:
            return f"{mark}{name}={REDACTED}"
        return parameter[0]

    return _PARAMETER.sub(hide, url)


# Of signed URLs: what these parameters hold opens what the URL names.
_QUERY_SECRETS = _words("sig signature key x-amz-signature x-amz-security-token x-goog-signature")


def _hide_assigned(text: str, assigned: re.Pattern[str]) -> str:
    parts: list[str] = []
    done = place = 0
    while (match := assigned.search(text, place)) is not None:
        name, value = match["name"], match["value"]
        if not is_secret_name(name):
            # What stands behind a word and a colon may be a name itself.
            place = max(match.start("value"), match.start() + 1)
            continue
        place = match.end()
        if REDACTED not in value and value.strip("\"'"):
            quote = value[0] if value[0] in "\"'" else ""
            parts += [text[done : match.start("value")], quote, REDACTED, quote]
            done = place
    return "".join([*parts, text[done:]])


def hide_in_text(text: str) -> str:
    """Return text with :data:`REDACTED` in the place of every secret that its form shows.

    Passwords and tokens in URLs, ``password=…``, authorization headers, private keys, webhooks.
    """
    return _hide(text, _ASSIGNED)


def _hide(text: str, assigned: re.Pattern[str]) -> str:
    hidden = _PEM.sub(REDACTED, text)
    hidden = _WEBHOOK.sub(lambda match: _origin(match[0]) + REDACTED, hidden)
    hidden = _URL.sub(_hide_url, hidden)
    hidden = _AUTHORIZATION.sub(rf"\1 {REDACTED}", hidden)
    hidden = _TOKEN.sub(REDACTED, hidden)
    return _hide_assigned(hidden, assigned)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3]) + "/"


def is_envelope(value: object) -> bool:
    """Tell whether a value has the form in which an encrypted secret is stored."""
    return isinstance(value, dict) and value.get("_encrypted") is True


def is_secret(name: str, value: object) -> bool:
    """Tell whether a setting of this name and value is a secret that is in the clear."""
    if value is None or value in ("", {}, [], ()):
        return False
    if is_envelope(value):
        return False
    strength = _strength(name, os.environ.get(SECRET_NAMES_VARIABLE, ""))
    if strength == STRONG or (strength and not (isinstance(value, bool) or _is_document(value))):
        is_count = isinstance(value, int | float) and _split(name)[-1].endswith("tokens")
        return not is_count
    return is_secret_value(value)


def _is_document(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_document, value))
    return isinstance(value, dict)


def rebuild(value: Any, path: str, handle: Callable[[str, str, Any], Any]) -> Any:
    """Rebuild ``value``; ``handle`` gets each member's path, name and value, and may replace it.

    The value of a pair such as ``{"name": "api_key", "value": "…"}`` has the name that the pair
    gives it.
    """
    if isinstance(value, dict):
        built = {}
        for name, member in value.items():
            where = f"{path}.{name}"
            known = _name_of_pair(value) if name == "value" else name
            replaced = handle(where, known if isinstance(known, str) else "", member)
            built[name] = rebuild(member, where, handle) if replaced is member else replaced
        return built
    if isinstance(value, list | tuple):
        items = []
        for number, member in enumerate(value):
            where = f"{path}[{number}]"
            replaced = handle(where, "", member)
            items.append(rebuild(member, where, handle) if replaced is member else replaced)
        return items
    return value


def _name_of_pair(pair: dict[str, Any]) -> str:
    for name in ("name", "key", "header"):
        given = pair.get(name)
        if isinstance(given, str):
            return given
    return "value"


def hide_secrets(value: Any, is_secret: Callable[[str, object], bool] = is_secret) -> Any:
    """Return a document with :data:`REDACTED` in the place of every secret, encrypted or not.

    ``is_secret`` tells of a member in the clear, by its name and value.
    """

    def handle(path: str, name: str, member: Any) -> Any:
        return REDACTED if is_envelope(member) or is_secret(name, member) else member

    return rebuild(value, "", handle)


def has_secret(value: Any, is_secret: Callable[[str, object], bool] = is_secret) -> bool:
    """Tell whether there is a secret in the clear anywhere in a document.

    ``is_secret`` tells of a member in the clear, by its name and value.
    """
    found = False

    def handle(path: str, name: str, member: Any) -> Any:
        nonlocal found
        if is_envelope(member):
            return REDACTED
        found = found or is_secret(name, member)
        return member

    rebuild(value, "", handle)
    return found
