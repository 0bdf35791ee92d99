"""scikit-learn's estimators on disk, by skops: data, not code.

A skops file names the types that it is made of. Which of them may be made again is fixed here, not by the file.
skops brings scikit-learn with it: both are imported when they are needed, so that a service without them starts in
a second less and with a third of the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

from winnow.errors import BundleRefused

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""Types beyond skops' own list (numpy's, scikit-learn's public ones) that our estimators are made of."""


def save_estimators(path: Path, estimators: Sequence[Any]) -> None:
    """Write a list of fitted estimators."""
    import skops.io

    skops.io.dump(list(estimators), path, compression=ZIP_DEFLATED, compresslevel=6)


def load_forests(path: Path) -> list[Any]:
    """Read a list of fitted `HistGradientBoostingClassifier`s; `BundleRefused` for anything else.

    What is not trusted is refused before any of it is made.
    """
    import skops.io
    from sklearn.ensemble import HistGradientBoostingClassifier
    from skops.io.exceptions import UntrustedTypesFoundException

    kind = HistGradientBoostingClassifier
    try:
        estimators = skops.io.load(path, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise BundleRefused(f"{path} holds types that no model of ours is made of: {error}") from error
    except Exception as error:  # a damaged file fails anywhere inside skops
        raise BundleRefused(f"{path} cannot be read: {error!r}") from error
    if not isinstance(estimators, list) or not all(type(estimator) is kind for estimator in estimators):
        raise BundleRefused(f"{path} does not hold a list of {kind.__name__}")
    return estimators
