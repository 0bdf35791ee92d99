"""How far a run is: one figure for the whole, and one for each candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from winnow.domain import Progress

_CANDIDATES_BEGIN, _CANDIDATES_END = 0.05, 0.95
_FITTING = 0.85  # of a candidate's time; the rest is its test


class RunProgress(TypedDict):
    """What `Run.progress` holds. Every `done` is between 0 and 1; `candidate` is the one being worked on."""

    stage: str
    candidate: str | None
    done: float
    candidates: dict[str, float]


Listener = Callable[[RunProgress], None]
"""Told how far a run is. Raises `Cancelled` to stop it."""


def nobody(_progress: RunProgress) -> None:
    """Listen to nothing."""


class Board:
    """Gathers the progress of steps and candidates, and tells the listener of the whole."""

    def __init__(self, candidates: Sequence[str], listener: Listener) -> None:
        self._candidates = dict.fromkeys(candidates, 0.0)
        self._listener = listener

    def stage(self, stage: str, done: float) -> None:
        """Tell of a step of the run itself; `done` is of the whole run."""
        self._listener({"stage": stage, "candidate": None, "done": done, "candidates": dict(self._candidates)})

    def fitting(self, candidate: str) -> Progress:
        """Return what this candidate's `fit` reports to."""
        return self._part(candidate, 0.0, _FITTING)

    def testing(self, candidate: str) -> Progress:
        """Return what this candidate's evaluation reports to."""
        return self._part(candidate, _FITTING, 1.0)

    def finished(self, candidate: str) -> None:
        """Tell that this candidate is done with, well or badly."""
        self._part(candidate, 1.0, 1.0)("done", 1.0)

    def _part(self, candidate: str, begin: float, end: float) -> Progress:
        def report(stage: str, done: float) -> None:
            if candidate in self._candidates:
                self._candidates[candidate] = begin + (end - begin) * min(max(done, 0.0), 1.0)
            mean = sum(self._candidates.values()) / len(self._candidates)
            overall = _CANDIDATES_BEGIN + (_CANDIDATES_END - _CANDIDATES_BEGIN) * mean
            told: RunProgress = {
                "stage": stage,
                "candidate": candidate,
                "done": overall,
                "candidates": dict(self._candidates),
            }
            self._listener(told)

        return report
