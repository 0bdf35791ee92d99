"""Any image file comes out upright, in RGB and on white, or is refused in a sentence; huge ones before decoding."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import corner, encoded, huge_bmp, huge_gif, huge_jpeg, huge_png, huge_webp, plain
from winnow.errors import InvalidInput
from winnow.models.picture import Limits, check_decodes, check_picture, open_picture

LIMITS = Limits()
ALL: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95}),
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("BMP", {}),
]
RED, WHITE, GREY = (255, 0, 0), (255, 255, 255), (128, 128, 128)


def opened(content: bytes, limits: Limits = LIMITS) -> Image.Image:
    check_picture(content, limits)
    check_decodes(content, limits)
    return open_picture(content, limits)


def colour(content: bytes) -> tuple[int, ...]:
    """The colour in the middle."""
    picture = opened(content)
    assert picture.mode == "RGB"
    found = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(found, tuple)
    return found


def alike(found: tuple[int, ...], expected: tuple[int, ...], within: int = 3) -> bool:
    return all(abs(one - other) <= within for one, other in zip(found, expected, strict=True))


def why_not(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(InvalidInput) as refused:
        opened(content, limits)
    return str(refused.value)


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_every_format_is_read(kind: str, options: dict[str, Any]) -> None:
    picture = opened(encoded(plain("RGB", "red", (9, 5)), kind, **options))
    assert (picture.mode, picture.size) == ("RGB", (9, 5))
    assert alike(colour(encoded(plain(), kind, **options)), RED)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded(plain("L", 128)), GREY),
        (encoded(plain("1", 1)), WHITE),
        (encoded(plain("1", 0)), (0, 0, 0)),
        (encoded(plain("L", 128), "JPEG"), GREY),
        (encoded(plain("P", 1), "PNG"), (0, 0, 0)),
        (encoded(plain().convert("P"), "PNG"), RED),
        (encoded(plain().convert("P"), "BMP"), RED),
        (encoded(plain("CMYK", (0, 255, 255, 0)), "JPEG", quality=95), RED),
        (encoded(plain("LA", (128, 255))), GREY),
        (encoded(plain("LA", (128, 0))), WHITE),
        (encoded(plain("RGBA", (255, 0, 0, 255))), RED),
        (encoded(plain("RGBA", (255, 0, 0, 0))), WHITE),
        (encoded(plain("RGBA", (255, 0, 0, 128))), (255, 127, 127)),
        (encoded(plain("RGBA", (255, 0, 0, 0)), "WEBP", lossless=True, exact=True), WHITE),
        (encoded(plain(), "PNG", transparency=(255, 0, 0)), WHITE),
        (encoded(plain("L", 128), "PNG", transparency=128), WHITE),
        (encoded(plain("I;16", 0x8000)), GREY),
        (encoded(plain("I;16", 0xFFFF)), WHITE),
        (encoded(plain("I;16", 0x00FF)), (0, 0, 0)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb_on_white(content: bytes, expected: tuple[int, ...]) -> None:
    assert alike(colour(content), expected)


def test_a_palette_with_transparency_is_laid_on_white() -> None:
    picture = plain("P", 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    assert colour(encoded(picture, "PNG", transparency=0)) == WHITE
    assert colour(encoded(picture, "PNG", transparency=1)) == RED
    assert colour(encoded(picture, "PNG", transparency=bytes([0, 255]))) == WHITE
    assert colour(encoded(picture, "GIF", transparency=0)) == WHITE


def test_a_colour_png_of_sixteen_bits_is_read() -> None:
    rows = b"".join(b"\0" + struct.pack(">HHH", 0xFFFF, 0, 0) * 4 for _ in range(4))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    assert colour(content) == RED


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    frames = [plain("RGB", name, (20, 20)) for name in ("red", "lime", "blue")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    with Image.open(BytesIO(content)) as check:
        assert getattr(check, "n_frames", 1) == 3
    assert alike(colour(content), RED)


# Orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("value", "size", "black"),
    [
        (1, (48, 32), "top left"),
        (2, (48, 32), "top right"),
        (3, (48, 32), "bottom right"),
        (4, (48, 32), "bottom left"),
        (5, (32, 48), "top left"),
        (6, (32, 48), "top right"),
        (7, (32, 48), "bottom right"),
        (8, (32, 48), "bottom left"),
    ],
)
def test_pictures_stand_upright(kind: str, value: int, size: tuple[int, int], black: str) -> None:
    """Where the top left corner of the stored picture belongs is what each of EXIF's eight values says."""
    exif = Image.Exif()
    exif[0x0112] = value
    picture = opened(encoded(corner(), kind, exif=exif.tobytes()))
    assert picture.size == size
    places = {
        f"{row} {column}": (5 if column == "left" else size[0] - 5, 5 if row == "top" else size[1] - 5)
        for row in ("top", "bottom")
        for column in ("left", "right")
    }
    dark = [name for name, place in places.items() if picture.convert("L").getpixel(place) < 100]  # type: ignore[operator]
    assert dark == [black]


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage that is no TIFF at all",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\x7f\x06\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0\0\0\0\0",  # a ninth direction
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04abc\0\0\0\0\0",  # a direction in letters
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_garbage_in_metadata_does_not_matter(kind: str, exif: bytes) -> None:
    picture = opened(encoded(corner(), kind, exif=exif))
    assert picture.size == (48, 32)


