"""How the client gets images."""

from __future__ import annotations

from winnow.client.paths import service_path
from winnow.client.transport import Transport


class ImageMethods:
    """What `Client` does with images."""

    _api: Transport

    def image(self, service: str, digest: str) -> bytes:
        """An image that was asked about or that is an example, as the history or the examples name it."""
        return self._api.content(service_path(service, "images", digest))

    def library_image(self, service: str, name: str, *, thumbnail: bool = False) -> bytes:
        """An image of a service's library as its file is, or made small."""
        parts = (name, "thumbnail") if thumbnail else (name,)
        return self._api.content(service_path(service, "library", *parts))
