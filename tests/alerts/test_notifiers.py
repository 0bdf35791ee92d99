"""Notifiers: real messages to a real receiver, and addresses that are wrong."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from tests.jobs.receiver import Receiver, receiving
from winnow.errors import ProjectError
from winnow.monitoring.notifiers.base import Note, Notifier, NotTold, open_notifiers
from winnow.settings import Settings

NOTE = Note(
    "[shop] drift on sentiment",
    "The labels moved.\n0.3, and <= 0.25 is required.",
    "https://x.example/ui",
    good=False,
)


def notifiers(*addresses: str) -> list[Notifier]:
    return list(open_notifiers(Settings.model_validate({"notify": " ".join(addresses)})).values())


def discord_at(receiver: Receiver, path: str = "/api/webhooks/1/token") -> str:
    return f"discord+{receiver.url}{path}"


def embed_of(body: bytes) -> dict[str, Any]:
    (embed,) = json.loads(body)["embeds"]
    assert isinstance(embed, dict)
    return embed


def test_discord_is_told_in_its_own_format() -> None:
    with receiving(204) as receiver:
        (notifier,) = notifiers(discord_at(receiver))
        notifier.tell(NOTE)
        (message,) = receiver.received
    assert message.path == "/api/webhooks/1/token"
    assert message.headers["content-type"].startswith("application/json")
    embed = embed_of(message.body)
    assert embed["title"] == "[shop] drift on sentiment"
    assert embed["description"] == "The labels moved.\n0.3, and <= 0.25 is required."
    assert embed["url"] == "https://x.example/ui"
    assert "author" not in embed


def test_one_notifier_tells_again_and_again_and_in_colours() -> None:
    with receiving(204) as receiver:
        (notifier,) = notifiers(discord_at(receiver))
        for good in (False, True, False):
            notifier.tell(Note("t", "b", None, good=good))
        colours = [embed_of(message.body)["color"] for message in receiver.received]
    assert len(colours) == 3
    assert colours[0] == colours[2] != colours[1]


@pytest.mark.parametrize("path", ["", "/", "/hook", "/a/b/c/d", "/hook?thread=7"])
def test_any_address_can_be_told(path: str) -> None:
    with receiving(200) as receiver:
        (notifier,) = notifiers(discord_at(receiver, path))
        notifier.tell(NOTE)
        (message,) = receiver.received
    assert message.path.partition("?")[0] == (path.partition("?")[0] or "/")
    assert ("thread_id=7" in message.path) == ("thread" in path)


def test_what_a_label_says_neither_calls_people_nor_formats() -> None:
    with receiving(204) as receiver:
        (notifier,) = notifiers(discord_at(receiver))
        notifier.tell(Note("t", "label *@everyone* and <@12345> and a_b_c :smile:\n# x", None, good=False))
        (message,) = receiver.received
    told = json.loads(message.body)
    assert "content" not in told
    assert "@everyone" not in json.dumps(told, ensure_ascii=False)
    assert "a\\_b\\_c" in embed_of(message.body)["description"]


def test_a_refusal_is_not_a_delivery() -> None:
    with receiving(500) as receiver:
        (notifier,) = notifiers(discord_at(receiver))
        with pytest.raises(NotTold):
            notifier.tell(NOTE)
        assert len(receiver.received) == 1


def test_nobody_there_is_not_a_delivery() -> None:
    with receiving() as receiver:
        address = discord_at(receiver)
    (notifier,) = notifiers(address)
    with pytest.raises(NotTold):
        notifier.tell(NOTE)


def test_other_services_are_apprises() -> None:
    with receiving(200) as receiver:
        (notifier,) = notifiers(f"{receiver.url.replace('http://', 'json://')}/alerts")
        notifier.tell(NOTE)
        (message,) = receiver.received
    told = json.loads(message.body)
    assert told["title"] == NOTE.title
    assert told["message"].startswith("The labels moved.")
    assert told["message"].endswith("https://x.example/ui")
    assert told["type"] == "failure"


def test_each_address_has_a_notifier_of_its_own() -> None:
    told = open_notifiers(
        Settings.model_validate({"notify": "  discord://1/secret   json://h/x discord://1/secret"})
    )
    assert len(told) == 2
    assert all(len(digest) == 64 and "secret" not in digest for digest in told)
    assert open_notifiers(Settings()) == {}


@pytest.mark.parametrize(
    ("addresses", "says"),
    [
        ("secret", "address 1 has no scheme"),
        ("discord://1/token secret", "address 2 has no scheme"),
        ("nobody://secret", "address 1, of the scheme 'nobody', is not one that apprise knows"),
        ("discord://secret", "should be discord://, the webhook's id"),
        ("discord://", "should be discord://, the webhook's id"),
        ("discord+http://", "should be discord\\+https://"),
        ("discord+http://secret:99999/x", "should be discord\\+https://"),
        ("discord+ftp://secret/x", "is not one that apprise knows"),
        ("mailto://secret", "is not one that apprise knows"),
        ("json://h/x slack://secret", "address 2, of the scheme 'slack'"),
    ],
)
def test_a_wrong_address_is_named_by_its_place(addresses: str, says: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ProjectError, match=says) as raised:
        notifiers(*addresses.split())
    assert "secret" not in str(raised.value)
    assert "secret" not in caplog.text


def test_addresses_are_not_logged_when_they_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(500) as receiver, caplog.at_level(logging.DEBUG):
        (notifier,) = notifiers(discord_at(receiver, "/api/webhooks/1/s3cret"))
        with pytest.raises(NotTold):
            notifier.tell(NOTE)
    assert "s3cret" not in "".join(entry.getMessage() for entry in caplog.records if entry.name == "apprise")


def test_without_apprise_the_extra_is_named() -> None:
    script = (
        "import sys; sys.modules['apprise'] = None\n"
        "from winnow.monitoring.notifiers.base import open_notifiers\n"
        "from winnow.settings import Settings\n"
        "open_notifiers(Settings(notify='discord://1/token'))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "MissingExtra" in ended.stderr
    assert 'pip install "winnow[notify]"' in ended.stderr
