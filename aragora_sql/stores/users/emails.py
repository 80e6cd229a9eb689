"""The normal form by which e-mail addresses are told apart and found, on both engines the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = ["email_key", "normal_email"]


# Of these the lower case is the normal form: no blank, nothing but ASCII. It is most of them.
_PLAIN = re.compile(r"[!-?A-~]{1,300}@[!-?A-~]{1,300}")


def normal_email(email: str) -> str:
    """Return the normal form: no white space around it, Unicode normal form C, lower case.

    >>> normal_email(" Ada@Example.com ")
    'ada@example.com'
    """
    # Lower case can leave letters apart that normal form C puts together (a dotted capital I).
    folded = unicodedata.normalize("NFC", email.strip()).lower()
    return unicodedata.normalize("NFC", folded)


def email_key(email: Any, argument: str = "email") -> str:
    """Check an address and return its normal form."""
    if type(email) is str and _PLAIN.fullmatch(email):
        return email.lower()
    given = valid.key(email, argument).strip()
    local, at, domain = given.rpartition("@")
    if not at or not local or not domain or len(given.split()) > 1:
        raise InvalidInputError(argument, "must be an e-mail address")
    return valid.key(normal_email(given), argument)
