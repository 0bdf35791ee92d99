"""A whole run in this process, on a real database: what it reports, registers, promotes and refuses."""

from __future__ import annotations

import json

import pytest

from tests.lifecycle.room import Room, make_moods
from winnow.domain import Status, Target
from winnow.errors import Cancelled, TrainingFailed
from winnow.lifecycle.folders import sweep
from winnow.lifecycle.progress import RunProgress
from winnow.lifecycle.registry import load_version, promote
from winnow.lifecycle.training import train
from winnow.store import runs

TOO_FEW = (
    "each label of 'mood' needs at least 2 different examples, one to learn from and one to be tested with, "
    "and {}: add examples, or take the label out of winnow.toml"
)
INVERTED = {"family": "toy-words", "name": "inverted", "inverted": True}


def assert_nothing_kept(room: Room) -> None:
    assert room.versions() == []
    assert room.promotions() == []
    assert room.folders() == []


def test_a_run_ends_with_a_champion_and_a_report(room: Room) -> None:
    room.add(make_moods(200))
    project = room.configure(candidates=[INVERTED, "toy-words"], more='gates = { accuracy = ">= 0.7" }')
    report = room.train(project)
    assert report["decision"]["promoted"] == 2
    first, second = room.versions()
    assert (first.candidate, second.candidate) == ("inverted", "toy-words")
    assert room.champion() == 2 == second.number
    assert second.metrics["accuracy"] >= 0.7
    assert second.metrics["regression"] is None
    assert load_version(room.database, room.models, "mood", 2).answer(["sun sun"])
    (promotion,) = room.promotions()
    assert promotion.reasons == report["decision"]["reasons"]
    run = room.run(report["run"])
    assert run.status is Status.FINISHED
    assert run.report == json.loads(json.dumps(report, allow_nan=False))


def test_the_report_says_what_was_done(room: Room) -> None:
    room.add(make_moods(200))
    report = room.train(room.configure(candidates=["toy-words", "toy-refusing"]))
    counts = report["counts"]
    assert counts["examples"] == 200 == counts["train"] + counts["test"]
    assert sum(label["train"] + label["test"] for label in counts["labels"].values()) == 200
    assert report["split"]["test_share"] == 0.2
    assert report["snapshot"] == 1
    assert {"numpy", "scikit-learn", "winnow"} <= set(report["libraries"])
    fitted, failed = report["candidates"]
    assert (fitted["name"], fitted["status"], fitted["version"]) == ("toy-words", "fitted", 1)
    assert fitted["parameters"] == {"inverted": False}
    assert fitted["metrics"] is not None
    assert fitted["interval"] is not None
    low, high = fitted["interval"]["accuracy"] or []
    assert low <= fitted["metrics"]["accuracy"] <= high
    assert (failed["status"], failed["error"], failed["version"]) == ("failed", "these examples are too dull", None)
    assert report["baseline"]["name"] == "majority"
    assert report["baseline"]["version"] is None
    assert report["baseline"]["metrics"] is not None
    assert report["baseline"]["metrics"]["accuracy"] < fitted["metrics"]["accuracy"]
    assert report["champion"] is None


def test_the_baseline_is_registered_where_it_is_listed(room: Room) -> None:
    room.add(make_moods(60))
    report = room.train(room.configure(candidates=["toy-words", "majority"]))
    assert [version.candidate for version in room.versions()] == ["toy-words", "majority"]
    assert report["baseline"]["metrics"] == report["candidates"][1]["metrics"]
    assert sorted(path.name for path in (room.models / "mood" / report["run"]).iterdir()) == [
        "1-toy-words",
        "2-majority",
    ]


@pytest.mark.parametrize(
    ("candidate", "error"),
    [
        ("toy-refusing", "these examples are too dull"),
        ("toy-broken", "ZeroDivisionError: division by zero"),
        ("toy-needy", 'toy-needy needs packages that are not installed: pip install "winnow[toys]"'),
        (
            "toy-unregistered",
            "there is no model 'toy-unheard-of'.… Is the package that brings it installed?",
        ),
        ("toy-wrods", "candidate 'toy-wrods': there is no candidate 'toy-wrods'. Did you mean 'toy-words'?"),
    ],
)
def test_one_failing_candidate_does_not_keep_others_from_learning(room: Room, candidate: str, error: str) -> None:
    room.add(make_moods(60))
    report = room.train(room.configure(candidates=[candidate, "toy-words"]))
    failed, fitted = report["candidates"]
    assert failed["error"] is not None
    assert all(part in failed["error"] for part in error.split("…"))
    assert fitted["error"] is None
    assert [path.name for path in (room.models / "mood" / report["run"]).iterdir()] == ["2-toy-words"]
    assert [version.candidate for version in room.versions()] == ["toy-words"]
    assert room.folders() == [report["run"]]


