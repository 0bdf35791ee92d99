"""The client gets images as the service has them."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.images import make_picture
from tests.projects import Server
from winnow.client import Client
from winnow.errors import NotFound


def test_images_of_the_library_and_of_the_history(image_server: Server) -> None:
    with Client(image_server.url, token="") as client:
        assert client.library_image("colours", "red.png") == make_picture("red")
        small = client.library_image("colours", "wide & green.JPG", thumbnail=True)
        assert max(Image.open(BytesIO(small)).size) == 128
        asked = make_picture("blue", shade=3)
        client.predict("colours", asked)
        assert client.image("colours", client.history("colours", 1)[0].input) == asked
        for name in ("../secret.png", "nosuch.png"):
            with pytest.raises(NotFound):
                client.library_image("colours", name)
        with pytest.raises(NotFound):
            client.image("colours", "sha256:0")
