"""Pages on what operators meet: metrics, errors, tables, reports."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

from prometheus_client.parser import text_string_to_metric_families

from docs.generator.markdown import code, page, sentence, table, type_name
from winnow import errors
from winnow.api.problems import problem_of
from winnow.cli import exit_codes
from winnow.domain import JobKind, Measurement, new_id, now
from winnow.lifecycle import report
from winnow.lifecycle.gates import GateResult
from winnow.lifecycle.load_report import LoadReport
from winnow.lifecycle.progress import RunProgress
from winnow.monitoring.metrics import Metrics
from winnow.store.job_counts import Backlog
from winnow.store.schema import metadata
from winnow.tasks import classification

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "batches": "One act of adding examples: a file, one example, or one word of feedback.",
        "examples": "The dataset of each service, append-only. A row counts once its batch has a number.",
        "runs": "Trainings, with how far they are and, at their end, their report or their error.",
        "versions": "The registry: each trained model, its figures, its gates and where its bundle lies.",
        "promotions": "Each change of champion, with its reasons.",
        "predictions": "The history: each answered input.",
        "feedback": "The right target for a prediction, and the example that came of it.",
        "blobs": "The bytes of images. Equal images are kept once.",
        "blob_uses": "Which example, prediction or job needs which blob. One that nobody needs is swept away.",
        "jobs": "Tickets: work that was accepted for later, who holds it, and what came of it.",
        "job_files": "Files of jobs, in parts of about a megabyte: what was handed in, and the result.",
        "webhooks": "Ends of jobs that an address is to be told of, and how far that is.",
        "uploads": "Files of examples, kept as they were sent, so that each example can be traced to its line.",
        "upload_parts": "The bytes of those files, in parts of about a megabyte.",
        "accounts": "People who may sign in, with their roles.",
        "tokens": "What programs sign in with, with their roles.",
        "keys": "What sessions are signed with.",
        "events": "The audit trail: who did what to what, and how it ended.",
        "profiles": "What a version's inputs and answers looked like at training: drift is measured against it.",
        "traffic": "What each process answered in each minute, and how fast.",
        "measurements": "Live quality and drift of each champion over time.",
        "turns": "When something that one process does for all was done last.",
        "workers": "Processes that work on jobs, and when they were last heard of.",
        "alerts": "Conditions that a person should know of, from when they first held until they are resolved.",
        "notifications": "Who is to be told of an alert, and how far that is.",
    }
)
"""What each table holds, in a sentence. Columns are described by their comments, or by the class they fill."""


def metric_page() -> str:
    """Every metric."""
    rows = [
        (code(_exposed(family)), family.type, ", ".join(code(label) for label in labels), family.documentation)
        for family, labels in _families()
    ]
    return page(
        "Metrics",
        "`GET /metrics` gives them in Prometheus' text format, of all serving processes together. A histogram has "
        "the three series `_bucket`, `_sum` and `_count`.",
        table(("metric", "kind", "labels", "what it is"), rows),
    )


def _families() -> Iterator[tuple[Any, tuple[str, ...]]]:
    metrics = Metrics()
    for metric in vars(metrics).values():
        if hasattr(metric, "collect") and hasattr(metric, "_labelnames"):
            labels = tuple(metric._labelnames)  # noqa: SLF001  (prometheus-client says it nowhere else)
            yield next(iter(metric.collect())), labels
    backlog = [Backlog("s", JobKind.PREDICT, 1, new_id())]
    figures = dict.fromkeys(("accuracy", "label_psi", "label_js"), 0.0)
    measured = [Measurement(new_id(), "s", 1, 1, 1, figures, now())]
    from_store = metrics.render({"s": 1}, backlog, measured, {("drift", "s"): 1}).decode()
    for family in text_string_to_metric_families(from_store):
        if family.type == "gauge":
            yield _Gauge(family.name, family.type, family.documentation), tuple(family.samples[0].labels)


@dataclasses.dataclass(frozen=True)
class _Gauge:
    name: str
    type: str
    documentation: str


def _exposed(family: Any) -> str:
    return f"{family.name}_total" if family.type == "counter" else str(family.name)


def metric_help() -> list[tuple[str, str]]:
    """Each metric with its help."""
    return [(_exposed(family), family.documentation) for family, _ in _families()]


def error_page() -> str:
    """Every error with its HTTP status and its exit code."""
    rows = []
    for kind in _error_kinds(errors.WinnowError):
        made = _made(kind)
        told = problem_of(made, "")
        code_ = exit_codes.exit_code_of(made)
        rows.append((code(kind.__name__), code(told["type"]), str(told["status"]), str(int(code_)), sentence(kind)))
    return page(
        "Errors",
        "Every error that Winnow raises on purpose is a `WinnowError`. Over HTTP it is a problem "
        "([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with the `type` below; a command ends with the "
        "exit code. `detail` says what was wrong, where, and what would be right.",
        table(("error", "problem `type`", "HTTP", "exit", "meaning"), rows),
        "A problem has the members `type`, `title`, `status`, `detail` and `instance` (the request's id). `error`, "
        "`error_code` and `message` repeat them for clients that look there. `Overloaded` adds `retry_after` in "
        "seconds and the header `Retry-After`; `GateRefused` adds `failures`; `FileRefused` adds the row-by-row "
        "`report`; `JobFailed` adds `job_error`, which is the job's own problem.",
        "```text\n" + _error_tree() + "\n```",
    )


def _error_tree() -> str:
    tree = (inspect.getdoc(errors) or "").split("\n\n")[1]
    return inspect.cleandoc(tree)


def _error_kinds(kind: type[errors.WinnowError]) -> Iterator[type[errors.WinnowError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _error_kinds(child)


def _made(kind: type[errors.WinnowError]) -> errors.WinnowError:
    """An error of this kind, whatever its constructor takes."""
    filler: Mapping[str, Any] = {
        "str": "",
        "int": 1,
        "float": 1.0,
        "Iterable[Mapping[str, Any]]": (),
        "Mapping[str, Any]": {},
    }
    _, *given = inspect.signature(kind.__init__).parameters.values()
    needed = [parameter for parameter in given if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    return kind(*(filler.get(str(parameter.annotation)) for parameter in needed))


def database_page() -> str:
    """Every table with its columns."""
    blocks = []
    for entry in metadata.sorted_tables:
        rows = [
            (code(column.name), str(column.type).lower(), "" if column.nullable else "always", _column(column))
            for column in entry.columns
        ]
        blocks.append(
            f"## `{entry.name}`\n\n{TABLES[entry.name]}\n\n" + table(("column", "type", "set", "what it is"), rows)
        )
    return page(
        "Database tables",
        "One schema on SQLite and on PostgreSQL. Ids are UUIDv7 as text, so that they sort by time; times are UTC. "
        "`winnow up` and every other command bring the schema to what this Winnow expects.",
        *blocks,
    )


def _column(column: Any) -> str:
    parts = [column.comment or ""]
    parts += [f"Names `{key.column.table.name}.{key.column.name}`." for key in column.foreign_keys]
    return " ".join(part for part in parts if part)


def report_page() -> str:
    """Every key of the report of a run, of a file, and of a run's progress."""
    shapes = [report.Report, report.Counts, report.LabelCount, report.SplitReport, report.CandidateReport,
              report.ChampionReport, report.Decision, RunProgress]  # fmt: skip
    figures = (inspect.getdoc(classification.metrics) or "").split("\n\n", 1)[1]
    return page(
        "Reports",
        "`winnow report SERVICE --json` and `GET /services/{service}/report` give the report of the newest "
        "finished run; a run under way has [RunProgress](#runprogress).",
        *[_report_shape(shape, get_type_hints(shape)) for shape in shapes],
        "## Metrics\n\nThe figures of a candidate or of the champion on the test rows:\n\n" + figures,
        _report_shape(GateResult, get_type_hints(GateResult)),
        "## LoadReport\n\n"
        + (inspect.getdoc(LoadReport) or "")
        + "\n\nKeys: "
        + ", ".join(code(key) for key in LoadReport("", "").to_json())
        + ".",
    )


def _report_shape(shape: type, hints: Mapping[str, Any]) -> str:
    rows = [(code(key), type_name(kind)) for key, kind in hints.items()]
    return f"## {shape.__name__}\n\n{inspect.getdoc(shape)}\n\n" + table(("key", "type"), rows)
