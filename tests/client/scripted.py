"""A server that answers what a test tells it to: for what a real one does seldom, or never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """One answer. `seconds` is how long it takes; a status of 0 breaks the connection off."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Script(ThreadingHTTPServer):
    """Gives the answers in order, the last one again and again; keeps what was asked, and with what keys."""

    daemon_threads = True

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.patience = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def scripted(*answers: Answer) -> Iterator[Script]:
    """Open such a server."""
    server = Script(list(answers))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.patience.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Script

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path))
        self.server.keys.append(self.headers.get("idempotency-key", ""))
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.server.patience.wait(answer.seconds)
        if not answer.status:
            self.close_connection = True
            return
        self.send_response(answer.status)
        own = {name.lower(): value for name, value in answer.headers.items()}
        headers = {"content-type": "application/json", "content-length": str(len(answer.body)), **own}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  (the library looks for these names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Say nothing."""
