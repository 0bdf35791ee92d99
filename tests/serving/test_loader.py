"""The loader: a sound champion takes over, an unsound one changes nothing, and both are said."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from tests.projects import settings_of, train_directly, wait_until
from winnow.errors import NotReady
from winnow.models.linear_text import LinearText
from winnow.monitoring.metrics import Metrics
from winnow.serving import loader as loader_module
from winnow.serving.loader import Loader
from winnow.store import Database, versions
from winnow.tasks.text_classification import TextClassification


@pytest.fixture
def database(project_copy: Path) -> Iterator[Database]:
    database = Database(settings_of(project_copy).database_url)
    yield database
    database.close()


@pytest.fixture
async def loader(project_copy: Path, database: Database) -> AsyncIterator[Loader]:
    """A loader that has taken over version 1 and does not watch: tests say when it looks."""
    loader = Loader(
        database, settings_of(project_copy).folder / "models", {"sentiment": TextClassification.sample}, Metrics()
    )
    await loader.refresh()
    yield loader
    await loader.close()


def bundle_of(project: Path, database: Database, number: int) -> Path:
    with database.read() as connection:
        return settings_of(project).folder / "models" / versions.get(connection, "sentiment", number).path


def promote(database: Database, number: int) -> None:
    with database.write() as connection:
        versions.promote(connection, "sentiment", number, reasons=["a test wants it"])


def swaps(loader: Loader, outcome: str) -> float | None:
    return loader._metrics._registry.get_sample_value(
        "winnow_swaps_total", {"service": "sentiment", "outcome": outcome}
    )


async def test_a_new_champion_takes_over(project_copy: Path, loader: Loader) -> None:
    """The store says who answers; the loader follows."""
    before = loader.of("sentiment")()
    assert before.version == 1
    train_directly(project_copy)
    await loader.refresh()
    after = loader.of("sentiment")()
    assert after.version == loader.version("sentiment") == 2
    assert after.model is not before.model
    assert after.seconds_per_char > 0
    assert swaps(loader, "loaded") == 2


async def test_a_champion_that_did_not_change_is_not_loaded_again(loader: Loader) -> None:
    """Looking costs one query."""
    before = loader.of("sentiment")()
    await loader.refresh()
    assert loader.of("sentiment")() is before


async def test_without_a_champion_the_refusal_says_what_to_do(tmp_path: Path, database: Database) -> None:
    loader = Loader(
        database, tmp_path, dict.fromkeys(["sentiment", "untrained"], TextClassification.sample), Metrics()
    )
    with pytest.raises(NotReady, match="winnow train untrained"):
        loader.of("untrained")()


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "unreadable"])
async def test_a_damaged_champion_leaves_the_old_one_answering(
    project_copy: Path, database: Database, loader: Loader, damage: str
) -> None:
    """Whatever is wrong with its files. The problem is told, and gone once a sound champion is there."""
    number = train_directly(project_copy, promote=False)
    bundle = bundle_of(project_copy, database, number)
    data = min(path for path in bundle.iterdir() if path.name != "bundle.json")
    if damage == "changed":
        data.write_bytes(data.read_bytes()[:-1] + b"\0")
    elif damage == "missing":
        data.unlink()
    elif damage == "added":
        (bundle / "more.json").write_text("{}")
    else:
        data.unlink()
        data.mkdir()
    promote(database, number)
    await loader.refresh()
    assert loader.of("sentiment")().version == 1
    assert str(bundle) in (loader.problem("sentiment") or "")
    assert swaps(loader, "refused") == 1
    promote(database, 1)
    await loader.refresh()
    assert loader.problem("sentiment") is None


async def test_a_champion_whose_answers_changed_fails_its_self_test(
    project_copy: Path, database: Database, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that answers otherwise than at training is noticed before any user is answered."""
    number = train_directly(project_copy)
    facts = json.loads((bundle_of(project_copy, database, number) / "bundle.json").read_text())
    assert facts["golden"], "there is something to test with"
    asked = LinearText.answer
    monkeypatch.setattr(LinearText, "answer", lambda self, inputs: asked(self, ["something else"] * len(inputs)))
    await loader.refresh()
    assert loader.version("sentiment") == 1
    assert "self-test failed" in (loader.problem("sentiment") or "")


