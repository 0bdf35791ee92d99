"""Images: those of a service's library, which users pick from, and those that its history and examples name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query, Response
from starlette.status import HTTP_304_NOT_MODIFIED

from winnow.api.access import VIEWER, ServiceName, UseWorkspace, refusals
from winnow.api.media_types import IMAGE_TYPES, media_type_of
from winnow.client.answers import LibraryImage, LibraryPage
from winnow.errors import NotFound
from winnow.serving.library import Library
from winnow.serving.thumbnails import MAX_SIZE, MIN_SIZE
from winnow.store import blobs
from winnow.workspace import Workspace

router = APIRouter(tags=["library"])

_ASK_AGAIN = "private, no-cache"
"""A file of the library may change: browsers keep it, and ask each time whether it did."""
_FOR_EVER = "private, max-age=31536000, immutable"
_DIGEST = re.compile(rf"{blobs.PREFIX}[0-9a-f]{{64}}")

ImageName = Annotated[str, Path(description="Name of an image of the library.", examples=["7.png"])]
Seen = Annotated[str | None, Header(alias="If-None-Match", description="The `ETag` that the caller has already.")]


def _answers(*types: str) -> dict[int | str, dict[str, Any]]:
    """The documentation of answers that are files of these types."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {"description": "The image.", "content": dict.fromkeys(types, file)},
        304: {"description": "It is the one that the caller has."},
        **refusals(404, 422, 503),
    }


@router.get("/services/{service}/library", responses=refusals(404), dependencies=[VIEWER])
def list_library(service: ServiceName, workspace: UseWorkspace) -> LibraryPage:
    """The images that users may pick from, by name."""
    root = f"/services/{service}/library"
    paths = ((name, f"{root}/{quote(name, safe='')}") for name in _library(workspace, service).names())
    return LibraryPage(tuple(LibraryImage(name, path, f"{path}/thumbnail") for name, path in paths))


@router.get(
    "/services/{service}/library/{name}",
    response_class=Response,
    responses=_answers(*IMAGE_TYPES),
    dependencies=[VIEWER],
)
def show_library_image(
    service: ServiceName, name: ImageName, workspace: UseWorkspace, seen: Seen = None
) -> Response:
    """One image of the library, as its file is."""
    library = _library(workspace, service)
    stamp = library.stamp(name)
    return _image(f"{stamp.changed_ns:x}-{stamp.size:x}", seen, _ASK_AGAIN, lambda: library.read(name))


@router.get(
    "/services/{service}/library/{name}/thumbnail",
    response_class=Response,
    responses=_answers("image/webp"),
    dependencies=[VIEWER],
)
def show_thumbnail(
    service: ServiceName,
    name: ImageName,
    workspace: UseWorkspace,
    size: Annotated[
        int, Query(ge=MIN_SIZE, le=MAX_SIZE, description="Pixels that its longer side has at most.")
    ] = 128,
    seen: Seen = None,
) -> Response:
    """One image of the library, made small. An image that is smaller already keeps its size."""
    library = _library(workspace, service)
    stamp = library.stamp(name)
    tag = f"{stamp.changed_ns:x}-{stamp.size:x}-{size}"
    return _image(tag, seen, _ASK_AGAIN, lambda: library.thumbnail(name, size))


@router.get(
    "/services/{service}/images/{digest}",
    response_class=Response,
    responses=_answers(*IMAGE_TYPES),
    dependencies=[VIEWER],
)
def show_image(
    service: ServiceName,
    digest: Annotated[
        str, Path(description="The image as the history or the examples name it.", examples=["sha256:9f86d0…"])
    ],
    workspace: UseWorkspace,
    seen: Seen = None,
) -> Response:
    """An image that was asked about, or that is an example."""
    workspace.config(service)
    if not workspace.readers[service].files or _DIGEST.fullmatch(digest) is None:
        raise NotFound(f"service '{service}' has no image '{digest[:80]}': images are named {blobs.PREFIX}…")

    def read() -> bytes:
        with workspace.database.read() as connection:
            return blobs.get(connection, digest)

    return _image(digest, seen, _FOR_EVER, read)


def _library(workspace: Workspace, service: str) -> Library:
    workspace.config(service)
    library = workspace.readers[service].library
    if library is None:
        raise NotFound(f"service '{service}' has no library: 'library' in winnow.toml names a folder of images")
    return library


def _image(tag: str, seen: str | None, keep: str, read: Callable[[], bytes]) -> Response:
    """Answer with an image, unless the caller has it. Its type is what its bytes say: browsers may not guess."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": keep, "X-Content-Type-Options": "nosniff"}
    if seen is not None and headers["ETag"] in re.findall(r'"[^"]*"', seen):
        return Response(status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    content = read()
    return Response(content, headers=headers, media_type=media_type_of(content))
