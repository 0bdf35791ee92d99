"""A run's report in words and tables, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from winnow.cli.output import Block, Cell, Grid, count, styled

_MAX_LABELS = 4
"""Labels that have a column of their own; beyond them the table names the one that is found least."""
_MAX_MATRIX = 10
"""Labels of a confusion matrix that is shown whole; beyond them only the most frequent confusions are listed."""

_Report = Mapping[str, Any]
_Row = Mapping[str, Any]


def report_blocks(report: _Report) -> Iterator[Block]:
    """The whole report: who learned, how good they are, which gates they meet, and what was decided."""
    ranked = _ranked(report)
    counts = report["counts"]
    yield styled(
        f"{report['service']}: {count(counts['train'], 'example')} to learn from, "
        f"{counts['test']:,} to test with, {report['seconds']:.1f} s",
        "bold",
    )
    yield ""
    yield _comparison(report, ranked)
    for entry in report["candidates"]:
        if entry["status"] == "failed":
            yield styled(f"{entry['name']} could not learn: {entry['error']}", "red")
    for label, rows in counts["left_out"].items():
        yield f"{count(rows, 'example')} of '{label}' left out: winnow.toml names that label no more"
    if any(entry["gates"] for entry in ranked):
        yield ""
        yield _gates(ranked)
    if ranked:
        yield ""
        yield from _confusion(ranked[0])
    yield ""
    yield from decision_blocks(report)


def decision_blocks(report: _Report) -> Iterator[Block]:
    """What was decided, and why."""
    promoted = report["decision"]["promoted"]
    if promoted is None:
        yield styled("No version was promoted.", "bold yellow")
    else:
        yield styled(f"Version {promoted} is the champion now.", "bold green")
    for reason in report["decision"]["reasons"]:
        yield f"  - {reason}"


def met(gates: Sequence[Mapping[str, Any]]) -> Text:
    """How many gates are met, in a few words."""
    missed = sum(not gate["passed"] for gate in gates)
    if not gates:
        return styled("none set", "dim")
    if missed:
        return styled(f"{missed} of {len(gates)} missed", "red")
    return styled("all met", "green")


def share(figure: float | None) -> str:
    """A figure between 0 and 1; a dash where it could not be measured."""
    return "-" if figure is None else f"{figure:.3f}"


def _ranked(report: _Report) -> list[_Row]:
    """The candidates that learned, best first."""
    fitted = [entry for entry in report["candidates"] if entry["status"] == "fitted"]
    return sorted(fitted, key=lambda entry: -(entry["metrics"][report["primary_metric"]] or 0.0))


def _comparison(report: _Report, ranked: Sequence[_Row]) -> Grid:
    labels = list(report["counts"]["labels"])
    recalls = [f"recall\n{label}" for label in labels] if len(labels) <= _MAX_LABELS else ["lowest\nrecall"]
    figures = ["accuracy", "95 %\ninterval", "f1_macro", *recalls, "p95 ms", "MB", "fit s"]
    rows = [[*_named(entry, report), *_figures(entry, labels), met(entry["gates"])] for entry in ranked]
    champion = report["champion"]
    if champion is not None and champion["metrics"] is not None:
        rows.append([f"champion (version {champion['version']})", "", *_figures(champion, labels), ""])
    if report["baseline"]["status"] == "fitted":
        rows.append(["baseline (majority)", "", *_figures(report["baseline"], labels), ""])
    columns = ["candidate", "version", *figures, "gates"]
    return Grid(columns, rows, numbers=columns[1:-1], spare=["MB", "fit s", "95 %\ninterval", "p95 ms", *recalls])


def _named(entry: _Row, report: _Report) -> list[Cell]:
    promoted = entry["version"] == report["decision"]["promoted"]
    return [styled(entry["name"], "bold green" if promoted else ""), str(entry["version"])]


def _figures(entry: _Row, labels: Sequence[str]) -> list[Cell]:
    metrics = entry["metrics"]
    interval = entry["interval"]["accuracy"]
    recalls = [(metrics["labels"][label]["recall"], label) for label in labels]
    size, fit = entry.get("size_mb"), entry.get("fit_seconds")
    return [
        share(metrics["accuracy"]),
        f"{interval[0]:.2f}-{interval[1]:.2f}" if interval else "-",
        share(metrics["f1_macro"]),
        *_recalls(recalls),
        f"{entry['predict']['p95_ms']:.2f}",
        "" if size is None else f"{size:.2f}",
        "" if fit is None else f"{fit:.1f}",
    ]


def _recalls(recalls: Sequence[tuple[float | None, str]]) -> list[str]:
    if len(recalls) <= _MAX_LABELS:
        return [share(recall) for recall, _ in recalls]
    known = [(recall, label) for recall, label in recalls if recall is not None]
    if not known:
        return ["-"]
    recall, label = min(known)
    return [f"{share(recall)} ({label})"]


def _gates(ranked: Sequence[_Row]) -> Grid:
    """Gates down, candidates across: met, or by how much it is missed."""
    names = [(gate["gate"], gate["requirement"]) for gate in ranked[0]["gates"]]
    rows: list[list[Cell]] = []
    for place, (name, requirement) in enumerate(names):
        rows.append([f"{name} {requirement}", *(_gate_cell(entry["gates"][place]) for entry in ranked)])
    candidates = [entry["name"] for entry in ranked]
    return Grid(["gate", *candidates], rows, numbers=candidates, prose=candidates)


def _gate_cell(gate: Mapping[str, Any]) -> Text:
    if gate["figure"] is None:
        return styled("nothing to compare", "dim") if gate["passed"] else styled("not measured", "red")
    figure = f"{gate['figure']:.3g}"
    if gate["passed"]:
        return styled(f"{figure} met", "green")
    return styled(f"{figure} missed by {gate['short_by']:.2g}", "red")


def _confusion(entry: _Row) -> Iterator[Block]:
    confusion = entry["metrics"]["confusion"]
    if "by_label" in confusion:
        yield f"{entry['name']}, label by label on the test rows:"
        columns = ["label", "found", "missed", "wrongly given", "rightly left out"]
        rows = [
            [label, *(f"{cells[cell]:,}" for cell in ("tp", "fn", "fp", "tn"))]
            for label, cells in confusion["by_label"].items()
        ]
        yield Grid(columns, rows, numbers=columns[1:])
    elif len(confusion["labels"]) <= _MAX_MATRIX:
        yield f"{entry['name']} on the test rows: what is right (down), what it answered (across)"
        yield _matrix(confusion)
    else:
        yield f"{entry['name']} on the test rows: what it mistook most often"
        yield _commonest(confusion)


def _matrix(confusion: Mapping[str, Any]) -> Grid:
    labels = confusion["labels"]
    rows: list[list[Cell]] = []
    for place, counts in enumerate(confusion["counts"]):
        cells = [
            styled(f"{n:,}", "bold" if at == place else "dim" if n == 0 else "") for at, n in enumerate(counts)
        ]
        rows.append([labels[place], *cells])
    return Grid(["", *labels], rows, numbers=labels)


def _commonest(confusion: Mapping[str, Any]) -> Grid:
    labels = confusion["labels"]
    mistakes = [
        (n, labels[right], labels[given])
        for right, counts in enumerate(confusion["counts"])
        for given, n in enumerate(counts)
        if right != given and n
    ]
    rows = [[right, given, f"{n:,}"] for n, right, given in sorted(mistakes, reverse=True)[:_MAX_MATRIX]]
    return Grid(["right", "answered", "times"], rows, numbers=["times"])
