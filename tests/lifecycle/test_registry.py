"""The registry: promotion behind gates, rollback, loading."""

from __future__ import annotations

import pytest

from tests.lifecycle.room import Room, make_moods
from winnow.errors import BundleRefused, Conflict, GateRefused, NotFound
from winnow.lifecycle.registry import load_version, promote, rollback
from winnow.project import ServiceConfig

INVERTED = {"family": "toy-words", "name": "inverted", "inverted": True}
MANUAL = 'retrain = { promote = "manual" }\n'
GATE = MANUAL + 'gates = { accuracy = ">= 0.7", regression = "<= 0.01" }'


@pytest.fixture
def config(room: Room) -> ServiceConfig:
    """Version 1 is good and version 2 is bad; nobody is champion."""
    room.add(make_moods(200))
    project = room.configure(candidates=["toy-words", INVERTED], more=GATE)
    room.train(project)
    return project.service("mood")


def test_a_version_that_meets_its_gates_is_promoted_with_reasons(room: Room, config: ServiceConfig) -> None:
    promotion = promote(room.database, config, "mood", 1)
    assert room.champion() == 1
    assert [found.id for found in room.promotions()] == [promotion.id]
    assert promotion.kind == "promote"
    assert promotion.reasons[0] == "chosen by a person"
    assert promotion.reasons[1].startswith("accuracy 0.")
    assert promotion.reasons[1].endswith("meets >= 0.7")


def test_a_version_that_misses_a_gate_is_refused_with_figures(room: Room, config: ServiceConfig) -> None:
    with pytest.raises(GateRefused) as refusal:
        promote(room.database, config, "mood", 2)
    accuracy = room.versions()[1].metrics["accuracy"]
    assert str(refusal.value).startswith(
        f"version 2 of 'mood' does not meet its gates: accuracy {accuracy:.4g} misses >= 0.7 by 0."
    )
    (failure,) = refusal.value.failures
    assert failure["gate"] == "accuracy"
    assert failure["short_by"] == pytest.approx(0.7 - accuracy)
    assert room.champion() is None
    assert room.promotions() == []


def test_a_person_may_force_it_and_the_reasons_say_so(room: Room, config: ServiceConfig) -> None:
    promotion = promote(room.database, config, "mood", 2, force=True)
    assert room.champion() == 2
    assert promotion.reasons[0] == "forced by a person although it does not meet its gates"
    assert "misses >= 0.7" in promotion.reasons[1]


def test_gates_are_those_of_today(room: Room, config: ServiceConfig) -> None:
    stricter = room.configure(more='gates = { accuracy = ">= 0.999" }').service("mood")
    with pytest.raises(GateRefused, match=r"misses >= 0\.999"):
        promote(room.database, stricter, "mood", 1)
    looser = room.configure(more='gates = { accuracy = ">= 0.01" }').service("mood")
    assert promote(room.database, looser, "mood", 2).version == 2


def test_the_regression_that_its_run_measured_counts(room: Room, config: ServiceConfig) -> None:
    promote(room.database, config, "mood", 1)
    room.train(room.configure(candidates=[INVERTED], more=GATE))
    with pytest.raises(GateRefused, match=r"regression 0\.\d+ misses <= 0\.01"):
        promote(room.database, config, "mood", 3)


def test_the_champion_is_not_promoted_twice(room: Room, config: ServiceConfig) -> None:
    promote(room.database, config, "mood", 1)
    with pytest.raises(Conflict, match="version 1 of 'mood' is the champion already"):
        promote(room.database, config, "mood", 1, force=True)


def test_an_unknown_version_is_not_found(room: Room, config: ServiceConfig) -> None:
    with pytest.raises(NotFound, match="service 'mood' has no version 7"):
        promote(room.database, config, "mood", 7)
    with pytest.raises(NotFound, match="service 'mood' has no version 7"):
        load_version(room.database, room.models, "mood", 7)


def test_rollback_gives_the_place_back(room: Room, config: ServiceConfig) -> None:
    promote(room.database, config, "mood", 1)
    promote(room.database, config, "mood", 2, force=True)
    promotion = rollback(room.database, "mood")
    assert (promotion.version, promotion.previous, promotion.kind) == (1, 2, "rollback")
    assert promotion.reasons == ("rolled back from version 2",)
    assert room.champion() == 1
    with pytest.raises(Conflict, match="nothing to roll back to"):
        rollback(room.database, "mood")


def test_without_a_champion_there_is_nothing_to_roll_back(room: Room, config: ServiceConfig) -> None:
    with pytest.raises(Conflict, match="no champion"):
        rollback(room.database, "mood")


def test_a_version_is_loaded_as_it_was_registered(room: Room, config: ServiceConfig) -> None:
    assert load_version(room.database, room.models, "mood", 1).question.labels == ("happy", "sad")
    with (room.models / room.versions()[0].path / "bundle.json").open("a") as file:
        file.write(" ")
    with pytest.raises(BundleRefused, match="not the file that was registered"):
        load_version(room.database, room.models, "mood", 1)
