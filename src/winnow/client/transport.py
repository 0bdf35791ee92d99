"""How the client sends: one request, again where that is safe, and every failure as an error of Winnow's tree."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import IO, Any, TypeVar, cast

import httpx2
from pydantic import TypeAdapter, ValidationError

from winnow.client.problems import error_of
from winnow.errors import ConnectionFailed, InvalidInput, NotReady, UnexpectedAnswer
from winnow.hosts import is_loopback

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 60.0
"""A service that says to come back later than this is not waited for."""
_KEEP_ALIVE_SECONDS = 3.0  # shorter than the server's five: it never closes a connection that is being used again
_BREAK_SECONDS = 0.2
"""Pause before a request is sent again whose connection broke."""
_SILENCE_SECONDS = 60.0
"""After how long a silent stream of events is given up. The service is never silent for longer than a quarter."""
_IDEMPOTENT = frozenset({"GET", "HEAD"})


class Transport:
    """Sends requests to one address and reads their answers. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        timeout: float,
        retries: int,
        authorization: str | None = None,
        on_behalf_of: str | None = None,
    ) -> None:
        self.timeout = timeout
        self._retries = retries
        address = _address(url)
        self._url = str(address).rstrip("/")
        self._http = httpx2.Client(
            base_url=address,
            timeout=timeout,
            headers={"User-Agent": "winnow-client", **_identified(authorization, on_behalf_of)},
            limits=httpx2.Limits(max_connections=100, keepalive_expiry=_KEEP_ALIVE_SECONDS),
            trust_env=not is_loopback(address.host),  # a proxy does not know this machine's own addresses
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def get(self, kind: type[T], path: str, /, **query: object) -> T:
        """Read what a path answers with. A query's None is left out."""
        return _read(kind, self._send("GET", path, params=_given(query)))

    def get_slowly(self, kind: type[T], path: str, seconds: float, /, **query: object) -> T:
        """As `get`, of an answer that the service may take so many seconds for on purpose."""
        timeout = httpx2.Timeout(self.timeout, read=self.timeout + seconds)
        return _read(kind, self._send("GET", path, params=_given(query), timeout=timeout))

    def post(
        self,
        kind: type[T],
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        again: bool = True,
        timeout: float | None = None,
    ) -> T:
        """Send a body and read the answer. With an idempotency key it is sent again where the connection breaks.

        Where a person waits, nothing is to be sent `again`: a refusal is theirs to read at once. `timeout` is in
        seconds, where the answer may take longer than others do.
        """
        if body is None:
            return _read(kind, self._send("POST", path, again=again))
        content = _json_body(body, _key_header(key))
        if timeout is not None:
            content["timeout"] = timeout
        return _read(kind, self._send("POST", path, again=again, repeatable=key is not None, **content))

    def patch(self, kind: type[T], path: str, body: Mapping[str, Any]) -> T:
        """Send what is to be changed and read the answer."""
        return _read(kind, self._send("PATCH", path, **_json_body(body)))

    def delete(self, kind: type[T], path: str) -> T:
        """Ask for an end and read the answer."""
        return _read(kind, self._send("DELETE", path))

    def upload(
        self,
        kind: type[T],
        path: str,
        name: str,
        stream: IO[bytes],
        *,
        query: Mapping[str, Any],
        timeout: float,
        key: str | None = None,
    ) -> T:
        """Send a file and read the answer. `timeout` is in seconds.

        With an idempotency key the file, which is rewound, is sent again where the connection breaks.
        """
        content = {"files": {"file": (name, stream)}, "params": _given(query), "timeout": timeout}
        again = key is not None
        response = self._send("POST", path, again=again, repeatable=again, headers=_key_header(key), **content)
        return _read(kind, response)

    def download(
        self, path: str, stream: IO[bytes], *, timeout: float, query: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Read an answer into a file. `timeout` is in seconds, for each part of it."""
        with self._streamed(path, timeout, query) as response:
            for part in response.iter_bytes():
                stream.write(part)

    def events(self, kind: type[T], path: str) -> Iterator[T]:
        """Read the data of server-sent events, as they come, until the service ends the stream."""
        with self._streamed(path, _SILENCE_SECONDS) as response:
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield _parsed(kind, line.removeprefix("data:"), response)

    def content(self, path: str) -> bytes:
        """Read an answer as it is."""
        return self._send("GET", path).content

    def text(self, path: str) -> str:
        """Read an answer that is plain text."""
        return self._send("GET", path).text

    def answers(self, path: str) -> bool:
        """Whether a path answers well, now: nothing is tried again."""
        try:
            self._send("GET", path, again=False)
        except (ConnectionFailed, NotReady):
            return False
        return True

    def _send(
        self, method: str, path: str, *, again: bool = True, repeatable: bool = False, **content: Any
    ) -> httpx2.Response:
        """Send, and send again after as long as the service asks for, where it has done nothing yet.

        What is `repeatable` is sent again too where it is not known what the service did.
        """
        left = self._retries if again else 0
        while True:
            try:
                response = self._send_once(method, path, content)
            except ConnectionFailed:
                if not (repeatable and left):
                    raise
                left -= 1
                time.sleep(_BREAK_SECONDS * random.uniform(1.0, 2.0))  # noqa: S311  (as below)
                continue
            if response.is_success:
                return response
            wait = _asked_to_wait(response) if left else None
            if wait is None:
                raise error_of(response)
            left -= 1
            time.sleep(wait * random.uniform(1.0, 1.2))  # noqa: S311  (so that many clients do not all come at once)

    def _send_once(self, method: str, path: str, content: Mapping[str, Any]) -> httpx2.Response:
        with self._translated(method, path, content.get("timeout", self.timeout)):
            return self._http.request(method, path, **content)

    @contextmanager
    def _streamed(
        self, path: str, timeout: float, query: Mapping[str, Any] = MappingProxyType({})
    ) -> Iterator[httpx2.Response]:
        """An answer that is read by and by. It is not asked for again: part of it may have been used."""
        asked = self._http.stream("GET", path, params=_given(query), timeout=timeout)
        with self._translated("GET", path, timeout), asked as response:
            if not response.is_success:
                response.read()
                raise error_of(response)
            yield response

    @contextmanager
    def _translated(self, method: str, path: str, timeout: float | httpx2.Timeout) -> Iterator[None]:
        where = f"{method} {self._url}{path}"
        try:
            yield
        except httpx2.ConnectError as error:
            raise ConnectionFailed(f"{where}: nobody listens there ({error}). Is the service up?") from error
        except httpx2.TimeoutException as error:
            seconds = timeout.read if isinstance(timeout, httpx2.Timeout) else timeout
            raise ConnectionFailed(f"{where}: no answer within {seconds:g} s") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise ConnectionFailed(f"{where}: the connection broke off: {error}") from error


def _given(query: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _json_body(body: Mapping[str, Any], headers: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """A body as it is sent. ASCII, because half of a surrogate pair has no other form: the service refuses it."""
    return {"content": json.dumps(body).encode(), "headers": {"Content-Type": "application/json", **headers}}


def _identified(authorization: str | None, on_behalf_of: str | None) -> dict[str, str]:
    given = {"Authorization": authorization, "X-Forwarded-For": on_behalf_of}
    return {name: value for name, value in given.items() if value is not None}


def _key_header(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


def _read(kind: type[T], response: httpx2.Response) -> T:
    return _parsed(kind, response.content, response)


def _parsed(kind: type[T], content: str | bytes, response: httpx2.Response) -> T:
    try:
        answer: T = _reader(cast("Hashable", kind)).validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        unexpected = UnexpectedAnswer(
            f"{response.request.method} {response.request.url} was answered with something else than a "
            f"{getattr(kind, '__name__', 'result')}: {place or 'the body'}: {first['msg']}",
            response.status_code,
        )
        unexpected.request_id = response.headers.get("x-request-id")
        raise unexpected from error
    return answer


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("type[Any]", kind))


def _asked_to_wait(response: httpx2.Response) -> float | None:
    """Seconds after which to try again; None where that is not wanted, or not safe.

    429 is a promise that nothing was done. 503 is none, so only requests that change nothing are sent again.
    """
    safe = response.status_code == 429 or (response.status_code == 503 and response.request.method in _IDEMPOTENT)
    try:
        wait = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return wait if safe and 0 <= wait <= LONGEST_WAIT_SECONDS else None


def _address(url: str) -> httpx2.URL:
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InvalidInput(f"'{url}' is not an address: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise InvalidInput(f"'{url}' is not an address such as http://127.0.0.1:8000")
    return address
