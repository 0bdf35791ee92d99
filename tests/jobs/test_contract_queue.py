"""What a queue promises: in order of arrival, to one worker at a time, nothing lost, saved once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.jobs.conftest import Queues
from tests.jobs.handling import (
    LIGHT,
    SERVICE,
    TRAINING,
    answered,
    finished,
    history,
    job,
    new_job,
    put,
    put_some,
    result,
    take,
    take_in_time,
    tickets,
)
from tests.projects import wait_until
from winnow.domain import Job, JobKind, Json, Status, now
from winnow.errors import Conflict, NotFound
from winnow.jobs.bells import NEWS, WORK
from winnow.jobs.queue import Queue
from winnow.jobs.sql_queue import Terms
from winnow.store import jobs
from winnow.store.jobs import Ending
from winnow.store.schema import jobs as table
from winnow.store.schema import webhooks

HARD: Json = {"a": [0.1 + 0.2, 1e-300, 5e-324, 1 / 3], "z": None, "é": 'q"\\\n\u2028😀', "b": True, "": {}}

# Handing out


def test_jobs_are_taken_in_order_of_arrival_up_to_the_limit(queues: Queues) -> None:
    queue = queues.open()
    given = [*put_some(queue, 5), *put_some(queue, 1), *put_some(queue, 4)]
    assert tickets(take(queue, 3)) == given[:3]
    assert tickets(take(queue, 1)) == given[3:4]
    assert tickets(take(queue, 100)) == given[4:]
    assert take(queue) == []


def test_a_worker_is_given_only_what_it_asks_for(queues: Queues) -> None:
    queue = queues.open()
    (other,) = put(queue, new_job(service="books"))
    (file,) = put(queue, new_job(kind=JobKind.FILE))
    (train,) = put(queue, new_job(kind=JobKind.TRAIN))
    assert take(queue, service="nobody") == []
    assert tickets(take(queue, kinds=TRAINING)) == [train]
    assert tickets(take(queue, kinds=LIGHT)) == [file]
    assert tickets(take(queue, kinds=LIGHT, service="books")) == [other]


def test_one_call_takes_from_several_services(queues: Queues) -> None:
    queue = queues.open()
    for _ in range(3):
        put(queue, new_job(service="books"), new_job(service="shop"))
    leases = [
        *queue.lease("worker", LIGHT, ["shop", "books"], 2),
        *queue.lease("worker", LIGHT, ["shop", "books"], 9),
    ]
    for service in ("shop", "books"):
        mine = [lease.id for lease in leases if lease.service == service]
        assert len(mine) == 3
        assert mine == sorted(mine)


def test_a_lease_says_all_that_a_worker_needs(queues: Queues) -> None:
    queue = queues.open()
    (ticket,) = put(queue, new_job(HARD, request_id="r 1", client="::1"))
    (lease,) = take(queue, worker="w 1")
    assert (lease.id, lease.service, lease.kind, lease.payload) == (ticket, SERVICE, JobKind.PREDICT, HARD)
    assert (lease.attempt, lease.progress, lease.request_id, lease.client) == (1, None, "r 1", "::1")
    started = job(queues.database, ticket)
    assert (started.status, started.attempt) == (Status.STARTED, 1)
    assert started.started_at is not None
    assert started.created_at <= started.started_at <= now()


@pytest.mark.parametrize("kept", [HARD, [], {}, "text", 0.1 + 0.2, 3, True, None], ids=repr)
def test_results_come_back_exactly(queues: Queues, kept: Json) -> None:
    queue = queues.open()
    (ticket,) = put(queue, new_job())
    (lease,) = take(queue)
    assert queue.settle([finished(lease, kept)]) == {ticket}
    ended = job(queues.database, ticket)
    assert ended.status is Status.FINISHED
    assert ended.error is None
    assert ended.finished_at is not None
    assert ended.expires_at == ended.finished_at + timedelta(hours=1)
    assert result(queues.database, ticket) == kept


def test_many_consumers_never_get_the_same_job(queues: Queues) -> None:
    given = put_some(queues.open(), 300)
    taken: list[str] = []

    def work(name: str) -> None:
        queue = queues.open()
        while leases := take(queue, 7, worker=name):
            settled = queue.settle([finished(lease) for lease in leases], [answered(lease) for lease in leases])
            taken.extend(tickets(leases))
            assert settled == set(tickets(leases))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, "abcd"))
    assert sorted(taken) == given
    assert sorted(map(str, history(queues.database))) == given


# Leases


def test_a_renewed_lease_holds(queues: Queues) -> None:
    soon, late = queues.open(lease_seconds=0.1), queues.open(lease_seconds=600)
    given = put_some(soon, 2)
    first, second = take(soon)
    assert late.renew([first]) == {given[0]}
    assert tickets(take_in_time(late, 1)) == [second.id]  # the other one's time ran out
    assert late.settle([finished(first), finished(second)]) == {first.id}


def test_a_silent_worker_loses_its_jobs_and_can_save_nothing(queues: Queues) -> None:
    queue = queues.open(lease_seconds=0.1)
    (ticket,) = put_some(queue, 1)
    (lost,) = take(queue, worker="silent")
    patient = queues.open()
    (lease,) = take_in_time(patient, 1, worker="other")
    assert (lease.id, lease.attempt) == (ticket, 2)
    assert lease.token != lost.token

    assert queue.renew([lost]) == set()
    assert queue.settle([finished(lost, "wrong")], [answered(lost)]) == set()
    queue.release([lost])
    with queues.database.write() as connection:
        assert not jobs.tell(connection, lost, {"rows": 1})
    assert job(queues.database, ticket).status is Status.STARTED
    assert history(queues.database) == []

    with queues.database.write() as connection:
        assert jobs.tell(connection, lease, {"rows": 2})
    assert patient.settle([finished(lease, "right")], [answered(lease)]) == {ticket}
    assert patient.settle([finished(lease, "again")], [answered(lease)]) == set()
    assert job(queues.database, ticket).progress == {"rows": 2}
    assert result(queues.database, ticket) == "right"
    assert history(queues.database) == [ticket]


def test_what_is_taken_over_goes_before_what_came_later(queues: Queues) -> None:
    queue = queues.open(lease_seconds=0.1)
    (first,) = put_some(queue, 1)
    take(queue)
    later = put_some(queue, 3)
    wait_until(lambda: queue.recover() == 1)
    assert [lease.id for _ in range(4) for lease in take(queue, 1)] == [first, *later]


def test_a_job_whose_workers_all_fell_silent_has_failed(queues: Queues) -> None:
    queue = queues.open(lease_seconds=0.05, attempts=2)
    (ticket,) = put(queue, new_job(webhook="https://example.org/told"))
    for attempt in (1, 2):
        (lease,) = take_in_time(queue, 1)
        assert lease.attempt == attempt
    wait_until(lambda: queue.recover() == 0 and job(queues.database, ticket).status is Status.FAILED)
    ended = job(queues.database, ticket)
    assert ended.error == {"kind": "worker-lost", "detail": "its worker fell silent in each of 2 attempts"}
    assert ended.attempt == 2
    assert ended.expires_at is not None
    assert told(queues) == [ticket]
    assert take(queue) == []


def test_recovering_leaves_living_workers_alone(queues: Queues) -> None:
    queue = queues.open()
    put_some(queue, 2)
    (lease,) = take(queue, 1)
    assert queue.recover() == 0
    assert queue.renew([lease]) == {lease.id}


# Ends


def test_a_failing_job_is_tried_again_when_it_is_due_and_then_fails_with_its_reason(queues: Queues) -> None:
    queue = queues.open()
    (ticket,) = put_some(queue, 1)
    (lease,) = take(queue)
    error = {"kind": "model-failed", "detail": "it broke", "rows": 3}
    far = Ending(lease, Status.QUEUED, error=error, due_at=now() + timedelta(hours=1))
    assert queue.settle([far], [answered(lease)]) == {ticket}
    waiting = job(queues.database, ticket)
    assert (waiting.status, waiting.attempt, waiting.error) == (Status.QUEUED, 1, error)
    assert (waiting.finished_at, waiting.expires_at) == (None, None)
    queue.recover()
    assert take(queue) == []

    with queues.database.write() as connection:
        connection.execute(table.update().values(due_at=now()))  # an hour later
    (lease,) = take_in_time(queue, 1)
    assert lease.attempt == 2
    assert queue.settle([Ending(lease, Status.FAILED, error=error)]) == {ticket}
    ended = job(queues.database, ticket)
    assert (ended.status, ended.attempt, ended.error) == (Status.FAILED, 2, error)


def test_a_retry_that_is_due_at_once_goes_before_what_came_later(queues: Queues) -> None:
    queue = queues.open()
    first, *later = put_some(queue, 3)
    (lease,) = take(queue, 1)
    queue.settle([Ending(lease, Status.QUEUED, error={"kind": "k", "detail": "d"}, due_at=now())])
    assert [lease.id for _ in range(3) for lease in take(queue, 1)] == [first, *later]


def test_jobs_that_end_together_end_each_in_its_own_way(queues: Queues) -> None:
    queue = queues.open(lease_seconds=600)
    put_some(queue, 4)
    done, failed, again, gone = take(queue)
    queue.cancel(gone.id)
    endings = [
        finished(done, {"n": 1}),
        Ending(failed, Status.FAILED, error={"kind": "k", "detail": "d"}),
        Ending(again, Status.QUEUED, error={"kind": "k", "detail": "d"}, due_at=now() + timedelta(hours=1)),
        finished(gone, {"n": 4}),
    ]
    kept = [answered(lease) for lease in (done, gone)]
    assert queue.settle(endings, kept) == {done.id, failed.id, again.id}
    states = [job(queues.database, lease.id).status for lease in (done, failed, again, gone)]
    assert states == [Status.FINISHED, Status.FAILED, Status.QUEUED, Status.CANCELLED]
    assert history(queues.database) == [done.id]


def test_given_back_a_job_is_as_if_it_had_never_been_taken(queues: Queues) -> None:
    queue = queues.open()
    given = put_some(queue, 5)
    leases = take(queue, 3)
    queue.release(leases[:2])
    assert job(queues.database, given[0]).attempt == 0
    again = [lease for _ in range(4) for lease in take(queue, 1)]
    assert tickets(again) == [*given[:2], *given[3:]]
    assert [lease.attempt for lease in again] == [1, 1, 1, 1]
    assert queue.settle([finished(leases[0])]) == set()  # that lease ended


def test_a_queued_job_can_be_cancelled(queues: Queues) -> None:
    queue = queues.open()
    first, second = put_some(queue, 2)
    cancelled = queue.cancel(first)
    assert cancelled.status is Status.CANCELLED
    assert cancelled.error == {"kind": "cancelled", "detail": "cancelled by a person"}
    assert cancelled.expires_at is not None
    assert tickets(take(queue)) == [second]
    with pytest.raises(Conflict, match="ended already: it is cancelled"):
        queue.cancel(first)
    with pytest.raises(NotFound, match="no job with the ticket 'nothing'"):
        queue.cancel("nothing")


def test_a_started_job_can_be_cancelled_and_nothing_of_it_is_saved(queues: Queues) -> None:
    queue = queues.open()
    (ticket,) = put_some(queue, 1)
    (lease,) = take(queue)
    queue.cancel(ticket)
    assert queue.renew([lease]) == set()
    assert queue.settle([finished(lease)], [answered(lease)]) == set()
    assert job(queues.database, ticket).status is Status.CANCELLED
    assert history(queues.database) == []
    queue.release([lease])
    queue.recover()
    assert take(queue) == []


def test_whether_a_job_is_cancelled_or_settled_first_it_ends_once(queues: Queues) -> None:
    queue, other = queues.open(), queues.open()
    put_some(queue, 20)
    for lease in take(queue):
        with ThreadPoolExecutor(2) as threads:
            settling = threads.submit(queue.settle, [finished(lease)], [answered(lease)])
            cancelling = threads.submit(cancelled, other, lease.id)
        settled = settling.result() == {lease.id}
        assert settled != cancelling.result()
        expected = Status.FINISHED if settled else Status.CANCELLED
        assert job(queues.database, lease.id).status is expected
        assert (lease.id in history(queues.database)) == settled


def test_renewing_settling_and_recovering_at_the_same_time_block_nobody(queues: Queues) -> None:
    queue = queues.open()
    given = put_some(queue, 200)
    leases = take(queue, 200)
    halves = leases[:100], leases[100:]
    stop = threading.Event()

    def repeat(call: Callable[[], object]) -> None:
        while not stop.is_set():
            call()

    with ThreadPoolExecutor(4) as threads:
        busy = [
            threads.submit(repeat, lambda: queue.renew(leases[::-1])),
            threads.submit(repeat, queue.recover),
        ]
        ends = [threads.submit(queue.settle, [finished(lease) for lease in half[::-1]]) for half in halves]
        settled = [ending.result() for ending in ends]
        stop.set()
        assert [done.exception() for done in busy] == [None, None]
    assert settled == [set(given[:100]), set(given[100:])]


@pytest.mark.parametrize("end", ["finished", "failed", "cancelled"])
def test_whoever_asked_is_told_of_every_end(queues: Queues, end: str) -> None:
    queue = queues.open()
    asked, _ = put(queue, new_job(webhook="https://example.org/told"), new_job())
    leases = take(queue)
    if end == "cancelled":
        for lease in leases:
            queue.cancel(lease.id)
    else:
        assert told(queues) == []
        queue.settle([Ending(lease, Status(end)) for lease in leases])
    assert told(queues) == [asked]


# Handing in


def test_what_is_put_is_there(queues: Queues) -> None:
    queue = queues.open()
    given = new_job(webhook="https://example.org/told")
    (kept,) = queue.put([given])
    assert kept == Job(
        given.id, SERVICE, JobKind.PREDICT, Status.QUEUED, 0, given.created_at, webhook="https://example.org/told"
    )
    assert job(queues.database, given.id) == kept
    assert queue.put([]) == []


def test_the_same_key_is_the_same_ticket(queues: Queues) -> None:
    queue = queues.open()
    (ticket,) = put(queue, new_job("one", idempotency_key="k'1"))
    assert put(queue, new_job("one", idempotency_key="k'1")) == [ticket]
    (other,) = put(queue, new_job("one", idempotency_key="k'1", service="books"))
    assert other != ticket
    (conflict,) = queue.put([new_job("two", idempotency_key="k'1")])
    assert isinstance(conflict, Conflict)
    assert f"'k'1' was used for something else, which has the ticket '{ticket}'" in str(conflict)
    (lease,) = take(queue)
    assert lease.id == ticket

    queue.settle([finished(lease)])
    (same,) = queue.put([new_job("one", idempotency_key="k'1")])
    assert isinstance(same, Job)
    assert (same.id, same.status) == (ticket, Status.FINISHED)


def test_the_same_key_within_a_group_is_one_job(queues: Queues) -> None:
    queue = queues.open()
    first, second = new_job("one", idempotency_key="k"), new_job("one", idempotency_key="k")
    kept = queue.put([new_job("z", idempotency_key="z"), first, second, new_job("two", idempotency_key="k")])
    assert [type(entry) for entry in kept] == [Job, Job, Job, Conflict]
    assert [entry.id for entry in kept[1:3] if isinstance(entry, Job)] == [first.id, first.id]
    assert len(take(queue)) == 2


def test_the_same_key_is_one_job_however_many_hand_it_in_at_once(queues: Queues) -> None:
    keys = [f"key {number}" for number in range(10)]

    def hand_in(turn: int) -> list[str]:
        queue = queues.open()
        group = [new_job(key, idempotency_key=key) for key in (keys if turn % 2 else keys[::-1])]
        return sorted(put(queue, *group))

    with ThreadPoolExecutor(6) as threads:
        given = list(threads.map(hand_in, range(6)))
    assert len(set(map(tuple, given))) == 1
    assert sorted(tickets(take(queues.open()))) == given[0]


def test_a_position_counts_who_waits_before(queues: Queues) -> None:
    queue = queues.open()
    first, second, third = (queue.put([new_job()])[0] for _ in range(3))
    (train,) = queue.put([new_job(kind=JobKind.TRAIN)])
    assert isinstance(first, Job)
    assert isinstance(second, Job)
    assert isinstance(third, Job)
    assert isinstance(train, Job)
    assert [queue.position(entry) for entry in (first, second, third, train)] == [0, 1, 2, 0]
    take(queue, 1)
    assert queue.position(third) == 1
    queue.cancel(second.id)
    assert queue.position(third) == 0


# Bells


@pytest.mark.parametrize("name", [WORK, NEWS])
def test_another_process_is_woken(queues: Queues, name: str) -> None:
    terms = Terms(600, 3, timedelta(hours=1))
    bells, _ = queues.open_with_bells(terms)
    queue = queues.open()
    heard = threading.Event()
    bells.listen(name, heard.set)
    wait_until(heard.is_set)  # it begins with a ring, for what was missed
    put_some(queue, 1)
    (lease,) = take(queue)
    heard.clear()
    if name == WORK:
        put_some(queue, 1)
    else:
        queue.settle([finished(lease)])
    wait_until(heard.is_set)


def cancelled(queue: Queue, ticket: str) -> bool:
    try:
        queue.cancel(ticket)
    except Conflict:
        return False
    return True


def told(queues: Queues) -> list[str]:
    """Of which ends somebody is to be told."""
    with queues.database.read() as connection:
        assert connection.scalar(select(func.count()).where(webhooks.c.due_at > now())) == 0
        return list(connection.scalars(select(webhooks.c.job_id)))
