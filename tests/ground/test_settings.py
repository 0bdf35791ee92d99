"""Settings: what is given beats the environment, which beats the defaults; errors name the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from winnow.domain import History
from winnow.errors import ProjectError
from winnow.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WINNOW_{name.upper()}", raising=False)


def test_the_environment_beats_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_PORT", "9000")
    monkeypatch.setenv("WINNOW_HISTORY", "relaxed")
    settings = load_settings()
    assert settings.port == 9000
    assert settings.history is History.RELAXED
    assert settings.host == "127.0.0.1"


def test_what_is_given_beats_the_environment_and_none_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_PORT", "9000")
    monkeypatch.setenv("WINNOW_HOST", "localhost")
    settings = load_settings(port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "localhost")


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(ProjectError, match=r"^unknown setting 'prot'\. Did you mean 'port'\?$"):
        load_settings(prot=1)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("port", "http", "setting 'port' (WINNOW_PORT) should be a whole number, not 'http'"),
        ("port", "70000", "setting 'port' (WINNOW_PORT) should be at most 65535, not '70000'"),
        ("workers", "0", "setting 'workers' (WINNOW_WORKERS) should be at least 1, not '0'"),
        ("max_body_mb", "0", "setting 'max_body_mb' (WINNOW_MAX_BODY_MB) should be more than 0.0, not '0'"),
        ("max_body_mb", "big", "setting 'max_body_mb' (WINNOW_MAX_BODY_MB) should be a number, not 'big'"),
        (
            "history",
            "some",
            "setting 'history' (WINNOW_HISTORY) should be 'durable', 'relaxed' or 'off', not 'some'",
        ),
    ],
)
def test_a_bad_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str) -> None:
    monkeypatch.setenv(f"WINNOW_{name.upper()}", value)
    with pytest.raises(ProjectError) as caught:
        load_settings()
    assert str(caught.value) == sentence


def test_secrets_are_not_shown() -> None:
    settings = load_settings(database="postgresql://me:opensesame@host/name")
    assert "opensesame" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.database_url == "postgresql://me:opensesame@host/name"


def test_the_database_is_a_file_in_the_project_unless_said_otherwise(tmp_path: Path) -> None:
    assert load_settings(project=tmp_path).database_url == f"sqlite:///{tmp_path}/.winnow/winnow.db"
    assert load_settings(home=tmp_path / "home").folder == tmp_path / "home"
