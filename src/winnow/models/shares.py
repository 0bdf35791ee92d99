"""Progress of a part, told as a share of the whole."""

from __future__ import annotations

from winnow.domain import Progress


def share(progress: Progress, start: float, end: float) -> Progress:
    """Tell of a part's 0 to 1 as `start` to `end` of the whole."""

    def tell(stage: str, done: float) -> None:
        progress(stage, start + (end - start) * done)

    return tell
