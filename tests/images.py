"""Pictures, and projects that ask about them.

project = make_image_project(tmp_path / "shop")
train_colours(project)
with Server(project) as server: ...
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.projects import make_project, train_directly
from winnow.domain import Examples
from winnow.models.image_candidates import PixelsLinear

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 50, 230)}

PROJECT = """
[project]
name = "tests"
classic = { images = "colours" }

[services.colours]
task = "image-classification"
description = "Which <colour> is it?"
labels = ["blue", "green", "red"]
library = "library"
candidates = ["pixels-linear"]

[services.colours.serving]
max_image_mb = 0.5
max_pixels = 1_000_000

[services.sentiment]
task = "text-classification"
labels = ["negative", "positive"]
data = ["reviews.csv"]
"""


def make_picture(colour: str = "red", size: tuple[int, int] = (24, 16), kind: str = "PNG", shade: int = 0) -> bytes:
    """An image file of one colour, or of nearly that colour."""
    red, green, blue = COLOURS[colour]
    file = BytesIO()
    Image.new("RGB", size, (red + shade, green + shade, blue + shade)).save(file, kind)
    return file.getvalue()


def make_image_project(folder: Path) -> Path:
    """Write a project whose service `colours` has a library, with what else a folder may hold beside images."""
    make_project(folder, PROJECT)
    (folder / "secret.png").write_bytes(make_picture("green"))
    library = folder / "library"
    (library / "below").mkdir(parents=True)
    (library / "below" / "deep.png").write_bytes(make_picture())
    (library / "red.png").write_bytes(make_picture("red"))
    (library / "wide & green.JPG").write_bytes(make_picture("green", (400, 100), "JPEG"))
    (library / "bleu é.webp").write_bytes(make_picture("blue", kind="WEBP"))
    (library / "broken.png").write_bytes(make_picture()[:40])
    (library / "notes.txt").write_text("not an image")
    (library / ".hidden.png").write_bytes(make_picture())
    (library / "link.png").symlink_to(folder / "secret.png")
    (library / "folder.png").mkdir()
    return folder


LIBRARY = ["bleu é.webp", "broken.png", "red.png", "wide & green.JPG"]


def train_colours(project: Path, name: str = "pixels-linear", *, promote: bool = True) -> int:
    """Add a version that tells the colours apart, and return its number."""
    labels = [label for label in COLOURS for _ in range(8)]
    pictures = [make_picture(label, shade=shade) for label in COLOURS for shade in range(8)]
    given = Examples(pictures, labels)
    return train_directly(project, "colours", candidate=PixelsLinear(), name=name, given=given, promote=promote)