def test_all_failing_is_a_failed_run(room: Room) -> None:
    room.add(make_moods(60))
    with pytest.raises(
        TrainingFailed, match="could learn: toy-refusing: these examples are too dull; toy-broken: Zero"
    ):
        room.train(room.configure(candidates=["toy-refusing", "toy-broken"]))
    assert_nothing_kept(room)


@pytest.mark.parametrize(
    ("rows", "more", "sentence"),
    [
        ([], "", "service 'mood' has no examples to learn from: add some first"),
        (
            [("a", "happy"), ("b", "happy")],
            "",
            "all 2 examples of 'mood' have the label 'happy': there must be at least two labels to tell apart",
        ),
        (
            [("a", "happy"), ("b", "happy"), ("c", "sad"), ("  C ", "sad")],
            "",
            TOO_FEW.format("'sad' has 1"),
        ),
        (
            [("a", "happy"), ("b", "happy"), ("c", "sad"), ("d", "sad")],
            'labels = ["happy", "sad", "livid"]',
            TOO_FEW.format("'livid' has none"),
        ),
        ([("a", []), ("b", [])], 'separator = ","', "no example of 'mood' has a label: there is nothing to learn"),
    ],
)
def test_too_little_to_learn_from_is_said_plainly(
    room: Room, rows: list[tuple[str, Target]], more: str, sentence: str
) -> None:
    if rows:
        room.add(rows)
    with pytest.raises(TrainingFailed) as refusal:
        room.train(room.configure(more=more))
    assert str(refusal.value) == sentence
    assert_nothing_kept(room)


def test_two_examples_of_each_label_are_enough(room: Room) -> None:
    room.add([("sun", "happy"), ("joy", "happy"), ("rain", "sad"), ("grief", "sad")])
    report = room.train(room.configure())
    assert report["counts"]["labels"] == {"happy": {"train": 1, "test": 1}, "sad": {"train": 1, "test": 1}}


def test_examples_of_a_dropped_label_are_left_out(room: Room) -> None:
    room.add([*make_moods(60), ("grr", "livid"), ("argh", "livid")])
    report = room.train(room.configure(more='labels = ["happy", "sad"]'))
    assert report["counts"]["examples"] == 60
    assert report["counts"]["left_out"] == {"livid": 2}


def test_several_labels_may_apply(room: Room) -> None:
    rows: list[tuple[str, Target]] = []
    for number in range(60):
        target = [["warm"], ["wet"], ["warm", "wet"], []][number % 4]
        rows.append((f"{' '.join(target)} day {number}", target))
    room.add(rows)
    report = room.train(room.configure(more='separator = ","'))
    assert report["candidates"][0]["metrics"] is not None
    assert set(report["candidates"][0]["metrics"]["confusion"]["by_label"]) == {"warm", "wet"}
    assert report["decision"]["promoted"] == 1


def test_the_same_snapshot_gives_the_same_figures(room: Room) -> None:
    room.add(make_moods(200))
    project = room.configure(candidates=["toy-words", "linear-svm"])
    first, second = room.train(project), room.train(project)
    for before, after in zip(first["candidates"], second["candidates"], strict=True):
        assert before["metrics"] == after["metrics"]
        assert before["interval"] == after["interval"]


def test_what_meets_no_gate_is_registered_but_answers_nobody(room: Room) -> None:
    room.add(make_moods(200))
    report = room.train(room.configure(candidates=[INVERTED], more='gates = { accuracy = ">= 0.9" }'))
    assert report["decision"]["promoted"] is None
    assert report["decision"]["reasons"][0] == "no candidate meets its gates"
    assert report["decision"]["reasons"][1].startswith("inverted: accuracy 0.")
    assert "misses >= 0.9 by" in report["decision"]["reasons"][1]
    assert len(room.versions()) == 1
    assert room.champion() is None


