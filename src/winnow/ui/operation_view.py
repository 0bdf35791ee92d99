"""What the page Operations shows of jobs, traffic and the audit trail, as tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from winnow.client import account_answers, answers, live_answers
from winnow.domain import JobKind, Status
from winnow.ui.figures import Row
from winnow.ui.words import counted, moment, percent

KINDS = {JobKind.PREDICT: "answer inputs", JobKind.FILE: "answer a file", JobKind.TRAIN: "train"}
_SIGNS = {
    Status.QUEUED: "… waiting",
    Status.STARTED: "▶ under way",
    Status.FINISHED: "✓ finished",
    Status.FAILED: "✗ failed",
    Status.CANCELLED: "– cancelled",
}


def job_rows(jobs: Sequence[answers.Job]) -> list[Row]:
    """One line for each job, newest first."""
    return [
        {
            "Status": _SIGNS[job.status],
            "Done": percent(done(job)),
            "Work": KINDS[job.kind],
            "Service": job.service,
            "Handed in": moment(job.created_at),
            "Seconds": _seconds(job.started_at, job.finished_at),
            "Problem": "" if job.error is None else str(job.error.get("detail", "")),
            "Ticket": job.id,
        }
        for job in jobs
    ]


def done(job: answers.Job) -> float:
    """How much of a job is done, between 0 and 1."""
    if job.status is Status.FINISHED:
        return 1.0
    share = (job.progress or {}).get("done", 0.0)
    return min(1.0, max(0.0, float(share)))


def job_sentence(job: answers.Job) -> str:
    """How far a job is that has not ended."""
    if job.status is Status.QUEUED:
        return "waits for its turn"
    rows = (job.progress or {}).get("rows")
    counted = "" if rows is None else f", {rows:,} rows answered"
    again = "" if job.attempt < 2 else f" (attempt {job.attempt})"
    return f"{percent(done(job))} done{counted}{again}"


def traffic_rows(buckets: Sequence[live_answers.TrafficBucket]) -> list[Row]:
    """One line for each stretch of time in which something was asked, newest first.

    `Refused` are inputs with an error of their own.
    """
    return [
        {
            "Since": moment(bucket.since),
            "Answered": bucket.answered,
            "Refused": bucket.refused,
            "Failed": bucket.failed,
            "Overloaded": bucket.overloaded,
            "Too late": bucket.late,
            "Median ms": _rounded(bucket.p50_ms),
            "95 % ms": _rounded(bucket.p95_ms),
        }
        for bucket in reversed(buckets)
        if _asked(bucket)
    ]


def outcome_rows(buckets: Sequence[live_answers.TrafficBucket]) -> list[Row]:
    """What became of inputs over time: a line for each stretch and each outcome, for a chart of stacked bars.

    Everything that was not answered and not the row's own error is one outcome: not answered.
    """
    rows: list[Row] = []
    for bucket in buckets:
        unanswered = bucket.failed + bucket.overloaded + bucket.late
        for outcome, inputs in (
            ("answered", bucket.answered),
            ("refused", bucket.refused),
            ("not answered", unanswered),
        ):
            rows.append({"Since": bucket.since.isoformat(), "Outcome": outcome, "Inputs": inputs})
    return rows


def latency_rows(buckets: Sequence[live_answers.TrafficBucket]) -> list[Row]:
    """The latency over time: a line for each stretch and percentile; no figure where nothing was answered."""
    return [
        {"Since": bucket.since.isoformat(), "Percentile": name, "Milliseconds": _rounded(figure)}
        for bucket in buckets
        for name, figure in (("median", bucket.p50_ms), ("95 %", bucket.p95_ms))
    ]


def traffic_sentence(buckets: Sequence[live_answers.TrafficBucket], hours: float) -> str:
    """What was asked in all, and how much of it was not answered."""
    asked = sum(_asked(bucket) for bucket in buckets)
    lost = sum(bucket.failed + bucket.overloaded + bucket.late for bucket in buckets)
    span = "hour" if hours == 1 else counted(int(hours), "hour")
    if not asked:
        return f"Nobody asked anything in the last {span}."
    return f"{asked:,} inputs in the last {span}; {lost:,} of them ({percent(lost / asked, 1)}) had no answer."


def anything(buckets: Sequence[live_answers.TrafficBucket]) -> bool:
    """Whether anything was asked at all."""
    return any(_asked(bucket) for bucket in buckets)


def event_rows(events: Sequence[account_answers.Event]) -> list[Row]:
    """The audit trail: who did what to what, newest first."""
    return [
        {
            "When": moment(event.created_at),
            "Who": event.actor,
            "What": event.action,
            "Service": event.service or "",
            "Of": event.subject or "",
            "Outcome": event.outcome or "not known",
            "Details": ", ".join(f"{name}: {value}" for name, value in event.details.items() if value is not None),
        }
        for event in events
    ]


def _asked(bucket: live_answers.TrafficBucket) -> int:
    return bucket.answered + bucket.refused + bucket.failed + bucket.overloaded + bucket.late


def _seconds(started: datetime | None, finished: datetime | None) -> float | None:
    return None if started is None or finished is None else round((finished - started).total_seconds(), 2)


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)
