"""Gates: whether a version may answer users, and in plain words why or why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from winnow.project import Gates, Requirement

Figures = Mapping[str, Any]
"""What `Evaluation.to_json` gives, and `regression`; a version's `metrics` in the registry are just that."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate put to one version.

    `figure` is None where it could not be measured; then the gate is not passed, save for `regression` while there
    is no champion to compare with. `short_by` is in the figure's own unit: 0 where the gate is passed, None where
    there is no figure.
    """

    gate: str
    requirement: str
    figure: float | None
    passed: bool
    short_by: float | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As reports, the registry and errors carry it."""
        return asdict(self)


def check_gates(gates: Gates, figures: Figures) -> list[GateResult]:
    """Put every gate of winnow.toml to a version's figures, its `regression` among them where there is one."""
    results = [_check(name, requirement, _figure(figures, name)) for name, requirement in _stated(gates)]
    return [*results, _check_regression(gates.regression, figures.get("regression"))]


def regression(figures: Figures, champion: Figures | None) -> float | None:
    """How much lower than the champion's the macro F1 is on the same rows; negative where it is higher."""
    if champion is None or champion.get("f1_macro") is None:
        return None
    return float(champion["f1_macro"]) - float(figures.get("f1_macro") or 0.0)


def failed(results: Sequence[GateResult]) -> list[GateResult]:
    """Only the gates that were not passed."""
    return [result for result in results if not result.passed]


def _stated(gates: Gates) -> Iterator[tuple[str, Requirement]]:
    for name in ("accuracy", "f1_macro"):
        if (requirement := getattr(gates, name)) is not None:
            yield name, requirement
    for label, requirement in gates.recall.items():
        yield f"recall.{label}", requirement
    for name in ("latency_p95_ms", "size_mb"):
        if (requirement := getattr(gates, name)) is not None:
            yield name, requirement


def _figure(figures: Figures, gate: str) -> float | None:
    if gate.startswith("recall."):
        found = figures.get("labels", {}).get(gate.removeprefix("recall."), {}).get("recall")
    elif gate == "latency_p95_ms":
        found = figures["predict"]["p95_ms"]
    else:
        found = figures.get(gate)
    return None if found is None else float(found)


def _check(gate: str, requirement: Requirement, figure: float | None) -> GateResult:
    if figure is None:
        why = "no test row has that label" if gate.startswith("recall.") else "no test row was put to the model"
        reason = f"{gate} could not be measured, so {requirement} is not met: {why}"
        return GateResult(gate, str(requirement), None, passed=False, short_by=None, reason=reason)
    passed, short_by = requirement.met_by(figure), requirement.short_by(figure)
    reason = (
        f"{gate} {_number(figure)} meets {requirement}"
        if passed
        else f"{gate} {_number(figure)} misses {requirement} by {_number(short_by, 2)}"
    )
    return GateResult(gate, str(requirement), figure, passed, short_by, reason)


def _check_regression(requirement: Requirement, figure: float | None) -> GateResult:
    if figure is not None:
        return _check("regression", requirement, figure)
    reason = "regression has nothing to compare with: no champion answered the same rows"
    return GateResult("regression", str(requirement), None, passed=True, short_by=0.0, reason=reason)


def _number(figure: float, digits: int = 4) -> str:
    return f"{figure:.{digits}g}"
