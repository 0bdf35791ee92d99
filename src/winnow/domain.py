"""The words of the design as plain data: what rooms of the house hand to each other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NotRequired, TypedDict

from winnow.errors import WinnowError

Json = Any
"""A value that `json.dumps` takes. (The recursive type costs more readers than it saves bugs.)"""

Input = Any
"""What a service is asked: a text (`str`) or a file, such as an image (`bytes`). Its task says which of the two."""

Target = str | list[str]
"""The right answer to an input: one label, or the set of labels that apply, in the service's order."""


class Classification(TypedDict):
    """An answer: the label (or labels, where several may apply) and a probability for each known label."""

    label: NotRequired[str]
    labels: NotRequired[list[str]]
    scores: dict[str, float]


def most_probable(answer: Classification, count: int) -> Classification:
    """The same answer with the scores of so many labels only, most probable first."""
    ranked = sorted(answer["scores"].items(), key=lambda entry: -entry[1])
    return {**answer, "scores": dict(ranked[:count])}


Outcome = Classification | WinnowError
"""What a model gives for one input: the answer, or that row's own error."""

Progress = Callable[[str, float], None]
"""Told what is being done and how much of it is done (0 to 1). Raises `Cancelled` to stop the work."""


def no_progress(_stage: str, _done: float) -> None:
    """Report to nobody."""


class Status(StrEnum):
    """Where a run or a job stands. The last three are final."""

    QUEUED = "queued"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self in (Status.FINISHED, Status.FAILED, Status.CANCELLED)


class JobKind(StrEnum):
    """What is to be done: answer some inputs, answer a whole file, or train."""

    PREDICT = "predict"
    FILE = "file"
    TRAIN = "train"


PromoteMode = Literal["automatic", "manual"]
"""Whether the best version of a run takes over by itself, or waits for a person."""


class Role(StrEnum):
    """What somebody may do. Each may do what those before it may, and more.

    A viewer asks and reads; an editor also gives feedback, adds examples and hands in jobs; an admin also uploads,
    trains, promotes, erases and keeps the accounts.
    """

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        return needed in _COVERED[self]


_COVERED: Mapping[Role, frozenset[Role]] = MappingProxyType(
    {role: frozenset(list(Role)[: rank + 1]) for rank, role in enumerate(Role)}
)
"""Asked at every request, and quicker than to look through an enumeration."""


