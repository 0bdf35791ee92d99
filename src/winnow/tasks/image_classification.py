"""The task `image-classification`: which label an image has, or which labels where several may apply."""

from __future__ import annotations

import re
from base64 import b64decode
from functools import cached_property
from io import BytesIO

from winnow.domain import Input
from winnow.errors import InvalidInput
from winnow.models.picture import Limits, check_decodes, check_picture
from winnow.project import ServiceConfig
from winnow.tasks.labels import Labelling

_DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_WHITE_SPACE = re.compile(r"\s+")
_SAMPLE_PIXELS = 64


class ImageClassification(Labelling):
    """Reads images, as files' bytes or in base64, and labels as winnow.toml describes them.

    A question's image is looked at as far as its header: the model decodes it, and says so where it is damaged
    behind that. An example's is decoded here, so that nothing damaged comes into the dataset.
    """

    reads_files = True

    def __init__(self, config: ServiceConfig) -> None:
        super().__init__(config)
        self._limits = Limits.of(config.serving)
        self.file_bytes = self._limits.bytes

    @cached_property
    def sample(self) -> bytes:
        """A small image with some of every colour, as a PNG."""
        from PIL import Image  # noqa: PLC0415  (only who serves images has to load it)

        ramp = Image.linear_gradient("L").resize((_SAMPLE_PIXELS, _SAMPLE_PIXELS))
        picture = Image.merge("RGB", (ramp, ramp.rotate(90), ramp.rotate(180)))
        file = BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def read_input(self, value: object) -> bytes:
        """The bytes of an image that is not too large: from bytes, from base64 text or from a data URI."""
        content = self._from_base64(value) if isinstance(value, str) else value
        if not isinstance(content, bytes):
            kind = "null" if value is None else type(value).__name__
            raise InvalidInput(f"the input should be an image, as base64 text or as a file's bytes, not {kind}")
        check_picture(content, self._limits)
        return content

    def check_example(self, value: Input) -> None:
        """Decode the image to its end."""
        check_decodes(value, self._limits)

    def _from_base64(self, text: str) -> bytes:
        start = _DATA_URI.match(text)
        if start is None and text[:5].lower() == "data:":
            raise InvalidInput("the data URI should begin with 'data:image/...;base64,'")
        encoded = text[start.end() :] if start else text
        if len(encoded) > self._limits.bytes * 1.4 + 4:  # 4 letters for 3 bytes, and the ends of lines
            raise InvalidInput(
                f"the image has too many letters of base64 for the {self._limits.bytes:,} bytes that are read"
            )
        try:
            return b64decode(_WHITE_SPACE.sub("", encoded), validate=True)
        except ValueError:  # what is not ASCII too
            shown = text if len(text) <= 40 else f"{text[:37]}..."
            raise InvalidInput(f"the input should be an image in base64, which {shown!r} is not") from None
