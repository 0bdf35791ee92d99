"""How results look: plain to programs, a pleasure on terminals, harmless always."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from tests.cli.conftest import WINNOW, environment, winnow
from winnow import errors
from winnow.cli.exit_codes import ExitCode, exit_code_of
from winnow.cli.output import clean, count


def _on_terminal(*arguments: str, project: Path, columns: int) -> str:
    ours, theirs = pty.openpty()
    more = environment(COLUMNS=str(columns), TERM="xterm-256color")
    del more["NO_COLOR"]
    with subprocess.Popen([WINNOW, *arguments], cwd=project, stdout=theirs, stderr=theirs, env=more) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how Linux says that the other side is closed
            pass
        assert process.wait(60) == 0
    os.close(ours)
    return shown.decode()


def test_terminals_have_colours_and_lines_that_fit(shop: Path) -> None:
    shown = _on_terminal("report", "sentiment", project=shop, columns=80)
    assert "\x1b[" in shown
    assert "──" in shown
    table = shown.split("gate ")[0]
    assert "gates" in table, "the column that matters most was cut off"
    assert "fit s" not in table


def test_files_and_pipes_have_neither(shop: Path) -> None:
    for command in (["report", "sentiment"], ["versions", "sentiment"], ["status"]):
        shown = winnow(*command, project=shop)
        assert "\x1b" not in shown.out
        assert "─" not in shown.out


def test_a_closed_pipe_is_no_error(shop: Path) -> None:
    line = f"set -o pipefail; {WINNOW} report sentiment | head -1"
    done = subprocess.run(
        ["bash", "-c", line], cwd=shop, capture_output=True, text=True, env=environment(), check=False
    )
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_texts_cannot_play_with_the_terminal() -> None:
    assert clean("a\x1b[31mb\nc\x07") == "a\N{REPLACEMENT CHARACTER}[31mb c\N{REPLACEMENT CHARACTER}"
    assert clean("abcdef", 4) == "abc…"
    assert (count(1, "row"), count(2000, "row")) == ("1 row", "2,000 rows")


def test_every_error_has_an_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    known = [kind for kind in kinds if issubclass(kind, errors.WinnowError)]
    bugs = [kind for kind in known if exit_code_of(kind.__new__(kind)) is ExitCode.BUG]
    assert bugs == [errors.WinnowError, errors.UnexpectedAnswer]


def test_a_bug_is_called_one_and_shows_its_traceback_when_asked(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import winnow.project\n"
        "def broken(*_): raise RuntimeError('planted')\n"
        "winnow.project.load_project = broken\n"
    )
    more = {"PYTHONPATH": str(tmp_path)}
    broken = winnow("status", project=shop, more=more)
    assert broken.code == 70
    assert "this is a bug in Winnow: RuntimeError: planted" in broken.err
    assert "Traceback" not in broken.err
    assert "Traceback" in winnow("status", "--debug", project=shop, more=more).err
    assert "Traceback" in winnow("status", project=shop, more=more | {"WINNOW_DEBUG": "1"}).err


def test_a_store_that_fails_is_one_sentence(own_shop: Path) -> None:
    (own_shop / ".winnow" / "winnow.db").write_bytes(b"this is no database at all, whatever its name says" * 30)
    broken = winnow("status", project=own_shop)
    assert broken.code == 5
    assert broken.err.count("\n") == 1
