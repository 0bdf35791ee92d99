"""How the client sends: one request, again where that is safe, and every failure as an error of Winnow's tree."""

from __future__ import annotations

import ipaddress
import json
import random
import time
from collections.abc import Hashable, Mapping
from functools import cache
from typing import IO, Any, TypeVar, cast

import httpx2
from pydantic import TypeAdapter, ValidationError

from winnow.client.problems import error_of
from winnow.errors import ConnectionFailed, InvalidInput, NotReady, UnexpectedAnswer

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 60.0
"""A service that says to come back later than this is not waited for."""
_KEEP_ALIVE_SECONDS = 3.0  # shorter than the server's five: it never closes a connection that is being used again
_IDEMPOTENT = frozenset({"GET", "HEAD"})


class Transport:
    """Sends requests to one address and reads their answers. Safe to use from several threads."""

    def __init__(self, url: str, timeout: float, retries: int) -> None:
        self.timeout = timeout
        self._retries = retries
        address = _address(url)
        self._url = str(address).rstrip("/")
        self._http = httpx2.Client(
            base_url=address,
            timeout=timeout,
            headers={"User-Agent": "winnow-client"},
            limits=httpx2.Limits(max_connections=100, keepalive_expiry=_KEEP_ALIVE_SECONDS),
            trust_env=not _is_loopback(address.host),  # a proxy does not know this machine's own addresses
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def get(self, kind: type[T], path: str, **query: object) -> T:
        """Read what a path answers with. A query's None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return _read(kind, self._send("GET", path, params=given))

    def post(self, kind: type[T], path: str, body: Mapping[str, Any] | None = None) -> T:
        """Send a body and read the answer."""
        if body is None:
            return _read(kind, self._send("POST", path))
        # ASCII, because half of a surrogate pair has no other form; the service refuses it in so many words
        headers = {"Content-Type": "application/json"}
        return _read(kind, self._send("POST", path, content=json.dumps(body).encode(), headers=headers))

    def delete(self, kind: type[T], path: str) -> T:
        """Ask for an end and read the answer."""
        return _read(kind, self._send("DELETE", path))

    def upload(
        self, kind: type[T], path: str, name: str, stream: IO[bytes], *, query: Mapping[str, Any], timeout: float
    ) -> T:
        """Send a file and read the answer. `timeout` is in seconds."""
        files = {"file": (name, stream)}
        return _read(kind, self._send("POST", path, again=False, files=files, params=query, timeout=timeout))

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

    def _send(self, method: str, path: str, *, again: bool = True, **content: Any) -> httpx2.Response:
        """Send, and send again after as long as the service asks for, where it has done nothing yet."""
        left = self._retries if again else 0
        while True:
            response = self._send_once(method, path, content)
            if response.is_success:
                return response
            wait = _asked_to_wait(response) if left else None
            if wait is None:
                raise error_of(response)
            left -= 1
            time.sleep(wait * random.uniform(1.0, 1.2))  # noqa: S311  (so that many clients do not all come at once)

    def _send_once(self, method: str, path: str, content: Mapping[str, Any]) -> httpx2.Response:
        where = f"{method} {self._url}{path}"
        try:
            return self._http.request(method, path, **content)
        except httpx2.ConnectError as error:
            raise ConnectionFailed(f"{where}: nobody listens there ({error}). Is the service up?") from error
        except httpx2.TimeoutException as error:
            seconds = content.get("timeout", self.timeout)
            raise ConnectionFailed(f"{where}: no answer within {seconds:g} s") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise ConnectionFailed(f"{where}: the connection broke off: {error}") from error


def _read(kind: type[T], response: httpx2.Response) -> T:
    try:
        answer: T = _reader(cast("Hashable", kind)).validate_json(response.content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        unexpected = UnexpectedAnswer(
            f"{response.request.method} {response.request.url} was answered with something else than a "
            f"{kind.__name__}: {place or 'the body'}: {first['msg']}",
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


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