class History(StrEnum):
    """What an answer waits for: its commit, its place in the writer's queue, or nothing at all."""

    DURABLE = "durable"
    RELAXED = "relaxed"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Example:
    """An input with its target. Of a file, `input` is the reference of `blob`, which holds its bytes."""

    input: str
    target: Target
    line: int | None = None
    blob: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs and their targets, in step with each other."""

    inputs: Sequence[Input]
    targets: Sequence[Target]

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Sequence[int]) -> Examples:
        """Only these rows, in this order."""
        return Examples([self.inputs[i] for i in rows], [self.targets[i] for i in rows])


@dataclass(frozen=True, slots=True)
class Run:
    """The training of all candidates of one service on one snapshot."""

    id: str
    service: str
    status: Status
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    snapshot: int | None = None
    promote: PromoteMode | None = None
    """`automatic` or `manual`, where this run was told; else winnow.toml says."""
    pid: int | None = None
    progress: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A trained model in the registry. `number` counts from 1 in each service."""

    service: str
    number: int
    run_id: str
    candidate: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    gates: Sequence[Mapping[str, Any]]
    path: str
    sha256: str
    size_bytes: int
    champion: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of champion, with its reasons. `previous` is the version that it took over from."""

    id: str
    service: str
    version: int
    previous: int | None
    kind: str
    reasons: Sequence[str]
    created_at: datetime


@dataclass(slots=True)
class Prediction:
    """One answered input, as the history keeps it. `latency_ms` runs from admission to the model's answer.

    Of a file, `input` is the reference of `blob`, which holds its bytes where they are still to be kept.

    Not frozen, because that would triple the time to make one, and the hot path makes one for each input.
    """

    id: str
    service: str
    version: int
    input: str
    answer: Classification
    latency_ms: float
    request_id: str
    client: str
    created_at: datetime
    ticket: str | None = None
    feedback: Target | None = field(default=None, compare=False)
    blob: bytes | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that was accepted for later. Its id is the ticket.

    `attempt` counts how often a worker has taken it up. `progress` is what the work itself tells. `error` is why
    the last attempt failed: `kind`, `detail` and perhaps more, as `WinnowError.to_json` words them. After
    `expires_at` the result is gone.
    """

    id: str
    service: str
    kind: JobKind
    status: Status
    attempt: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    progress: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sent a request, and what they may do; `role` None may do nothing but what is public.

    `name` is how the audit trail and the history know them: an account's name, `token:<its name>`, `anonymous`, or
    `cli:<user>` for somebody at this machine's command line. `one_time`: the password has to be replaced first.
    `account` is theirs, or that which a token belongs to.
    """

    name: str
    role: Role | None
    kind: Literal["account", "token", "anonymous"]
    one_time: bool = False
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in. `password` is its argon2 hash.

    `one_time`: it was made for them, and they have to choose their own. Sessions of an older `generation` are void.
    """

    name: str
    role: Role
    password: str = field(repr=False)
    one_time: bool
    generation: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """What a program signs in with. `account` is whose it is; None for one that the command line made."""

    id: str
    name: str
    role: Role
    account: str | None
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the audit trail: who did what to what.

    `outcome` is `done`, or the kind of the error that it ended with; None where the process ended before it said.
    """

    id: str
    actor: str
    action: str
    service: str | None
    subject: str | None
    details: Mapping[str, Any]
    outcome: str | None
    request_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The dataset up to one act of adding. `rows` were added by it; `upload` is whether its file was kept."""

    number: int
    source: str
    rows: int
    account: str | None
    upload: bool
    created_at: datetime


class AlertState(StrEnum):
    """Where an alert stands. A pending one has not held for long enough to tell anybody."""

    PENDING = "pending"
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that a person should know of. `service` is empty for what concerns the whole project.

    `value` is the figure that was last seen, in the rule's own unit, and `requirement` what it should meet.
    """

    id: str
    rule: str
    service: str
    state: AlertState
    detail: str
    value: float | None
    requirement: str
    since: datetime
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a version does in use: its figures of one moment. What could not be measured is None.

    `rows` is how many of the newest predictions were looked at, `feedback` how many of the newest that a person
    spoke on; `figures` are those of `winnow.monitoring.live`.
    """

    id: str
    service: str
    version: int
    rows: int
    feedback: int
    figures: Mapping[str, Any]
    created_at: datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a UUIDv7 as text: unique anywhere, and sorted by the moment in which it was made (RFC 9562).

    Its twelve bits below the millisecond are the moment's next ones, a quarter of a microsecond each: ids made one
    after the other in one process sort in that order.
    """
    return _id(os.urandom(8).hex())


def new_ids(count: int) -> list[str]:
    """So many ids, in order. Randomness is asked for once: each time, a thread that waits for its turn gets it."""
    random = os.urandom(8 * count).hex()
    return [_id(random[place : place + 16]) for place in range(0, len(random), 16)]


def _id(random: str) -> str:
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    moment = f"{milliseconds:012x}"
    variant = "89ab"[int(random[0], 16) & 3]
    return f"{moment[:8]}-{moment[8:]}-7{(rest << 12) // 1_000_000:03x}-{variant}{random[1:4]}-{random[4:]}"


def age_of(made: str) -> float:
    """Seconds since an id was made. 0 for one of another machine, whose clock is ahead."""
    return max(0.0, time.time() - int(made[:8] + made[9:13], 16) / 1000)
