"""Webhooks: signed, told until they are heard, and never to an address that is not public."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.handling import SERVICE, new_job, put, take
from tests.jobs.receiver import Received, receiving
from tests.jobs.working import ORDER, at_work, ended, eventually, hand_in
from winnow.client import verify_webhook
from winnow.client.webhooks import sign
from winnow.domain import Status
from winnow.errors import Forbidden, InvalidInput
from winnow.jobs.addresses import is_public, literal, resolve
from winnow.jobs.bells import make_bells
from winnow.jobs.courier import ATTEMPTS, Courier
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.jobs.webhooks import check_webhook
from winnow.settings import Settings
from winnow.store import Database
from winnow.store.jobs import Ending
from winnow.store.schema import webhooks

SECRET = "a secret of ours"

PRIVATE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "10.1.2.3", "172.16.0.1",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "fe80::1", "fd00::1", "ff02::1", "2002:7f00:1::",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1",
)  # fmt: skip


def settings(**given: object) -> Settings:
    return Settings.model_validate({"webhook_secret": SECRET, **given})


def of_url(host: str) -> str:
    return f"http://[{host}]/told" if ":" in host else f"http://{host}/told"


# Addresses


@pytest.mark.parametrize("host", PRIVATE)
async def test_an_address_that_is_not_public_is_told_nothing_however_it_is_written(host: str) -> None:
    address = literal(host)
    assert address is not None
    assert not is_public(address)
    with pytest.raises(Forbidden, match="no public address"):
        await resolve(host, 80, private=False)
    with pytest.raises(InvalidInput, match="public"):
        check_webhook(of_url(host), settings())
    check_webhook(of_url(host), settings(webhook_private=True))


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_told(host: str) -> None:
    assert is_public(ip_address(host))
    check_webhook(of_url(host), settings())


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_in_another_is_as_public_as_itself(address: Any) -> None:
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(ip_address(wrapped)) == is_public(address)
    assert literal(str(int(address))) == address


async def test_a_name_that_leads_to_this_machine_is_told_nothing() -> None:
    for name in ("localhost", "LOCALHOST", socket.gethostname()):
        try:
            found = await resolve(name, 80, private=True)
        except InvalidInput:  # a machine that does not know its own name
            continue
        if not is_public(ip_address(found)):
            with pytest.raises(Forbidden):
                await resolve(name, 80, private=False)


async def test_a_name_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(InvalidInput, match="not known"):
        await resolve("nobody.invalid", 80, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "", "told", "/told", "ftp://example.org/", "javascript:alert(1)", "http://", "http:///told", "file:///etc",
        "http://example.org:0/", "http://example.org:99999/", "http://[::1", "http://exa mple.org/", "http://é.org/",
        "http://example.org/\r\nX: y", "http://localhost/", "http://x.localhost/", "http://a.org/" + "a" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_address_to_tell_is_refused_when_it_is_handed_in(url: str) -> None:
    with pytest.raises(InvalidInput, match="webhook"):
        check_webhook(url, settings())


def test_without_a_secret_nobody_can_be_told() -> None:
    with pytest.raises(InvalidInput, match="WINNOW_WEBHOOK_SECRET"):
        check_webhook("https://example.org/told", Settings())


# Signatures


def test_a_signed_message_is_verified_and_read() -> None:
    body = b'{"id": "1"}'
    assert verify_webhook(body, sign(body, SECRET, int(time.time())), SECRET) == {"id": "1"}


@pytest.mark.parametrize(
    ("body", "header", "says"),
    [
        (b'{"id": "2"}', sign(b'{"id": "1"}', SECRET, int(time.time())), "does not fit"),
        (b"{}", sign(b"{}", "another secret", int(time.time())), "does not fit"),
        (b"{}", sign(b"{}", SECRET, int(time.time()) - 1000), "replay"),
        (b"{}", sign(b"{}", SECRET, int(time.time()) + 1000), "replay"),
        (b"{}", "", "should be"),
        (b"{}", "t=x,v1=y", "should be"),
        (b"{}", f"t={int(time.time())}", "does not fit"),
        (b"{}", f"t={int(time.time())},v1=é", "does not fit"),
    ],
    ids=["another body", "another secret", "old", "ahead", "empty", "no number", "no signature", "no digits"],
)
def test_a_message_that_is_not_ours_is_refused(body: bytes, header: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        verify_webhook(body, header, SECRET)


# Delivery


def told(message: Received) -> dict[str, Any]:
    return verify_webhook(message.body, message.headers["winnow-signature"], SECRET)


async def test_whoever_asked_for_it_is_told_of_the_end(project_copy: Path) -> None:
    given = {"webhook_secret": SECRET, "webhook_private": True}
    with receiving() as receiver:
        async with at_work(project_copy, **given) as runtime:
            order = replace(ORDER, webhook=f"{receiver.url}/told?by=winnow")
            job = runtime.desk.predict("sentiment", ["Lovely."], several=False, order=order)
            ticket = hand_in(runtime, job)
            await ended(runtime, ticket)
            await eventually(lambda: bool(receiver.received))
        (message,) = receiver.received
        assert message.path == "/told?by=winnow"
        assert f"http://{message.headers['host']}" == receiver.url
        assert message.headers["winnow-delivery"] == ticket
        assert {key: told(message)[key] for key in ("id", "service", "kind", "status", "error", "result")} == {
            "id": ticket,
            "service": "sentiment",
            "kind": "predict",
            "status": "finished",
            "error": None,
            "result": f"/jobs/{ticket}/result",
        }


def end_a_job(database: Database, url: str, error: Mapping[str, Any] | None = None) -> str:
    """A job that ended and whose webhook is due."""
    bells = make_bells(database)
    queue = SqlQueue(database, Terms(600, 3, timedelta(hours=1)), bells)
    (ticket,) = put(queue, new_job(webhook=url))
    (lease,) = take(queue, service=SERVICE)
    status = Status.FAILED if error else Status.FINISHED
    queue.settle([Ending(lease, status, result=None if error else {}, error=error)])
    bells.close()
    return ticket


def row(database: Database, ticket: str) -> Any:
    with database.read() as connection:
        return connection.execute(webhooks.select().where(webhooks.c.job_id == ticket)).one()


async def test_who_does_not_hear_is_told_again(database: Database) -> None:
    with receiving(500, 302, 200) as receiver:
        ticket = end_a_job(database, f"{receiver.url}/told", {"kind": "model-failed", "detail": "it broke"})
        courier = Courier(database, settings(webhook_private=True), first_pause=timedelta(0))
        await courier.do()
        assert [message.path for message in receiver.received] == ["/told"] * 3  # no redirect is followed
        assert told(receiver.received[-1])["error"]["detail"] == "it broke"
        kept = row(database, ticket)
        assert (kept.attempt, kept.due_at, kept.error) == (3, None, None)
        assert kept.delivered_at is not None
        await courier.do()
        assert len(receiver.received) == 3


async def test_who_never_hears_is_given_up_with_the_reason(sqlite: Database) -> None:
    with receiving(503) as receiver:
        ticket = end_a_job(sqlite, receiver.url)
        await Courier(sqlite, settings(webhook_private=True), first_pause=timedelta(0)).do()
        assert len(receiver.received) == ATTEMPTS
        kept = row(sqlite, ticket)
        assert (kept.due_at, kept.delivered_at, kept.error) == (None, None, "it answered with status 503")


async def test_the_next_attempt_comes_later_and_later(sqlite: Database) -> None:
    with receiving(503) as receiver:
        ticket = end_a_job(sqlite, receiver.url)
        courier = Courier(sqlite, settings(webhook_private=True))
        await courier.do()
        await courier.do()
        assert len(receiver.received) == 1
        first = row(sqlite, ticket).due_at
        with sqlite.write() as connection:
            connection.execute(webhooks.update().values(due_at=first - timedelta(hours=1)))
        await courier.do()
        assert len(receiver.received) == 2
        assert row(sqlite, ticket).due_at - first > timedelta(seconds=35)


async def test_a_private_address_is_not_called_unless_it_is_allowed(sqlite: Database) -> None:
    """Named by an alias, which is looked at only when it is called."""
    with receiving() as receiver:
        ticket = end_a_job(sqlite, receiver.url)
        await Courier(sqlite, settings()).do()
        assert not receiver.received
        assert "no public address" in row(sqlite, ticket).error


async def test_nobody_there_is_a_reason_too(sqlite: Database) -> None:
    with receiving() as receiver:
        url = receiver.url
    ticket = end_a_job(sqlite, url)
    await Courier(sqlite, settings(webhook_private=True)).do()
    assert "cannot be reached" in row(sqlite, ticket).error


async def test_who_has_no_secret_leaves_deliveries_to_others(sqlite: Database) -> None:
    with receiving() as receiver:
        ticket = end_a_job(sqlite, receiver.url)
        await Courier(sqlite, Settings(webhook_private=True)).do()
        assert not receiver.received
        assert row(sqlite, ticket).attempt == 0


async def test_over_tls_the_name_is_asked_for_and_a_stranger_is_not_believed(sqlite: Database) -> None:
    """The connection goes to a checked address, yet the certificate has to be the name's."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_shake_hands, args=(server, context), daemon=True)
        thread.start()
        ticket = end_a_job(sqlite, f"https://localhost:{server.getsockname()[1]}/told")
        await Courier(sqlite, settings(webhook_private=True)).do()
        thread.join(10)
    assert asked == ["localhost"]
    assert "cannot be reached" in row(sqlite, ticket).error


def _shake_hands(server: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    with connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_side=True)
