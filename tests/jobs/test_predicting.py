"""Jobs that answer inputs: worded as a request's answer, in the history once, each failing for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.working import ORDER, at_work, ended, hand_in, opened
from tests.projects import make_project, train_directly
from winnow.domain import JobKind, Status, new_id
from winnow.errors import InvalidInput, JobFailed
from winnow.jobs.predicting import Predicting
from winnow.runtime import Runtime
from winnow.serving.service import Options
from winnow.store.jobs import Lease


def asked(runtime: Runtime, *texts: object, several: bool = False, options: Options | None = None) -> str:
    job = runtime.desk.predict(
        "sentiment", texts, several=several, order=ORDER, options=options or Options(None, None)
    )
    return hand_in(runtime, job)


async def test_one_input_is_answered_as_a_request_would_be_and_kept_once(project_copy: Path) -> None:
    async with at_work(project_copy) as runtime:
        ticket = asked(runtime, "Lovely, I am so happy with it.")
        assert (await ended(runtime, ticket)).status is Status.FINISHED
        result = runtime.desk.result(ticket)
        assert (result["label"], result["version"]) == ("positive", 1)
        (kept,) = runtime.workspace.history("sentiment", 10)
        assert (kept.id, kept.ticket, kept.client) == (result["id"], ticket, "127.0.0.1")
        assert kept.answer == {"label": result["label"], "scores": result["scores"]}


async def test_of_several_inputs_each_has_its_answer_or_its_error(project_copy: Path) -> None:
    async with at_work(project_copy) as runtime:
        texts = [f"It broke after {days} days." for days in range(200)]
        ticket = asked(runtime, texts[0], " ", *texts[1:], 5, several=True)
        assert (await ended(runtime, ticket)).status is Status.FINISHED
        answers = runtime.desk.result(ticket)["predictions"]
        assert answers[1]["error"]["kind"] == answers[-1]["error"]["kind"] == "invalid-input"
        right = [answer["label"] for answer in answers if "label" in answer]
        assert right == ["negative"] * 200
        assert len(runtime.workspace.history("sentiment", 500)) == 200


async def test_an_only_input_that_cannot_be_read_is_refused_at_once(project_copy: Path) -> None:
    async with at_work(project_copy) as runtime:
        with pytest.raises(InvalidInput, match="blank"):
            asked(runtime, " ")


async def test_a_version_and_so_many_labels_can_be_asked_for(project_copy: Path) -> None:
    train_directly(project_copy, name="second", promote=False)
    async with at_work(project_copy) as runtime:
        by_number = asked(runtime, "Lovely.", options=Options(2, 1))
        by_name = asked(runtime, "Lovely.", options=Options("second", None))
        as_usual = asked(runtime, "Lovely.")
        nowhere = asked(runtime, "Lovely.", options=Options(9, None))
        for ticket in (by_number, by_name, as_usual):
            assert (await ended(runtime, ticket)).status is Status.FINISHED
        assert [runtime.desk.result(ticket)["version"] for ticket in (by_number, by_name, as_usual)] == [2, 2, 1]
        assert list(runtime.desk.result(by_number)["scores"]) == ["positive"]
        failed = await ended(runtime, nowhere)
        assert (failed.status, (failed.error or {})["kind"], failed.attempt) == (Status.FAILED, "not-found", 1)


async def test_history_off_keeps_results_only(project_copy: Path) -> None:
    async with at_work(project_copy, history="off") as runtime:
        ticket = asked(runtime, "Lovely.")
        await ended(runtime, ticket)
        assert runtime.desk.result(ticket)["label"] == "positive"
        assert not runtime.workspace.history("sentiment", 10)


async def test_a_service_that_was_never_trained_fails_its_jobs_with_the_reason(tmp_path: Path) -> None:
    async with at_work(make_project(tmp_path / "new"), attempts=2) as runtime:
        ticket = asked(runtime, "Lovely.")
        job = await ended(runtime, ticket)
        assert (job.status, job.kind, job.attempt) == (Status.FAILED, JobKind.PREDICT, 2)
        with pytest.raises(JobFailed, match="winnow train sentiment"):
            runtime.desk.result(ticket)


async def test_what_is_answered_together_is_bounded_by_its_rows(project_copy: Path) -> None:
    async with opened(project_copy) as runtime:
        predicting = Predicting(runtime.workspace.database, runtime.service, runtime.settings)
        leases = [
            Lease(new_id(), "sentiment", JobKind.PREDICT, {"inputs": ["Lovely."] * rows}, 1, 1, None, "r", "c")
            for rows in (1, 2, 200, 60, 1, 300)
        ]
        assert predicting.at_once(leases) == 3
        assert predicting.at_once(leases[-1:]) == 1
