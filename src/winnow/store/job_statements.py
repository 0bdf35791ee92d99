"""The statements that write groups of jobs: one parameter, a JSON list of lists, each of which is one job.

JSON within it goes as text, so that the database keeps every digit and tells a null from nothing.
"""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text

_PUT = (
    "INSERT INTO jobs (id, service, kind, payload, digest, request_id, client, idempotency_key, webhook, "
    "created_at, due_at, status) SELECT {id}, {service}, {kind}, {payload}, {digest}, {request_id}, {client}, "
    "{key}, {webhook}, {moment}, {moment}, 'queued' FROM {rows} WHERE true ON CONFLICT DO NOTHING RETURNING id"
)
_PUT_SQLITE = text(
    _PUT.format(
        rows="json_each(:rows)",
        moment="substr(json_extract(value, '$[9]'), 1, 26)",
        **{
            name: f"json_extract(value, '$[{place}]')"
            for place, name in enumerate(
                ("id", "service", "kind", "payload", "digest", "request_id", "client", "key", "webhook")
            )
        },
    )
)
_PUT_POSTGRESQL = text(
    _PUT.format(
        rows="json_array_elements(CAST(:rows AS json)) AS given(value)",
        id="value ->> 0",
        service="value ->> 1",
        kind="value ->> 2",
        payload="(value ->> 3)::json",
        digest="value ->> 4",
        request_id="value ->> 5",
        client="value ->> 6",
        key="value ->> 7",
        webhook="value ->> 8",
        moment="(value ->> 9)::timestamptz",
    )
)

_SETTLE = (
    "UPDATE jobs SET status = {status}, result = {result}, error = {error}, due_at = coalesce({due}, due_at), "
    "finished_at = {finished}, expires_at = {expires}, lease_until = NULL FROM {rows} WHERE jobs.id = {id}"
)
_SETTLE_SQLITE = text(
    _SETTLE.format(
        rows="json_each(:rows)",
        id="json_extract(value, '$[0]')",
        status="json_extract(value, '$[1]')",
        result="json_extract(value, '$[2]')",
        error="json_extract(value, '$[3]')",
        due="substr(json_extract(value, '$[4]'), 1, 26)",
        finished="substr(json_extract(value, '$[5]'), 1, 26)",
        expires="substr(json_extract(value, '$[6]'), 1, 26)",
    )
)
_SETTLE_POSTGRESQL = text(
    _SETTLE.format(
        rows="json_array_elements(CAST(:rows AS json)) AS given(value)",
        id="value ->> 0",
        status="value ->> 1",
        result="(value ->> 2)::json",
        error="(value ->> 3)::json",
        due="(value ->> 4)::timestamptz",
        finished="(value ->> 5)::timestamptz",
        expires="(value ->> 6)::timestamptz",
    )
)


def putting(connection: Connection) -> TextClause:
    """Insert jobs that are not there yet; returns the tickets of those."""
    return _PUT_SQLITE if connection.dialect.name == "sqlite" else _PUT_POSTGRESQL


def settling(connection: Connection) -> TextClause:
    """End jobs."""
    return _SETTLE_SQLITE if connection.dialect.name == "sqlite" else _SETTLE_POSTGRESQL
