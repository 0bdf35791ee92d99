"""Jobs from the command line: handed in, followed, taken, cancelled; and the workers that do them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.cli.conftest import WINNOW, environment, winnow
from tests.projects import wait_until

GRACELESS = """
import asyncio
from winnow.jobs import predicting, worker
async def hang(self, leases): await asyncio.sleep(600)
predicting.Predicting.do = hang
worker.GRACE_SECONDS = 600
"""


@contextmanager
def worker(
    project: Path, *arguments: str, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A real worker, once it works. What it logs is in `worker.txt`."""
    command = [WINNOW, "worker", "--json", "--log-format", "json", *arguments]
    with (
        (project / "worker.txt").open("w") as told,
        subprocess.Popen(
            command, cwd=project, stdout=subprocess.PIPE, stderr=told, text=True, env=environment(**more or {})
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready = "".join(iter(process.stdout.readline, "}\n"))
            assert ready, (project / "worker.txt").read_text()
            assert json.loads(f"{ready}}}")["project"] == "shop"
            yield process
        finally:
            process.kill()


def _submit(project: Path, *arguments: object, given: str = "") -> str:
    """The ticket: standard output has nothing else."""
    done = winnow("submit", "sentiment", *arguments, project=project, given=given)
    assert done.code == 0, done.err
    ticket = done.out.rstrip("\n")
    assert str(UUID(ticket)) == ticket
    assert f"`winnow jobs {ticket} --wait`" in done.err
    return ticket


def _job(project: Path, ticket: str) -> Any:
    return winnow("jobs", ticket, "--json", project=project).json


@pytest.mark.slow
def test_a_job_waits_for_a_worker_and_is_done_by_one(own_shop: Path) -> None:
    ticket = _submit(own_shop, "I love it, wonderful")
    later = _submit(own_shop, given="great\n\nIt broke\n")
    assert (_job(own_shop, ticket)["status"], _job(own_shop, later)["position"]) == ("queued", 1)
    with worker(own_shop) as process:
        taken = winnow("jobs", ticket, "--wait", "--result", project=own_shop)
        assert taken.code == 0, taken.err
        assert taken.out.startswith("positive\n")
        rows = winnow("jobs", later, "--wait", "--result", "--json", project=own_shop).json["predictions"]
        process.terminate()
        assert process.wait(30) == 0
    assert [row.get("label") for row in rows] == ["positive", None, "negative"]
    assert rows[1]["error"]["type"] == "urn:winnow:problem:invalid-input"
    kept = winnow("history", "sentiment", "--json", project=own_shop).json["predictions"]
    assert [entry["ticket"] for entry in kept] == [later, later, ticket]
    shown = winnow("jobs", ticket, project=own_shop).out
    assert shown.startswith("sentiment predict: finished\n")
    assert f"`winnow jobs {ticket} --result`" in shown


@pytest.mark.slow
def test_waiting_gives_the_result_at_once(own_shop: Path) -> None:
    with worker(own_shop, "--service", "sentiment", "--concurrency", "1"):
        arguments = ("sentiment", "--version", "naive-bayes", "--top-k", "1", "--wait")
        shown = winnow("submit", *arguments, project=own_shop, given="great\n\nIt broke\n")
        assert shown.code == 0, shown.err
        assert [line.split()[0] for line in shown.out.splitlines()] == ["answer", "positive", "error", "negative"]
        assert shown.out.rstrip().endswith("It broke")
        answer = winnow("submit", "sentiment", "great", *arguments[1:], "--json", project=own_shop).json
        assert list(answer["scores"]) == ["positive"]
        refused = winnow("submit", "sentiment", "great", "--version", "99", "--wait", "--json", project=own_shop)
    assert refused.code == 6
    assert "of 'sentiment' has failed after attempt 1: not-found" in (own_shop / "worker.txt").read_text()
    assert refused.json["job_error"]["kind"] == "not-found"
    listed = winnow("jobs", "--status", "failed", project=own_shop).out.splitlines()
    assert len(listed) == 2
    assert "no version 99" in listed[1]
    assert winnow("status", "--json", project=own_shop).json["services"][0]["jobs"]["failed"] == 1


@pytest.mark.slow
def test_a_file_comes_back_as_predict_would_answer_it(own_shop: Path) -> None:
    source, target = own_shop / "in.csv", own_shop / "out.csv"
    source.write_bytes("id;text\n1;J'adore, génial\n2;\n3;a;b\n4;It broke\n".encode("cp1252"))
    with worker(own_shop):
        done = winnow("submit", "sentiment", "-f", source, "--wait", "-o", target, "--json", project=own_shop)
    assert done.code == 0, done.out
    assert (done.json["rows"], done.json["failed"]) == (4, 2)
    same = ("--file", source, "--output", own_shop / "same.csv", "--history", "off")
    assert winnow("predict", "sentiment", *same, project=own_shop).code == 0
    assert target.read_bytes() == (own_shop / "same.csv").read_bytes()
    (job,) = winnow("jobs", "--kind", "file", "--json", project=own_shop).json["jobs"]
    assert winnow("jobs", job["id"], "--result", project=own_shop).out == target.read_text()
    facts = winnow("jobs", job["id"], "--result", "--json", project=own_shop).json
    assert facts == {"name": "in-answers.csv", "media_type": "text/csv; charset=utf-8", "rows": 4, "failed": 2}


@pytest.mark.slow
def test_a_training(own_shop: Path) -> None:
    with worker(own_shop):
        shown = winnow("submit", "sentiment", "--train", "--wait", project=own_shop)
    assert shown.code == 0, shown.err
    assert shown.out.splitlines()[0].endswith("is the champion now.")
    run = shown.out.rstrip().rpartition("--run ")[2].rstrip("`")
    assert winnow("report", "sentiment", "--run", run, project=own_shop).code == 0


@pytest.mark.slow
def test_cancelling(own_shop: Path) -> None:
    ticket = _submit(own_shop, "fine")
    assert winnow("jobs", ticket, "--result", project=own_shop).code == 7
    assert winnow("jobs", ticket, "--cancel", "--json", project=own_shop).json["status"] == "cancelled"
    assert winnow("jobs", ticket, "--cancel", project=own_shop).code == 4
    taken = winnow("jobs", ticket, "--wait", "--result", project=own_shop)
    assert taken.code == 130
    assert "was cancelled" in taken.err


def test_one_key_one_ticket(own_shop: Path) -> None:
    ticket = _submit(own_shop, "fine", "--key", "order 1")
    assert _submit(own_shop, "fine", "--key", "order 1") == ticket
    other = winnow("submit", "sentiment", "bad", "--key", "order 1", project=own_shop)
    assert other.code == 4
    assert ticket in other.err


@pytest.mark.slow
def test_what_is_refused_before_there_is_a_ticket(own_shop: Path, new_shop: Path) -> None:
    untrained = winnow("submit", "sentiment", "a", "--json", project=new_shop)
    assert (untrained.code, "winnow train sentiment" in untrained.json["detail"]) == (7, True)
    for arguments, code, word in (
        (("toxicity", "a"), 3, "no service 'toxicity'"),
        (("sentiment", " "), 1, "blank"),
        (("sentiment",), 1, "no lines"),
        (("sentiment", "--file", "winnow.toml"), 1, "csv"),
        (("sentiment", "a", "--webhook", "https://example.org"), 1, "webhook_secret"),
        (("sentiment", "a", "--train"), 2, "one of them"),
        (("sentiment", "--train", "--top-k", "1"), 2, "answers nothing"),
        (("sentiment", "a", "--output", "x"), 2, "--wait"),
    ):
        refused = winnow("submit", *arguments, project=own_shop)
        assert (refused.code, refused.out) == (code, ""), refused.err
        assert word in refused.err
    assert winnow("jobs", project=own_shop).out == "no job was handed in yet\n"


def test_what_cannot_be_asked_of_jobs(shop: Path) -> None:
    assert winnow("jobs", "nonsense", project=shop).code == 3
    assert winnow("jobs", "--service", "toxicity", project=shop).code == 3
    for arguments in (("--wait",), ("--cancel",), ("a", "--kind", "file"), ("a", "--cancel", "--wait")):
        assert winnow("jobs", *arguments, project=shop).code == 2


def test_workers_that_cannot_start(shop: Path) -> None:
    assert winnow("worker", "--service", "toxicity", project=shop).code == 3
    none = winnow("worker", project=shop, more={"WINNOW_CONCURRENCY": "0"})
    assert (none.code, "--concurrency" in none.err) == (2, True)
    assert winnow("worker", "--port", "1", project=shop).code == 2


@pytest.mark.slow
def test_a_second_interrupt_ends_a_worker_on_the_spot(own_shop: Path, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(GRACELESS)
    ticket = _submit(own_shop, "fine")
    with worker(own_shop, "--lease-seconds", "1", more={"PYTHONPATH": str(planted)}) as process:
        wait_until(lambda: bool(_job(own_shop, ticket)["status"] == "started"), 30)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: "asked to stop" in (own_shop / "worker.txt").read_text(), 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
    assert "Traceback" not in (own_shop / "worker.txt").read_text()
    with worker(own_shop):
        taken = winnow("jobs", ticket, "--wait", "--result", project=own_shop)
    assert taken.code == 0, taken.err


@pytest.mark.slow
def test_who_waits_in_vain_is_told_what_may_be_missing(own_shop: Path) -> None:
    ticket = _submit(own_shop, "fine")
    command = [WINNOW, "jobs", ticket, "--wait"]
    with (
        (own_shop / "told.txt").open("w") as told,
        subprocess.Popen(command, cwd=own_shop, stderr=told, text=True, env=environment()) as process,
    ):
        wait_until(lambda: "does `winnow up` or `winnow worker` run?" in (own_shop / "told.txt").read_text(), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert f"the job goes on: `winnow jobs {ticket} --wait`" in (own_shop / "told.txt").read_text()
    assert _job(own_shop, ticket)["status"] == "queued"
