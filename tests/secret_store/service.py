"""An HTTP endpoint that speaks as the Parameter Store does, and refuses when it is told to.

Faults can't be ordered from AWS or from moto; ``test_aws.py`` runs the same code against moto.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

__all__ = ["ParameterService", "running_service"]


class ParameterService(ThreadingHTTPServer):
    """Answers GetParameters from ``parameters``; ``faults`` are answered first, one a request.

    A fault is the HTTP status, the code and the message of an error; None is a right answer.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.parameters: dict[str, str] = {}
        self.faults: list[tuple[int, str, str] | None] = []
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ParameterService

    def do_POST(self) -> None:
        assert self.headers["X-Amz-Target"] == "AmazonSSM.GetParameters"
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(question)
        if len(question["Names"]) > 10:
            self._answer(400, {"__type": "ValidationException", "message": "more than 10 names"})
            return
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault is not None:
            status, code, message = fault
            self._answer(status, {"__type": code, "message": message})
            return
        have = self.server.parameters
        self._answer(
            200,
            {
                "Parameters": [
                    {"Name": name, "Type": "SecureString", "Value": have[name], "Version": 1}
                    for name in question["Names"]
                    if name in have
                ],
                "InvalidParameters": [name for name in question["Names"] if name not in have],
            },
        )

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing on the terminal."""


@contextmanager
def running_service() -> Iterator[ParameterService]:
    """Run the service on a free port of this machine, and stop it."""
    with ParameterService() as service:
        thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()