# Refusals


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the image is empty"),
        (
            b"just a text, whatever its name says",
            "the file is no image that is read here: JPEG, PNG, WEBP, GIF, BMP",
        ),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "no image that is read here"),
        (b"%PDF-1.7\n1 0 obj", "no image that is read here"),
        (b"PK\x03\x04" + b"\0" * 60, "no image that is read here"),
        (encoded(plain(), "TIFF"), "no image that is read here"),
        (encoded(plain(), "PPM"), "no image that is read here"),
        (encoded(plain("RGB", "red", (32, 32)), "ICO"), "no image that is read here"),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"\xff\xd8\xff", ""),
        (b"GIF89a", ""),
        (b"BM", ""),
        (b"RIFF\x04\0\0\0WEBP", ""),
    ],
)
def test_what_is_no_image_is_refused(content: bytes, says: str) -> None:
    assert says in why_not(content)


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_a_truncated_file_is_refused_wherever_it_ends(kind: str, options: dict[str, Any]) -> None:
    noisy = Image.effect_noise((40, 40), 90).convert("RGB")
    whole = encoded(noisy, kind, **options)
    for share in (0.02, 0.3, 0.6, 0.9):
        assert why_not(whole[: int(len(whole) * share)])


def test_too_many_bytes_are_refused_before_they_are_looked_at() -> None:
    assert why_not(b"x" * 1001, Limits(bytes=1000)) == "the image has 1,001 bytes; at most 1,000 are read"


def test_too_many_pixels_are_refused_and_as_many_as_allowed_are_read() -> None:
    content = encoded(plain("RGB", "red", (100, 50)))
    assert opened(content, Limits(pixels=5000)).size == (100, 50)
    assert why_not(content, Limits(pixels=4999)) == (
        "the image has 100 × 50 pixels, which is more than the 4,999 that are read"
    )


def test_a_gif_that_shows_readers_different_sizes_is_refused() -> None:
    sound = huge_gif((4, 4), (4, 4))
    for hidden in (b"!\xf9\0", b"!\xff\x0bNETSCAPE2.0\0", b"!\x01\0"):
        assert "header is damaged" in why_not(sound[:19] + hidden + sound[19:])


_MEASURE = """
import json, sys
from winnow.errors import InvalidInput
from winnow.models.picture import Limits, check_decodes, check_picture, open_picture
from PIL import Image

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

Image.init()
pixels, size = json.loads(sys.argv[1])
content = sys.stdin.buffer.read(size)
before = peak()
for read in (check_picture, check_decodes, open_picture):
    try:
        read(content, Limits(pixels=pixels))
    except InvalidInput as error:
        print(error)
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("pixels", [1_000_000, 50_000_000])
@pytest.mark.parametrize(
    "content",
    [
        huge_png(),
        huge_jpeg(),
        huge_bmp(),
        huge_gif((13_000, 13_000), (13_000, 13_000)),
        huge_gif((1, 1), (13_000, 13_000)),
        huge_gif((65_535, 65_535), (1, 1)),
        huge_webp(13_000, 13_000),
        huge_webp(16_777_216, 255),
    ],
    ids=["png", "jpeg", "bmp", "gif", "gif frame", "gif screen", "webp", "webp wide"],
)
def test_a_bomb_is_refused_before_memory_is_taken(content: bytes, pixels: int) -> None:
    command = [sys.executable, "-c", _MEASURE, json.dumps([pixels, len(content)])]
    answer = subprocess.run(command, input=content, capture_output=True, timeout=60, check=True)
    *refusals, kilobytes = answer.stdout.decode().splitlines()
    assert len(refusals) == 3
    assert all("pixels" in refusal for refusal in refusals)
    assert int(kilobytes) < 16_000, "the smallest of these would fill 100 megabytes"


# Any bytes

SOUND = [encoded(Image.effect_noise((24, 18), 60).convert("RGB"), kind, **options) for kind, options in ALL]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=6)), max_size=6),
    st.integers(0, 60),
)
def test_any_damage_is_refused_or_survived(sound: bytes, hits: list[tuple[int, bytes]], cut: int) -> None:
    damaged = bytearray(sound)
    for place, bytes_ in hits:
        at = place % len(damaged)
        damaged[at : at + len(bytes_)] = bytes_
    content = bytes(damaged[: len(damaged) - cut])
    small = Limits(pixels=1_000_000)
    try:
        check_picture(content, small)
        check_decodes(content, small)
    except InvalidInput:
        return
    picture = open_picture(content, small)
    assert picture.mode == "RGB"
    assert picture.width * picture.height <= small.pixels
