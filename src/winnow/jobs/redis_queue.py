"""A queue that Redis hands out: streams of tickets, read by a consumer group.

The store holds the jobs; Redis only says which of them somebody should look at. For each service and lane there are
two streams: a line in which new tickets stand, and one for tickets that come back, which goes before it. A worker
reads tickets, takes in the store those that are still to be taken, and removes all that it read. So an entry that
is there twice, or stands for a job that has ended, does no harm; and where fewer stand in line than wait in the
store, the oldest are put there again. That is how whatever Redis lost, or never heard of, comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from loguru import logger
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from winnow.domain import JobKind
from winnow.jobs.bells import HEAR_SECONDS, NEWS, WORK, Bells, HearingBells
from winnow.jobs.queue import LANES, lane_of
from winnow.jobs.sql_queue import SqlQueue, Terms, Waiting
from winnow.store import Database, job_counts, jobs
from winnow.store.jobs import Lease

GROUP = "workers"
CONSUMER = "worker"
"""One name for all: who holds a job is in the store, and names of workers that are gone would gather here."""
RESTORE_MILLISECONDS = 500
"""How often tickets in line are counted, however many workers there are to count them."""
_TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Entry:
    """A ticket as it stands in a stream."""

    stream: str
    place: str
    ticket: str


class RedisBells(HearingBells):
    """Rings travel by PUBLISH. The client is closed with them."""

    def __init__(self, client: Redis, project: str) -> None:
        super().__init__()
        self._client = client
        self._channels = {f"winnow:{project}:{name}": name for name in (WORK, NEWS)}

    def ring(self, name: str) -> None:
        """Ring here, and in every process that listens."""
        super().ring(name)
        channel = next(channel for channel, known in self._channels.items() if known == name)
        with suppress(RedisError):  # who missed it looks again soon
            self._client.publish(channel, self._me)

    def close(self) -> None:
        """Stop hearing, and close the connections."""
        super().close()
        self._client.close()

    def _hear(self) -> None:
        with self._client.pubsub(ignore_subscribe_messages=True) as subscribed:  # type: ignore[no-untyped-call]
            subscribed.subscribe(*self._channels)
            self._make_up()
            while not self._closed.is_set():
                message: Any = subscribed.get_message(timeout=HEAR_SECONDS)
                if message is not None:
                    self._heard(self._channels[message["channel"]], message["data"])


class RedisQueue(SqlQueue):
    """Tickets are handed out by Redis, in order of arrival within a service; services take turns.

    Where Redis does not answer, the store hands them out by itself until it does.
    """

    def __init__(self, database: Database, terms: Terms, bells: Bells, client: Redis, project: str) -> None:
        super().__init__(database, terms, bells)
        self._client = client
        self._keys = f"winnow:{project}"
        self._turns = count()
        self._answers = True

    def lease(self, worker: str, kinds: Collection[JobKind], services: Collection[str], limit: int) -> list[Lease]:
        """Read tickets, and take those in the store that can be taken."""
        leases = None
        with self._asking():
            leases = self._hand_out(worker, kinds, services, limit)
        return super().lease(worker, kinds, services, limit) if leases is None else leases

    def recover(self) -> int:
        """Put tickets back in line too: of jobs whose time has come, and of those that Redis lost."""
        recovered = super().recover()
        with self._asking():
            self._restore()
        return recovered

    def _offer(self, waiting: Sequence[Waiting], *, again: bool = False) -> None:
        """Put tickets in line. Where Redis does not answer, they are put there once it does."""
        with self._asking():
            self._add((self._streams(job.service, lane_of(job.kind))[0 if again else 1], job.id) for job in waiting)
        super()._offer(waiting, again=again)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Go on without Redis where it does not answer; say once that it fails, and once that it is back."""
        try:
            yield
        except RedisError as error:
            if self._answers:
                logger.warning("Redis does not answer, so the database hands out jobs by itself: {}", error)
            self._answers = False
        else:
            if not self._answers:
                logger.info("Redis answers again")
            self._answers = True

    def _streams(self, service: str, lane: Collection[JobKind]) -> tuple[str, str]:
        """The names of its two streams, in the order in which they are read."""
        name = f"{service}:{'+'.join(sorted(lane))}"
        return f"{self._keys}:again:{name}", f"{self._keys}:line:{name}"

    def _add(self, tickets: Iterable[tuple[str, str]]) -> None:
        """Add tickets, given as (stream, ticket), at the ends of streams."""
        pipeline = self._client.pipeline(transaction=False)
        for stream, ticket in tickets:
            pipeline.xadd(stream, {_TICKET: ticket})
        pipeline.execute()

    def _hand_out(
        self, worker: str, kinds: Collection[JobKind], services: Collection[str], limit: int
    ) -> list[Lease]:
        while entries := self._read(kinds, services, limit):
            leases = self._take(worker, entries)
            if leases:
                return leases
        return []

    def _read(self, kinds: Collection[JobKind], services: Collection[str], limit: int) -> list[Entry]:
        """The next tickets, up to `limit`. Nobody else is given them."""
        first = next(self._turns) % max(len(services), 1)
        in_turn = [*services][first:] + [*services][:first]
        lane = lane_of(next(iter(kinds)))
        streams = [stream for service in in_turn for stream in self._streams(service, lane)]
        entries: list[Entry] = []
        for stream, length in zip(streams, self._lengths(streams), strict=True):
            if length and len(entries) < limit:
                entries += self._read_stream(stream, limit - len(entries))
        return entries

    def _lengths(self, streams: Sequence[str]) -> list[int]:
        pipeline = self._client.pipeline(transaction=False)
        for stream in streams:
            pipeline.xlen(stream)
        return pipeline.execute()

    def _read_stream(self, stream: str, limit: int) -> list[Entry]:
        """At most so many entries of one stream, whose group is made where there is none yet."""
        try:
            answer: Any = self._client.xreadgroup(GROUP, CONSUMER, {stream: ">"}, count=limit)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            with suppress(ResponseError):  # another one made it just now
                self._client.xgroup_create(stream, GROUP, id="0", mkstream=True)
            answer = self._client.xreadgroup(GROUP, CONSUMER, {stream: ">"}, count=limit)
        return [Entry(stream, place, fields[_TICKET]) for _, found in answer for place, fields in found]

    def _take(self, worker: str, entries: Sequence[Entry]) -> list[Lease]:
        """Lease in the store what can be leased, and remove all of them from their streams."""
        with self._database.write(lasting=False) as connection:
            tickets = {entry.ticket for entry in entries}
            leases = jobs.lease_these(connection, worker, tickets, self._terms.lease_seconds)
        with suppress(RedisError):  # what is not removed is found by `_forget_unread`
            places: dict[str, list[str]] = {}
            for entry in entries:
                places.setdefault(entry.stream, []).append(entry.place)
            for stream, some in places.items():
                self._remove(stream, some)
        return leases

    def _remove(self, stream: str, places: Sequence[str]) -> None:
        pipeline = self._client.pipeline(transaction=True)
        pipeline.xack(stream, GROUP, *places)
        pipeline.xdel(stream, *places)
        pipeline.execute()

    def _restore(self) -> None:
        """Where more jobs wait in the store than stand in line, put the oldest there again."""
        if not self._client.set(f"{self._keys}:counted", self._keys, nx=True, px=RESTORE_MILLISECONDS):
            return  # another worker has just done it
        with self._database.read() as connection:
            due = job_counts.due(connection)
        for lane in LANES:
            for service in sorted({service for service, kind in due if kind in lane}):
                waiting = sum(due.get((service, kind), 0) for kind in lane)
                self._restore_line(service, lane, waiting)

    def _restore_line(self, service: str, lane: Collection[JobKind], waiting: int) -> None:
        streams = self._streams(service, lane)
        for stream in streams:
            self._forget_unread(stream)
        missing = waiting - sum(self._lengths(streams))
        if missing <= 0:
            return
        with self._database.read() as connection:
            tickets = jobs.first(connection, service, lane, missing)
        logger.debug("{} jobs of '{}' are put in line again", len(tickets), service)
        self._add((streams[0], ticket) for ticket in tickets)
        super()._offer(())

    def _forget_unread(self, stream: str) -> None:
        """Remove what was handed to a worker that died before it took it in the store: it is missing then."""
        patience = int(self._terms.lease_seconds * 1000)
        try:
            claimed: Any = self._client.xautoclaim(stream, GROUP, CONSUMER, patience, justid=True)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            return  # nothing was ever read
        if claimed:
            self._remove(stream, claimed)
