"""What the page Operations shows of live quality, drift and alerts: figures, and what they mean in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from winnow.client import live_answers
from winnow.domain import AlertState
from winnow.ui.figures import Row
from winnow.ui.words import moment, percent

_STEADY, _MOVED = 0.1, 0.25
"""The usual reading of a population stability index: below the first nothing moved, above the second much did."""

_DRIFT = {
    "label_psi": "Labels (PSI)",
    "confidence_psi": "Confidence (PSI)",
    "label_js": "Labels (JS)",
    "vocabulary_js": "Words (JS)",
}
_ALERT_SIGNS = {AlertState.PENDING: "… pending", AlertState.OPEN: "✗ open", AlertState.RESOLVED: "✓ resolved"}


def accuracy_sentence(latest: live_answers.Measurement) -> str:
    """How often the champion is right in use, as far as people said."""
    accuracy, interval = latest.figures.get("accuracy"), latest.figures.get("interval")
    spoken = f"{latest.feedback:,} predictions of version {latest.version}"
    if accuracy is None:
        return (
            f"People spoke on {spoken}: too few to say how often it is right. "
            "Say what is right on the pages Predict and History."
        )
    low, high = (percent(bound, 1) for bound in interval or (None, None))
    between = f" (between {low} and {high}, with 95 % confidence)" if interval else ""
    return (
        f"{percent(accuracy, 1)} were right{between} of the {spoken} that people spoke on. "
        "Where people only correct what is wrong, that is lower than the truth."
    )


def drift_sentences(figures: Mapping[str, Any]) -> Iterator[str]:
    """What the figures of drift mean, one sentence for each that was measured."""
    for name, what in (("label_psi", "The mix of answers"), ("confidence_psi", "How sure the answers are")):
        psi = figures.get(name)
        if psi is not None:
            yield f"{what} {_moved(psi)} since training (PSI {psi:.2f})."
    unseen, before = figures.get("unseen"), figures.get("reference_unseen")
    if unseen is not None and before is not None:
        yield f"{percent(unseen)} of the words were not frequent in training; there it was {percent(before)}."


def drift_rows(figures: Mapping[str, Any]) -> list[Row]:
    """The figures of drift with the reading of each; those that were not measured are left out."""
    return [
        {"Figure": title, "Value": round(float(figures[name]), 3), "Reading": _reading(name, float(figures[name]))}
        for name, title in _DRIFT.items()
        if figures.get(name) is not None
    ]


def label_mix_rows(figures: Mapping[str, Any]) -> list[Row]:
    """The share of each label among the answers now, beside its share at training."""
    present: Mapping[str, float] = figures.get("labels") or {}
    before: Mapping[str, float] = figures.get("reference_labels") or {}
    return [
        {"Label": label, "When": when, "Share": round(float(shares.get(label, 0.0)), 4)}
        for label in dict.fromkeys([*before, *present])
        for when, shares in (("at training", before), ("now", present))
    ]


def figures_over_time(history: Sequence[live_answers.Measurement]) -> list[Row]:
    """Accuracy and drift of each measurement, oldest first: a line for each figure, for a chart."""
    titles = {"accuracy": "Accuracy", **_DRIFT}
    return [
        {"Measured": measurement.created_at.isoformat(), "Figure": title, "Value": round(float(value), 4)}
        for measurement in reversed(history)
        for name, title in titles.items()
        if (value := measurement.figures.get(name)) is not None
    ]


def measurement_rows(history: Sequence[live_answers.Measurement]) -> list[Row]:
    """One line for each measurement, newest first."""
    return [
        {
            "Measured": moment(measurement.created_at),
            "Version": measurement.version,
            "Predictions": measurement.rows,
            "With feedback": measurement.feedback,
            "Accuracy": _rounded(measurement.figures.get("accuracy")),
            **{title: _rounded(measurement.figures.get(name)) for name, title in _DRIFT.items()},
        }
        for measurement in history
    ]


def alert_title(alert: live_answers.Alert) -> str:
    """An alert in a line: where it stands, what is wrong, and of what service."""
    where = f" on {alert.service}" if alert.service else ""
    return f"{_ALERT_SIGNS[alert.state]}: {alert.rule.replace('-', ' ')}{where}"


def alert_figure(alert: live_answers.Alert) -> str:
    """The figure that was last seen beside what it should be."""
    if alert.value is None:
        return ""
    return f"Seen: {alert.value:.4g}. Required: {alert.requirement}."


def alert_rows(alerts: Sequence[live_answers.Alert]) -> list[Row]:
    """One line for each alert, newest first."""
    return [
        {
            "State": _ALERT_SIGNS[alert.state],
            "Alert": alert.rule.replace("-", " "),
            "Service": alert.service,
            "What": alert.detail,
            "Seen": None if alert.value is None else float(f"{alert.value:.4g}"),
            "Should be": alert.requirement,
            "Since": moment(alert.since),
            "Resolved": moment(alert.resolved_at),
            "Acknowledged by": alert.acknowledged_by or "",
        }
        for alert in alerts
    ]


def _moved(psi: float) -> str:
    if psi < _STEADY:
        return "has not changed"
    return "has changed a little" if psi < _MOVED else "has changed much"


def _reading(name: str, figure: float) -> str:
    if not name.endswith("psi"):
        return "Jensen-Shannon: 0 where nothing changed, 1 where nothing is as it was"
    if figure < _STEADY:
        return f"✓ steady (below {_STEADY:g})"
    return f"… a little (up to {_MOVED:g})" if figure < _MOVED else f"✗ much (from {_MOVED:g})"


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(float(figure), 3)
