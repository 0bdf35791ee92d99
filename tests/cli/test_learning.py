"""Loading and training: reports, gates, refusals, and a Ctrl-C that leaves nothing half-done."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import WINNOW, environment, winnow
from tests.projects import wait_until

BAD = "text,label\nfine,positive\n,negative\nwhat,maybe\nand what,maybe\nwho,perhaps\n"


def test_loading_says_what_was_added_and_what_was_there(new_shop: Path) -> None:
    data = new_shop / "sentiment" / "reviews.csv"
    first = winnow("load", "sentiment", data, project=new_shop)
    assert first.code == 0
    assert "417 examples added" in first.out
    again = winnow("load", "sentiment", data, "--json", project=new_shop)
    assert (again.json["accepted"], again.json["duplicates"]) == (0, 417)


def test_a_bad_row_refuses_the_file_unless_the_good_are_to_be_kept(new_shop: Path) -> None:
    bad = new_shop / "bad.csv"
    bad.write_text(BAD)
    refused = winnow("load", "sentiment", bad, project=new_shop)
    assert refused.code == 1
    assert refused.out == ""
    assert "4, 5, 6" in refused.err
    assert "no label 'maybe'" in refused.err
    problem = winnow("load", "sentiment", bad, "--json", project=new_shop)
    assert problem.code == 1
    assert problem.json["type"] == "urn:winnow:problem:file-refused"
    assert problem.json["report"]["refused"] == 4
    kept = winnow("load", "sentiment", bad, "--keep-good", project=new_shop)
    assert kept.code == 0
    assert "1 example added, 4 rows refused" in kept.out


def test_a_missing_file_is_a_usage_error_and_a_wrong_service_names_the_nearest(shop: Path) -> None:
    assert winnow("load", "sentiment", "nowhere.csv", project=shop).code == 2
    refused = winnow("load", "sentimen", shop / "winnow.toml", "--json", project=shop)
    assert refused.code == 3
    assert refused.json["detail"].endswith("Did you mean 'sentiment'?")


def test_training_shows_progress_the_comparison_the_gates_and_the_decision(own_shop: Path) -> None:
    trained = winnow("train", "sentiment", project=own_shop)
    assert trained.code == 0, trained.err
    assert re.search(r"training sentiment: .+ \(\d+% done\)", trained.err)  # of what, depends on who is quick
    assert "\x1b" not in trained.out + trained.err
    for word in ("linear-svm", "baseline (majority)", "champion (version", "recall negative", "accuracy >= 0.7"):
        assert word in trained.out
    assert "is the champion now." in trained.out


def test_training_exits_with_1_where_a_gate_keeps_all_out(own_shop: Path) -> None:
    toml = own_shop / "winnow.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('accuracy = ">= 0.70"', 'accuracy = ">= 0.999"'), encoding="utf-8")
    trained = winnow("train", "sentiment", project=own_shop)
    assert trained.code == 1
    assert "missed by" in trained.out
    assert "No version was promoted." in trained.out
    refused = winnow("promote", "sentiment", "4", "--json", project=own_shop)
    assert refused.code == 1
    assert refused.json["failures"][0]["gate"] == "accuracy"


@pytest.mark.slow
def test_a_run_may_leave_the_promotion_to_a_person(own_shop: Path) -> None:
    before = winnow("versions", "sentiment", "--json", project=own_shop).json["promotions"]
    trained = winnow("train", "sentiment", "--promote", "manual", "--json", project=own_shop)
    assert trained.code == 0, trained.err
    decision = trained.json["report"]["decision"]
    assert (trained.json["promote"], decision["promoted"]) == ("manual", None)
    assert winnow("versions", "sentiment", "--json", project=own_shop).json["promotions"] == before
    assert winnow("promote", "sentiment", decision["chosen"], project=own_shop).code == 0
    assert winnow("train", "sentiment", "--promote", "perhaps", project=own_shop).code == 2
    assert winnow("submit", "sentiment", "Good.", "--promote", "manual", project=own_shop).code == 2


def test_training_without_examples_is_refused(new_shop: Path) -> None:
    refused = winnow("train", "--all", project=new_shop)
    assert refused.code == 6
    assert "no examples" in refused.err
    assert winnow("train", project=new_shop).code == 2
    assert winnow("train", "sentiment", "--all", project=new_shop).code == 2


@pytest.mark.slow
def test_a_detached_run_goes_on_by_itself(own_shop: Path) -> None:
    started = winnow("train", "sentiment", "--detach", "--json", project=own_shop)
    assert started.code == 0
    assert started.json["status"] == "queued"
    run = started.json["id"]

    def finished() -> bool:
        shown = winnow("report", "sentiment", "--run", run, "--json", project=own_shop)
        assert shown.code in (0, 4), shown.out
        return shown.code == 0

    wait_until(finished, 60)
    assert winnow("report", "sentiment", "--run", "no-such-run", project=own_shop).code == 3


@pytest.mark.slow
def test_a_detached_run_can_be_cancelled(own_shop: Path) -> None:
    toml = own_shop / "winnow.toml"
    lines = toml.read_text(encoding="utf-8").splitlines()
    many = ", ".join(f'{{ family = "gradient-boosting", name = "forest {number}" }}' for number in range(50))
    lines = [f"candidates = [{many}]" if line.startswith("candidates") else line for line in lines]
    toml.write_text("\n".join(lines), encoding="utf-8")
    before = winnow("versions", "sentiment", "--json", project=own_shop).json
    run = winnow("train", "sentiment", "--detach", "--json", project=own_shop).json["id"]
    cancelled = winnow("cancel", "sentiment", "--json", project=own_shop)
    assert (cancelled.code, cancelled.json["id"], cancelled.json["status"]) == (0, run, "cancelled")
    again = winnow("cancel", "sentiment", project=own_shop)
    assert again.code == 4
    assert "nothing to cancel" in again.err
    assert winnow("versions", "sentiment", "--json", project=own_shop).json == before


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_leaves_nothing(number: signal.Signals, own_shop: Path) -> None:
    before = winnow("versions", "sentiment", "--json", project=own_shop).json
    models = own_shop / ".winnow" / "models" / "sentiment"
    folders = sorted(models.iterdir())
    with subprocess.Popen(
        [WINNOW, "train", "sentiment"],
        cwd=own_shop,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as training:
        assert training.stderr is not None
        assert training.stdout is not None
        training.stderr.readline()  # the first word of its progress
        training.send_signal(number)
        told = training.stderr.read()
        assert training.wait(30) == 130
        assert training.stdout.read() == ""
    assert "was cancelled: nothing of it was kept" in told
    assert "Traceback" not in told
    assert winnow("versions", "sentiment", "--json", project=own_shop).json == before
    wait_until(lambda: sorted(models.iterdir()) == folders)
    assert winnow("status", "--json", project=own_shop).json["services"][0]["last_run"]["status"] == "cancelled"


def test_the_report_for_people_for_programs_and_in_a_file(shop: Path, tmp_path: Path) -> None:
    shown = winnow("report", "sentiment", project=shop)
    assert shown.code == 0
    assert "what is right (down), what it answered (across)" in shown.out
    assert all(line == line.rstrip() for line in shown.out.splitlines())
    report = winnow("report", "sentiment", "--json", project=shop).json
    assert {entry["name"] for entry in report["candidates"]} == {"logistic-regression", "linear-svm", "naive-bayes"}
    assert winnow("report", "sentiment", "--output", tmp_path / "report.json", project=shop).code == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report


def test_a_service_without_a_run_has_no_report(new_shop: Path) -> None:
    refused = winnow("report", "sentiment", project=new_shop)
    assert refused.code == 3
    assert "winnow train sentiment" in refused.err
