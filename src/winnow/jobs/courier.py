"""The courier: tells addresses that jobs have ended, each as often as it takes, up to about a day.

A message is a POST of the job as JSON, without its result: signed (see `winnow.client.webhooks`), to a checked
address, following no redirect. An answer of 2xx is a delivery; anything else is tried again.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from loguru import logger

from winnow import __version__
from winnow.client.webhooks import DELIVERY_HEADER, SIGNATURE_HEADER, sign
from winnow.domain import Job, Status, now
from winnow.errors import WinnowError
from winnow.jobs.addresses import resolve
from winnow.settings import Settings
from winnow.store import Database, webhooks
from winnow.store.webhooks import Delivery

EVERY_SECONDS = 1.0
ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=40)
"""Doubled after each attempt: the last one is made 23 hours after the first."""
AT_ONCE = 16
SECONDS = 10.0
"""How long one message may take in all."""
_TAKEN_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Courier:
    """A chore of every worker; whoever takes a delivery makes it."""

    database: Database
    settings: Settings
    first_pause: timedelta = FIRST_PAUSE

    async def do(self) -> None:
        """Deliver what is due."""
        if self.settings.webhook_secret is None:
            return
        while taken := await asyncio.to_thread(self._take):
            await asyncio.gather(*map(self._deliver, taken))

    def _take(self) -> list[Delivery]:
        with self.database.read() as connection:
            if not webhooks.any_due(connection):
                return []
        with self.database.write() as connection:
            return webhooks.take(connection, AT_ONCE, _TAKEN_FOR)

    async def _deliver(self, delivery: Delivery) -> None:
        job = delivery.job
        try:
            async with asyncio.timeout(SECONDS):
                status = await self._post(job)
            problem = None if 200 <= status < 300 else f"it answered with status {status}"
        except TimeoutError:
            problem = f"it did not answer within {SECONDS:g} seconds"
        except WinnowError as error:
            problem = str(error)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            problem = f"it cannot be reached: {error or type(error).__name__}"
        if problem is not None:
            logger.warning(
                "the end of job {} could not be told (attempt {}): {}", job.id, delivery.attempt, problem
            )
        await asyncio.to_thread(self._note, delivery, problem)

    async def _post(self, job: Job) -> int:
        """Send a message to the address that was checked, under the name that it was asked for."""
        url = httpx2.URL(job.webhook or "")
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await resolve(url.host, port, private=self.settings.webhook_private)
        async with (
            httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=(body := _message(job)),
                headers={"Host": url.netloc.decode(), **self._headers(job, body)},
                extensions={"sni_hostname": url.host},
            ) as response,  # whose body is of no interest
        ):
            return response.status_code

    def _headers(self, job: Job, body: bytes) -> dict[str, str]:
        secret = self.settings.webhook_secret
        return {
            "Content-Type": "application/json",
            "User-Agent": f"winnow/{__version__}",
            DELIVERY_HEADER: job.id,
            SIGNATURE_HEADER: sign(body, secret.get_secret_value() if secret else "", int(time.time())),
        }

    def _note(self, delivery: Delivery, problem: str | None) -> None:
        with self.database.write() as connection:
            if problem is None:
                webhooks.delivered(connection, delivery)
            else:
                webhooks.failed(connection, delivery, problem, self._next(delivery))

    def _next(self, delivery: Delivery) -> datetime | None:
        if delivery.attempt >= ATTEMPTS:
            return None
        return now() + self.first_pause * (1 << (delivery.attempt - 1))


def _message(job: Job) -> bytes:
    """The job as `GET /jobs/{ticket}` words it, as far as it concerns its end; `result` is where that is."""
    told = {
        "id": job.id,
        "service": job.service,
        "kind": job.kind,
        "status": job.status,
        "attempt": job.attempt,
        "created_at": _moment(job.created_at),
        "started_at": _moment(job.started_at),
        "finished_at": _moment(job.finished_at),
        "expires_at": _moment(job.expires_at),
        "error": job.error,
        "result": f"/jobs/{job.id}/result" if job.status is Status.FINISHED else None,
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