async def test_a_family_that_breaks_while_loading_does_not_stop_the_watch(
    project_copy: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models may be anybody's code: any exception of theirs is a refused champion, and the loader goes on."""
    monkeypatch.setattr(loader_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(loader_module, "RETRY_SECONDS", 0.05)
    await loader.start()

    def broken(*_: object) -> None:
        raise KeyError("weights")

    with monkeypatch.context() as patch:
        patch.setattr(loader_module, "load_bundle", broken)
        train_directly(project_copy)
        await reached(lambda: loader.problem("sentiment") is not None)
        assert loader.version("sentiment") == 1
        assert "KeyError" in (loader.problem("sentiment") or "")
    await reached(lambda: loader.version("sentiment") == 2)
    assert loader.problem("sentiment") is None


async def test_a_store_that_fails_for_a_while_does_not_stop_the_watch(
    project_copy: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the store raises: the loader looks again, and sees the promotion once it can."""
    monkeypatch.setattr(loader_module, "POLL_SECONDS", 0.01)
    looks = 0

    def failing(_connection: object) -> dict[str, int]:
        nonlocal looks
        looks += 1
        raise OSError("the disk is away")

    await loader.start()
    with monkeypatch.context() as patch:
        patch.setattr(versions, "champions", failing)
        await reached(lambda: looks >= 3)
        assert loader.of("sentiment")().version == 1
    train_directly(project_copy)
    await reached(lambda: loader.version("sentiment") == 2)


async def test_a_refused_champion_is_tried_again_later(
    project_copy: Path, database: Database, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at every look, which would load a broken model four times a second; but when its rest is over."""
    number = train_directly(project_copy, promote=False)
    facts = bundle_of(project_copy, database, number) / "bundle.json"
    sound = facts.read_bytes()
    facts.write_bytes(sound + b" ")
    promote(database, number)
    for _ in range(3):
        await loader.refresh()
    assert swaps(loader, "refused") == 1
    facts.write_bytes(sound)
    loader._refused.clear()  # as if its rest were over
    await loader.refresh()
    assert loader.version("sentiment") == number


async def test_models_that_were_replaced_leave_the_memory(
    project_copy: Path, database: Database, loader: Loader
) -> None:
    """However often the champion changes, the process holds one model and at most the one before."""
    train_directly(project_copy, promote=False)
    replaced: list[list[weakref.ref[object]]] = []
    for number in (2, 1, 2, 1, 2):
        replaced.append(parts_of(loader.of("sentiment")().model))
        promote(database, number)
        await loader.refresh()
        assert loader.version("sentiment") == number
    assert len(replaced[0]) > 2
    assert not [part for parts in replaced[:-1] for part in parts if part() is not None]


def parts_of(model: object) -> list[weakref.ref[object]]:
    """The model and every object of a model's class that it leads to; some of them hold each other in circles."""
    parts: list[weakref.ref[object]] = []
    ways, seen = [model], {id(model)}
    while ways:
        thing = ways.pop()
        if type(thing).__module__.startswith("winnow.models") and hasattr(thing, "__weakref__"):
            parts.append(weakref.ref(thing))
        for next_thing in thing.__closure__ or () if isinstance(thing, FunctionType) else gc.get_referents(thing):
            if id(next_thing) not in seen and not isinstance(next_thing, type | ModuleType):
                seen.add(id(next_thing))
                ways.append(next_thing)
    return parts


async def reached(condition: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds."""
    await asyncio.to_thread(wait_until, condition)
