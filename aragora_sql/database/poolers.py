"""How it is found out whether a pooler is between a client and the server, with either driver.

A pooler answers a new connection with a process id of its own making, so a connection whose process
id differs from that of the server goes through one. In session pooling each client has its own
process of the server for as long as it is connected; in transaction pooling two idle clients meet
in the same one, or one client in several. A second client that gets no answer while the first one
does waits for the process that the first one keeps, so that is session pooling, too.
"""

from __future__ import annotations

__all__ = ["ANSWER_SECONDS", "COMPARISONS", "PROCESS"]

# Asks for the process of the server that answers.
PROCESS = "SELECT pg_backend_pid()"
# How often two clients compare theirs.
COMPARISONS = 3
# How long the answer of one of them is waited for, in seconds.
ANSWER_SECONDS = 2.0
