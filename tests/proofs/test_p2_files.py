"""Promise 2 for whole files: a worker that dies half-way costs no row, and no row is there twice."""

from __future__ import annotations

import pytest

from tests.proofs.crew import Crew
from tests.proofs.tickets import kept, open_database, open_desk, rows, wait_until_ended
from winnow.domain import Job, Status
from winnow.jobs.desk import Order
from winnow.serving.file_answers import CHUNK_ROWS
from winnow.settings import Settings

pytestmark = pytest.mark.slow

ROWS = 4 * CHUNK_ROWS
"""Several chunks."""


def file_of(number: int) -> bytes:
    """A CSV in which some rows have no text."""
    lines = [f'{row},"text {row}, {"lovely" if row % 3 else "dreadful"}"' for row in range(number)]
    lines[::500] = [f"{row}," for row in range(0, number, 500)]
    return "\n".join(["number,text", *lines, ""]).encode()


def hand_in(settings: Settings, content: bytes) -> str:
    """Hand a file in, in parts; returns its ticket."""
    parts = [content[start : start + 50_000] for start in range(0, len(content), 50_000)]
    with open_desk(settings) as desk:
        (job,) = desk.put([desk.file("sentiment", "rows.csv", parts, order=Order("proof", "proof"))])
    assert isinstance(job, Job)
    return job.id


def result_of(settings: Settings, ticket: str) -> bytes:
    with open_desk(settings) as desk:
        facts, parts = desk.result_file(ticket)
        assert (facts["rows"], facts["failed"]) == (ROWS, ROWS // 500)
        return b"".join(parts)


def test_a_file_goes_on_behind_its_last_chunk_wherever_a_worker_is_killed(queue_settings: Settings) -> None:
    """One that was killed in the middle of chunks and between them ends as one that was not disturbed."""
    content = file_of(ROWS)
    undisturbed = hand_in(queue_settings, content)
    with Crew(queue_settings, [[]], log="undisturbed.log"):
        wait_until_ended(queue_settings, 1)
    disturbed = hand_in(queue_settings, content)
    fates = ["leased:1", "working:20", "telling:2", "done:1"]
    with Crew(queue_settings, [fates]) as crew:
        wait_until_ended(queue_settings, 2)
    assert set(crew.deaths) == set(fates)
    assert result_of(queue_settings, disturbed) == result_of(queue_settings, undisturbed)
    with open_database(queue_settings) as database:
        table, history = rows(database), kept(database)
    assert table[disturbed].status == Status.FINISHED
    for ticket in (undisturbed, disturbed):
        inputs = [row.input for row in history if row.ticket == ticket]
        assert len(inputs) == len(set(inputs)) == ROWS - ROWS // 500
