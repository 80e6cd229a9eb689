"""Users and organizations: accounts, memberships, invitations, sign-in, usage, password reset.

Its queries: ``sql/postgres/users/queries.sql`` and ``sql/sqlite/users/queries.sql``.
"""

from __future__ import annotations

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.stores.users.accounts import Accounts
from aragora_sql.stores.users.administration import Administration
from aragora_sql.stores.users.invitations import Invitations
from aragora_sql.stores.users.sign_in import SignIn

__all__ = ["UserStore"]


class UserStore(Accounts, Invitations, SignIn, Administration):
    """Keeps users and organizations.

    Addresses are told apart and found by a normal form: without white space around it, in Unicode
    normal form C, in lower case. A user may be in several organizations; the one that was selected
    last is ``org_id`` of the user. An organization has one owner at any time.

    API keys, invitations' tokens and reset tokens are random; of each only the SHA-256 is stored.
    The secrets of second factors are encrypted with ``keyring`` (default: the keys of the
    environment, see :mod:`aragora_sql.encryption`) and bound to the user; without a key everything
    else works. Password hashes are the application's.

    Counters, token versions and lockout change by single statements, so concurrent changes all
    count.
    """

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        super().__init__(database, keyring)