def test_a_better_candidate_that_misses_a_gate_is_passed_over(room: Room) -> None:
    room.add(make_moods(200))
    large = "linear-svm"
    report = room.train(room.configure(candidates=[large, "toy-words"], more='gates = { size_mb = "<= 0.01" }'))
    assert report["decision"]["promoted"] == 2
    assert not report["candidates"][0]["gates"][0]["passed"]


def test_manual_promotion_leaves_it_to_a_person(room: Room) -> None:
    room.add(make_moods(60))
    report = room.train(room.configure(more='retrain = { promote = "manual" }'))
    assert report["decision"]["promoted"] is None
    assert report["decision"]["chosen"] == 1
    assert report["decision"]["reasons"][0] == "promotion is manual: a person decides"
    assert room.champion() is None
    assert len(room.versions()) == 1


def test_a_run_that_is_told_otherwise_does_otherwise(room: Room) -> None:
    room.add(make_moods(60))
    report = room.train(room.configure(candidates=[INVERTED, "toy-words"]), promote="manual")
    decision = report["decision"]
    assert (decision["promoted"], decision["chosen"]) == (None, 2)
    assert decision["reasons"][0] == "this run was told to promote nothing"
    assert decision["reasons"][1].startswith("version 2 (toy-words) has the best f1_macro")
    assert room.champion() is None
    report = room.train(room.configure(more='retrain = { promote = "manual" }'), promote="automatic")
    assert report["decision"]["promoted"] == report["decision"]["chosen"] == room.champion() == 3


def test_what_misses_its_gates_is_not_chosen(room: Room) -> None:
    room.add(make_moods(60))
    impossible = room.configure(more='gates = { accuracy = "> 1" }')
    decision = room.train(impossible, promote="manual")["decision"]
    assert (decision["promoted"], decision["chosen"]) == (None, None)
    assert decision["reasons"][0] == "no candidate meets its gates"


def test_a_worse_version_does_not_pass_the_champion(room: Room) -> None:
    room.add(make_moods(200))
    gate = 'gates = { regression = "<= 0.01" }'
    room.train(room.configure(more=gate))
    report = room.train(room.configure(candidates=[INVERTED], more=gate))
    assert report["champion"] is not None
    assert report["champion"]["version"] == 1
    assert report["champion"]["metrics"] is not None
    assert report["candidates"][0]["metrics"] is not None
    lost = report["champion"]["metrics"]["f1_macro"] - report["candidates"][0]["metrics"]["f1_macro"]
    assert report["candidates"][0]["gates"][0]["figure"] == pytest.approx(lost)
    assert report["decision"]["promoted"] is None
    assert room.champion() == 1


def test_the_champion_is_measured_on_the_same_rows(room: Room) -> None:
    room.add(make_moods(200))
    project = room.configure()
    room.train(project)
    report = room.train(project)
    assert report["champion"] is not None
    assert report["champion"]["metrics"] == report["candidates"][0]["metrics"]
    assert report["decision"]["promoted"] == 2
    assert [promotion.previous for promotion in room.promotions()] == [None, 1]


def test_a_champion_that_cannot_be_loaded_is_reported_and_replaced(room: Room) -> None:
    room.add(make_moods(200))
    project = room.configure(more='gates = { regression = "<= 0.01" }')
    room.train(project)
    (room.models / room.versions()[0].path / "words.json").write_text("{}")
    report = room.train(project)
    assert report["champion"] is not None
    assert report["champion"]["metrics"] is None
    assert "version 1 cannot be used" in str(report["champion"]["error"])
    assert any("the champion was not compared" in reason for reason in report["decision"]["reasons"])
    assert report["decision"]["promoted"] == 2


def test_a_champion_promoted_meanwhile_is_the_one_that_counts(room: Room) -> None:
    room.add(make_moods(200))
    project = room.configure(candidates=["toy-words", INVERTED])
    room.train(project)
    told: list[str] = []

    def promote_the_other(progress: RunProgress) -> None:
        told.append(progress["stage"])
        if told.count("registering the versions") == 1 and told[-1] == "registering the versions":
            promote(room.database, project.service("mood"), "mood", 2)

    report = room.train(project, listener=promote_the_other)
    assert told.count("comparing with the champion") == 2
    assert report["champion"] is not None
    assert report["champion"]["version"] == 2


