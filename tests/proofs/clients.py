"""HTTP clients for proofs: they ask, and note everything that they are told.

with Load(server.url, clients=8) as load:
    ...
assert not load.failures
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

PREDICT = "/services/sentiment/predict"
PATIENCE = 60.0
"""Seconds after which a client takes a silent server for dead; no proof waits for it."""


@dataclass(frozen=True)
class Reply:
    """What a server said to one request. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def kind(self) -> str:
        """Which problem it is: `overloaded`, `store-failed`, ..."""
        return str(self.body["type"]).rpartition(":")[2]


@dataclass(frozen=True)
class Answer:
    """One prediction as its client received it, and when that client asked and had it."""

    id: str
    input: str
    answer: Mapping[str, Any]
    version: int
    asked_at: float
    answered_at: float


class Client:
    """One connection, which is opened again where it breaks. For one thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: object = None) -> Reply:
        """One request. `OSError` or `HTTPException` where the connection breaks."""
        try:
            content = None if body is None else json.dumps(body)
            self._connection.request(method, path, content, {"content-type": "application/json"})
            response = self._connection.getresponse()
            raw = response.read()
            headers = {name.lower(): value for name, value in response.getheaders()}
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        text = raw.decode()
        return Reply(
            response.status, headers, json.loads(text) if "json" in headers.get("content-type", "") else text
        )

    def predict(self, *inputs: object) -> Reply:
        """Put several inputs in one request."""
        return self.ask("POST", PREDICT, {"inputs": inputs})

    def predict_one(self, value: object) -> Reply:
        """Put one input."""
        return self.ask("POST", PREDICT, {"input": value})

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ask_once(url: str, method: str, path: str, body: object = None) -> Reply:
    """One request on a connection of its own: with several processes, any of them may answer."""
    with Client(url) as client:
        return client.ask(method, path, body)


def answers_in(reply: Reply, inputs: Sequence[str], asked_at: float) -> list[Answer]:
    """The predictions of a successful reply, each beside its input."""
    answered_at = time.monotonic()
    rows = reply.body.get("predictions", [reply.body])
    return [
        Answer(
            row["id"],
            text,
            {key: row[key] for key in ("label", "scores")},
            row["version"],
            asked_at,
            answered_at,
        )
        for text, row in zip(inputs, rows, strict=True)
    ]


class Load:
    """Clients that ask without a pause, each in a thread, until the block ends.

    Half of them send one input at a time, half several; each opens a new connection now and then. No input is sent
    twice. Once the block has ended: `answers`; `refusals`, replies that were no answer; `breaks`, requests that
    ended without a reply.
    """

    def __init__(self, url: str, clients: int = 8, name: str = "load") -> None:
        self.answers: list[Answer] = []
        self.refusals: list[Reply] = []
        self.breaks: list[Exception] = []
        self._url = url
        self._name = name
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    @property
    def failures(self) -> Sequence[object]:
        """Every request that had no answer."""
        return [*self.refusals, *self.breaks]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        rows = 1 if number % 2 else 5
        client, asked = Client(self._url), 0
        while not self._stop.is_set():
            inputs = [f"{self._name}: client {number}, request {asked}, row {row}: lovely!" for row in range(rows)]
            self._ask(client, inputs)
            asked += 1
            if asked % 20 == 0:
                client.close()
        client.close()

    def _ask(self, client: Client, inputs: Sequence[str]) -> None:
        asked_at = time.monotonic()
        try:
            reply = client.predict(*inputs) if len(inputs) > 1 else client.predict_one(*inputs)
        except (OSError, http.client.HTTPException) as error:
            self.breaks.append(error)
            self._stop.wait(0.05)
            return
        if reply.status == 200:
            self.answers.extend(answers_in(reply, inputs, asked_at))
        else:
            self.refusals.append(reply)


def figures(url: str) -> dict[str, float]:
    """What one scrape of /metrics shows: `name{labels}` → value."""
    reply = ask_once(url, "GET", "/metrics")
    assert reply.status == 200
    samples = [line.rpartition(" ") for line in reply.body.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}
