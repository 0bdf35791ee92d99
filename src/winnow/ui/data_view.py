"""What the page Data shows: how the dataset grew, what a file's report says, what people disagree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from winnow.client import answers, data_answers
from winnow.domain import Target
from winnow.ui.figures import Row
from winnow.ui.input_view import short_name
from winnow.ui.words import counted, moment, target_words

SOURCES = {"upload": "files", "api": "added one by one", "feedback": "corrections of predictions"}
"""Kinds of source in words."""

_UPLOAD = "upload:"


def growth_rows(counts: Sequence[data_answers.ExampleCount]) -> list[Row]:
    """How many examples of each label there were at the end of each day: a line for each day and label."""
    per_day: dict[date, Counter[str]] = {}
    for count in counts:
        per_day.setdefault(count.day, Counter())[count.label] += count.examples
    labels = sorted({count.label for count in counts})
    total: Counter[str] = Counter()
    rows: list[Row] = []
    for day in sorted(per_day):
        total.update(per_day[day])
        rows += [{"Day": day.isoformat(), "Label": label, "Examples": total[label]} for label in labels]
    return rows


def count_rows(counts: Sequence[data_answers.ExampleCount]) -> list[Row]:
    """How many examples of each label came from where, with the sums."""
    cells: Counter[tuple[str, str]] = Counter()
    for count in counts:
        cells[count.label, count.source] += count.examples
    labels = sorted({label for label, _ in cells})
    kinds = [kind for kind in SOURCES if any(source == kind for _, source in cells)]
    return [
        {
            "Label": label,
            **{SOURCES[kind]: cells[label, kind] for kind in kinds},
            "all": sum(cells[label, kind] for kind in kinds),
        }
        for label in labels
    ]


def report_sentence(report: answers.LoadReport) -> str:
    """What is in a file, in a sentence."""
    how = [report.format.upper() if report.format else "unknown format"]
    how += [f"written in {report.encoding}"] if report.encoding else []
    how += [f"columns separated by {_separator(report.separator)}"] if report.separator else []
    rows = counted(report.rows, "row")
    return (
        f"{report.file} ({', '.join(how)}) has {rows}. To be added: {report.accepted:,}, "
        f"already there: {report.duplicates:,}, not readable: {report.refused:,}."
    )


def refusal_rows(report: answers.LoadReport) -> list[Row]:
    """The rows that were refused, with their line and why. The first thousand are listed."""
    named = any(refusal.file for refusal in report.refusals)
    return [
        {
            "Line": refusal.line,
            **({"File": refusal.file or ""} if named else {}),
            "Why it cannot be read": refusal.reason,
        }
        for refusal in report.refusals
    ]


def reason_rows(report: answers.LoadReport) -> list[Row]:
    """How many rows were refused for each kind of reason."""
    return [{"Reason": reason, "Rows": rows} for reason, rows in report.reasons.items()]


def label_count_rows(report: answers.LoadReport) -> list[Row]:
    """How many of the rows that can be added have each label."""
    return [{"Label": label, "Rows": rows} for label, rows in report.labels.items()]


def refused_report(report: Mapping[str, Any]) -> answers.LoadReport:
    """The report that a refused file carries, as the same answer that an accepted one has."""
    refusals = tuple(answers.Refusal(row["line"], row["reason"], row.get("file")) for row in report["refusals"])
    known = {name: value for name, value in report.items() if name in answers.LoadReport.__dataclass_fields__}
    return answers.LoadReport(**{**known, "refusals": refusals})


def example_rows(examples: Sequence[answers.StoredExample]) -> list[Row]:
    """Examples as a table, newest first."""
    return [
        {
            "Input": short_name(example.input, 300),
            "Right label": target_words(example.target),
            "Source": source_words(example.source),
            "Added": moment(example.created_at),
        }
        for example in examples
    ]


def snapshot_rows(snapshots: Sequence[data_answers.Snapshot]) -> list[Row]:
    """Snapshots as a table, newest first."""
    return [
        {
            "Snapshot": snapshot.number,
            "Source": source_words(snapshot.source),
            "Examples": snapshot.rows,
            "Added by": snapshot.account or "nobody known",
            "Added": moment(snapshot.created_at),
            "File kept": "yes" if snapshot.upload else "no",
        }
        for snapshot in snapshots
    ]


def opinion_rows(disagreement: data_answers.Disagreement) -> list[Row]:
    """What each example says of one input, the newest first: that one counts."""
    return [
        {
            "Label": target_words(opinion.target),
            "Source": source_words(opinion.source),
            "Added": moment(opinion.created_at),
            "Counts": "★ counts" if place == 0 else "",
        }
        for place, opinion in enumerate(disagreement.opinions)
    ]


def source_words(source: str) -> str:
    """Where examples came from."""
    if source.startswith(_UPLOAD):
        return f"file {source.removeprefix(_UPLOAD)}"
    return {"api": "added by itself", "feedback": "correction"}.get(source, source)


def choices(disagreement: data_answers.Disagreement) -> list[Target]:
    """The different targets that examples give one input; the one that counts comes first."""
    found: list[Target] = []
    for opinion in disagreement.opinions:
        if opinion.target not in found:
            found.append(opinion.target)
    return found


def erasure_sentence(erasure: data_answers.Erasure) -> str:
    """What was erased, or what would be."""
    parts = [
        counted(erasure.examples, "example"),
        counted(erasure.predictions, "prediction"),
        counted(erasure.feedback, "correction"),
        counted(erasure.jobs, "job"),
        counted(erasure.uploads, "kept file"),
    ]
    found = f"{', '.join(parts[:-1])} and {parts[-1]}"
    models = ", ".join(str(number) for number in erasure.versions)
    changed = "" if not models else f"; the files of version{'s' * (len(erasure.versions) > 1)} {models} too"
    return f"It is in {found}{changed}." if erasure.dry_run else f"Erased from {found}{changed}."


def found_anything(erasure: data_answers.Erasure) -> bool:
    """Whether the text is anywhere at all."""
    rows = erasure.examples + erasure.predictions + erasure.feedback + erasure.jobs + erasure.uploads
    return bool(rows or erasure.versions)


def _separator(separator: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(separator, f"“{separator}”")
