"""Beginning: new projects, finding them, and what is wrong with them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import winnow
from winnow.cli.new import templates
from winnow.models.picture import Limits
from winnow.project import load_project
from winnow.serving.library import Library


@pytest.mark.parametrize("template", templates())
def test_each_template_makes_a_project_that_reads_back(template: str, tmp_path: Path) -> None:
    folder = tmp_path / "my project"
    made = winnow("new", folder, "--template", template, "--json")
    assert made.code == 0, made.err
    project = load_project(folder)
    assert project.name == "my project"
    assert list(project.services) == ([] if template == "empty" else [template])
    for config in project.services.values():
        assert config.gates.described()
        assert all((folder / name).exists() for name in config.data)
    assert all(Path(name).exists() for name in made.json["files"])
    assert "#" in (folder / "winnow.toml").read_text(encoding="utf-8")


def test_a_template_may_make_its_data(tmp_path: Path) -> None:
    """The digits do not ship as files: a script of the example writes them."""
    folder = tmp_path / "shop"
    made = winnow("new", folder, "--template", "digits", "--json")
    assert made.json["files"] == [str(folder / name) for name in ("winnow.toml", "digits/images", "digits/library")]
    config = load_project(folder).service("digits")
    labels = sorted(path.name for path in (folder / "digits" / "images").iterdir())
    assert labels == sorted(config.known_labels or ())
    assert all(len(list((folder / "digits" / "images" / label).glob("*.png"))) > 100 for label in labels)
    shown = Library(folder / "digits" / "library", Limits()).names()
    assert shown == [f"{label}.png" for label in labels]
    assert load_project(folder).classic.images is None


def test_new_leaves_a_folder_that_holds_something_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = winnow("new", tmp_path)
    assert refused.code == 4
    assert "not empty" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unknown_template_names_the_nearest(tmp_path: Path) -> None:
    refused = winnow("new", tmp_path / "shop", "--template", "sentimant")
    assert refused.code == 3
    assert "Did you mean 'sentiment'?" in refused.err
    assert not (tmp_path / "shop").exists()


def test_the_project_is_found_from_within_it_by_option_and_by_variable(shop: Path) -> None:
    within = winnow("status", "--json", project=shop / "sentiment")
    before = winnow("--project", shop, "status", "--json", project=Path("/"))
    behind = winnow("status", "--json", "-p", shop / "winnow.toml", project=Path("/"))
    variable = winnow("status", "--json", project=Path("/"), more={"WINNOW_PROJECT": str(shop)})
    for shown in (within, before, behind, variable):
        assert shown.code == 0, shown.err
        assert shown.json["folder"] == str(shop)


def test_no_project_anywhere_says_how_to_get_one() -> None:
    refused = winnow("status", project=Path("/"))
    assert refused.code == 2
    assert "winnow new" in refused.err
    assert "Traceback" not in refused.err


def test_a_mistake_in_winnow_toml_is_one_sentence(new_shop: Path) -> None:
    toml = new_shop / "winnow.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("naive-bayes", "naive-bays"), encoding="utf-8")
    refused = winnow("status", project=new_shop)
    assert refused.code == 2
    assert len(refused.err.splitlines()) == 1
    assert "Did you mean 'naive-bayes'?" in refused.err


def test_status_shows_what_to_do_next(shop: Path, new_shop: Path) -> None:
    trained = winnow("status", project=shop)
    assert "linear-svm" in trained.out
    assert "all met" in trained.out
    untrained = winnow("status", project=new_shop)
    assert "`winnow load sentiment FILE`" in untrained.out


def test_doctor_finds_a_sound_project_sound(shop: Path) -> None:
    looked = winnow("doctor", "--json", project=shop)
    assert looked.code == 0, looked.out
    states = {check["name"]: check["state"] for check in looked.json["checks"]}
    assert states["service sentiment"] == states["database"] == states["project"] == "ok"
    assert not (shop / ".winnow" / "winnow.db-journal").exists()


def test_doctor_changes_nothing(new_shop: Path) -> None:
    assert winnow("doctor", project=new_shop).code == 0
    assert not (new_shop / ".winnow").exists()


def test_doctor_finds_a_model_that_was_tampered_with(own_shop: Path) -> None:
    for path in (own_shop / ".winnow" / "models").rglob("*.npz"):
        path.write_bytes(path.read_bytes() + b"!")
    looked = winnow("doctor", project=own_shop)
    assert looked.code == 1
    assert "was changed after training" in looked.out
    assert "winnow rollback sentiment" in looked.out


def test_doctor_finds_wrong_parameters_a_taken_port_and_wrong_settings(new_shop: Path) -> None:
    toml = new_shop / "winnow.toml"
    wrong = '{ family = "linear-svm", depth = 3 }'
    toml.write_text(toml.read_text(encoding="utf-8").replace('"linear-svm"', wrong), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        looked = winnow("doctor", "--json", project=new_shop, more={"WINNOW_PORT": port})
    checks = {check["name"]: check for check in looked.json["checks"] if check["state"] != "ok"}
    assert looked.code == 1
    assert checks["port"]["state"] == "warning"
    assert "unknown parameter 'depth'" in checks["project"]["detail"]
    failed = winnow("doctor", project=new_shop, more={"WINNOW_PORT": "eighty"})
    assert failed.code == 1
    assert "WINNOW_PORT" in failed.out
