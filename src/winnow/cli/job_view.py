"""Jobs as the command line shows them: in a table, one in full, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from winnow.cli.answer_view import answer_blocks, answers_grid, for_programs
from winnow.cli.output import Block, Cell, Grid, clean, count, moment, styled
from winnow.domain import Job, JobKind, Json, Status, now

STYLES = {
    Status.QUEUED: "",
    Status.STARTED: "bold cyan",
    Status.FINISHED: "green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "yellow",
}
_COLUMNS = ["ticket", "service", "kind", "status", "age", "attempt", "note"]
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def job_json(job: Job, position: int | None = None, estimated_wait: float | None = None) -> Json:
    """Word a job as the API does."""
    told = {name: value for name, value in asdict(job).items() if name != "webhook"}
    return told | {"position": position, "estimated_wait": estimated_wait}


def result_json(job: Job, found: Json) -> Json:
    """Word a result as the API does."""
    if job.kind is not JobKind.PREDICT:
        return found
    if "predictions" in found:
        return {"predictions": [for_programs(row) for row in found["predictions"]]}
    return for_programs(found)


def jobs_grid(found: Sequence[Job]) -> Grid:
    """Jobs in the order given."""
    return Grid(
        _COLUMNS, [_row(job) for job in found], numbers=["age", "attempt"], cut=["note"], spare=["attempt", "kind"]
    )


def job_blocks(job: Job, position: int | None, estimated_wait: float | None) -> Iterator[Block]:
    """One job in full, and what can be done about it."""
    yield styled(f"{job.service} {job.kind}: {job.status}", STYLES[job.status] or "bold")
    facts = [
        ("ticket", job.id),
        ("handed in", f"{moment(job.created_at)}, {duration(_seconds(job.created_at))} ago"),
        ("started", "" if job.started_at is None else f"{moment(job.started_at)}, attempt {job.attempt}"),
        ("ended", "" if job.finished_at is None else f"{moment(job.finished_at)}, {_took(job)}"),
        ("place", "" if position is None else place_of(position, estimated_wait)),
        ("progress", progress_of(job)),
        ("last error" if not job.status.final else "error", error_of(job)),
        ("webhook", job.webhook or ""),
        ("next", _next(job)),
    ]
    yield from (f"  {name:<11}{clean(value)}" for name, value in facts if value)


def result_blocks(job: Job, found: Json, asked: Sequence[str] = ()) -> Iterator[Block]:
    """What came of a finished job. `asked` are its inputs, where they are known."""
    match job.kind:
        case JobKind.PREDICT if "predictions" in found:
            yield answers_grid(found["predictions"], asked)
        case JobKind.PREDICT:
            yield from answer_blocks(found, f"version {found['version']}, prediction {found['id']}")
        case JobKind.FILE:
            yield from file_blocks(found, f"`winnow jobs {job.id} --output FILE` writes them")
        case JobKind.TRAIN:
            yield from _training_blocks(job, found)


def file_blocks(facts: Json, where: str) -> Iterator[Block]:
    """How many rows of a file have an answer, and where they are."""
    yield styled(f"{count(facts['rows'] - facts['failed'], 'row')} answered: {where}", "bold")
    if facts["failed"]:
        yield styled(f"{count(facts['failed'], 'row')} could not be answered: see the column error", "yellow")


def place_of(position: int, estimated_wait: float | None) -> str:
    """Where a job stands in its queue."""
    if position == 0:
        return "the next one"
    before = f"behind {count(position, 'other')}"
    return before if estimated_wait is None else f"{before}, about {duration(estimated_wait)}"


def progress_of(job: Job) -> str:
    """How far a job is, as far as its work tells."""
    share = share_of(job)
    return ", ".join(filter(None, ("" if share is None else f"{share:.0%}", stage_of(job))))


def share_of(job: Job) -> float | None:
    """How much of a job is done, 0 to 1; None where nobody knows."""
    return (job.progress or {}).get("done")


def stage_of(job: Job) -> str:
    """What a job is at, in words."""
    told = job.progress or {}
    parts = []
    if "rows" in told:
        parts.append(count(told["rows"], "row"))
    if told.get("failed"):
        parts.append(f"{told['failed']:,} could not be answered")
    if told.get("candidate") or told.get("stage"):
        parts.append(told.get("candidate") or told["stage"])
    return ", ".join(parts)


def error_of(job: Job) -> str:
    """Why the last attempt failed."""
    return "" if job.error is None else f"{job.error['kind']}: {job.error['detail']}"


def duration(seconds: float) -> str:
    """`300 ms`, `1.2 s`, `12 s`, `5 min`, `3 h`, `2 d`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _row(job: Job) -> list[Cell]:
    told = progress_of(job) if job.status is Status.STARTED else error_of(job)
    if job.status is Status.FINISHED:
        told = _took(job)
    return [
        job.id,
        job.service,
        job.kind,
        styled(job.status, STYLES[job.status]),
        duration(_seconds(job.created_at)),
        str(job.attempt),
        clean(told),
    ]


def _training_blocks(job: Job, found: Json) -> Iterator[Block]:
    promoted = found["promoted"]
    said = "No version was promoted." if promoted is None else f"Version {promoted} is the champion now."
    yield styled(said, "bold yellow" if promoted is None else "bold green")
    yield from (f"  - {reason}" for reason in found["reasons"])
    yield f"the report: `winnow report {job.service} --run {found['run']}`"


def _next(job: Job) -> str:
    match job.status:
        case Status.QUEUED | Status.STARTED:
            return f"`winnow jobs {job.id} --wait` follows it, `--cancel` ends it"
        case Status.FINISHED if job.expires_at is not None and job.expires_at < now():
            return f"nothing: the result was kept until {moment(job.expires_at)}"
        case Status.FINISHED:
            return f"`winnow jobs {job.id} --result`, until {moment(job.expires_at)}"
        case _:
            return ""


def _took(job: Job) -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return f"took {duration((job.finished_at - job.started_at).total_seconds())}"


def _seconds(since: datetime) -> float:
    return max((now() - since).total_seconds(), 0.0)
