"""Writes the images of the service `digits`: scikit-learn's handwritten digits, as PNG files.

    python examples/digits/make.py [FOLDER]

Into FOLDER, which is the script's own unless another is named, come `images`, with a folder for each digit, to
learn from; and `library`, with one image of each digit that is not among them, to pick from. Where both are there,
nothing is done.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

SIDE = 32
"""Pixels of an image's side. The digits have eight, too few for a person to see much."""


def main(folder: Path) -> None:
    """Write what is not there. A folder is complete or absent, whenever the script is stopped."""
    images, library = folder / "images", folder / "library"
    if images.is_dir() and library.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as name:
        made = Path(name)
        write(made)
        for target in (images, library):
            shutil.rmtree(target, ignore_errors=True)
            (made / target.name).rename(target)


def write(folder: Path) -> None:
    """Write every digit: the first of its kind into the library, the others into the folder of their label."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    seen: Counter[int] = Counter()
    for strokes, label in zip(digits.images, digits.target.tolist(), strict=True):
        image = Image.fromarray((strokes * 255 / 16).round().astype("uint8"))
        number = seen[label]
        seen[label] += 1
        path = (
            folder / "images" / f"{label}" / f"{number:03}.png" if number else folder / "library" / f"{label}.png"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