def test_a_run_cancelled_before_its_end_leaves_nothing(room: Room) -> None:
    room.add(make_moods(60))
    project, run = room.configure(), room.queue()

    def cancel(progress: RunProgress) -> None:
        if progress["stage"] == "comparing with the champion":
            with room.database.write() as connection:
                assert runs.end(connection, run.id, Status.CANCELLED)

    with pytest.raises(Cancelled):
        train(room.database, project, "mood", run.id, room.models, cancel)
    assert_nothing_kept(room)
    assert room.run(run.id).status is Status.CANCELLED


def test_a_run_cancelled_before_it_began_does_not_begin(room: Room) -> None:
    room.add(make_moods(60))
    project, run = room.configure(), room.queue()
    with room.database.write() as connection:
        runs.end(connection, run.id, Status.CANCELLED)
    with pytest.raises(Cancelled):
        train(room.database, project, "mood", run.id, room.models)
    assert_nothing_kept(room)


def test_a_listener_that_raises_stops_the_run_at_any_moment(room: Room) -> None:
    room.add(make_moods(60))
    project = room.configure(candidates=["toy-words", INVERTED])
    told: list[RunProgress] = []
    room.train(project, listener=told.append)
    kept = room.folders()
    for moment in range(len(told)):
        heard: list[RunProgress] = []

        def stop(progress: RunProgress, moment: int = moment, heard: list[RunProgress] = heard) -> None:
            heard.append(progress)
            if len(heard) > moment:
                raise Cancelled("stop")

        run = room.queue()
        with pytest.raises(Cancelled):
            train(room.database, project, "mood", run.id, room.models, stop)
        with room.database.write() as connection:
            runs.end(connection, run.id, Status.CANCELLED)
        assert room.folders() == kept
    assert len(room.versions()) == 2


def test_progress_rises_to_the_end(room: Room) -> None:
    room.add(make_moods(60))
    told: list[RunProgress] = []
    room.train(room.configure(candidates=["toy-words", "toy-broken"]), listener=told.append)
    assert [entry["done"] for entry in told] == sorted(entry["done"] for entry in told)
    assert told[0]["done"] == 0.0
    assert told[-1]["candidates"] == {"toy-words": 1.0, "toy-broken": 1.0}
    assert {entry["candidate"] for entry in told} == {None, "toy-words", "toy-broken", "majority"}


@pytest.mark.parametrize("name", ["../../escaped", "..", "/etc", "a/b", "é" * 300, "a b", ""])
def test_no_candidates_name_leaves_the_folder(room: Room, name: str) -> None:
    room.add(make_moods(60))
    report = room.train(room.configure(candidates=[{"family": "toy-words", "name": name}]))
    (version,) = room.versions()
    path = (room.models / version.path).resolve()
    assert path.parent == room.models / "mood" / report["run"]
    assert path.is_dir()


def test_the_sweep_takes_what_nobody_needs(room: Room) -> None:
    room.add(make_moods(60))
    report = room.train(room.configure())
    active = room.queue()
    dead = "00000000-0000-7000-8000-000000000000"
    for name in (dead, f".staging-{dead}", active.id, f".staging-{active.id}", "notes"):
        (room.models / "mood" / name).mkdir()
    assert sorted(path.name for path in sweep(room.database, room.models)) == [f".staging-{dead}", dead]
    assert room.folders() == sorted([report["run"], active.id, f".staging-{active.id}", "notes"])


def test_golden_inputs_are_varied(room: Room) -> None:
    room.add([*make_moods(200), ("x" * 3000, "happy"), ("!", "sad")])
    room.train(room.configure())
    (version,) = room.versions()
    facts = json.loads((room.models / version.path / "bundle.json").read_text())
    golden = [case["input"] for case in facts["golden"]]
    assert len(golden) == len(set(golden)) == 8
    assert max(map(len, golden)) <= 2000
    assert {case["answer"]["label"] for case in facts["golden"]} == {"happy", "sad"}
