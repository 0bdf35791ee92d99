"""Help: every command has it, with a sentence for each option, and it comes at once."""

from __future__ import annotations

import resource
import subprocess
import sys
from inspect import getdoc

import pytest

from tests.cli.conftest import winnow
from winnow.cli import exit_codes
from winnow.cli.app import COMMANDS
from winnow.settings import Settings

NAMES = [function.__name__.rstrip("_") for functions in COMMANDS.values() for function in functions]


def test_the_command_lists_all_its_commands() -> None:
    shown = winnow("--help")
    assert shown.code == 0
    listed = [line.split()[0] for line in shown.out.split("Commands:")[1].splitlines() if line.startswith("  ")]
    assert listed[: len(NAMES)] == NAMES
    assert not [line for line in shown.out.splitlines()[1:] if line.endswith("...")], "a summary is cut short"


@pytest.mark.parametrize("name", NAMES)
def test_each_command_explains_itself_and_has_the_common_options(name: str) -> None:
    shown = winnow(name, "--help")
    assert shown.code == 0
    for option in ("--project", "--json", "--debug"):
        assert option in shown.out
    assert "╭" not in shown.out
    assert "\x1b" not in shown.out


def test_up_has_an_option_for_each_setting_with_its_help() -> None:
    shown = " ".join(winnow("up", "--help").out.split())
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in shown
        if name != "project":
            assert field.description is not None
            assert field.description in shown
            assert f"WINNOW_{name.upper()}" in shown


def test_every_exit_code_is_documented() -> None:
    documented = getdoc(exit_codes) or ""
    for code in exit_codes.ExitCode:
        assert f"| {code.value} |" in documented


def test_help_needs_nothing_heavy() -> None:
    script = "import sys, winnow.cli; print([name for name in %r if name in sys.modules])"
    heavy = ["numpy", "sklearn", "fastapi", "uvicorn", "alembic", "sqlalchemy", "loguru"]
    done = subprocess.run([sys.executable, "-c", script % heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_comes_soon() -> None:
    """In seconds of a processor: those on the clock depend on what else the machine is doing."""
    winnow("--help")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    winnow("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 0.4


def test_no_arguments_and_version() -> None:
    assert "Commands:" in winnow().err + winnow().out
    assert winnow("--version").out.startswith("winnow ")


def test_a_mistyped_command_or_option_is_a_usage_error() -> None:
    mistyped = winnow("statsu")
    assert mistyped.code == 2
    assert "'status'" in mistyped.err
    assert winnow("status", "--jsn").code == 2
