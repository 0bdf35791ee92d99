"""`winnow new`: a folder to begin with."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.command import Session, command
from winnow.cli.output import styled
from winnow.errors import Conflict, NotFound, StoreFailed, nearest
from winnow.project import FILE_NAME

_EMPTY = "empty"
_SCRIPT = "make.py"
"""What makes an example's data, where they are not files that ship with Winnow."""

_SECTION = re.compile(r"^\[services\.([a-z0-9_-]+)[\].]", re.MULTILINE)
_PROJECT_NAME = re.compile(r'^name = ".*"$', re.MULTILINE)


def _offer(typed: str) -> list[str]:
    """Complete the name of a template for the shell."""
    return [name for name in templates() if name.startswith(typed)]


@command
def new(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Folder to make; its last part names the project.")],
    template: Annotated[
        str,
        typer.Option(
            "--template",
            "-t",
            help="What to begin with: empty, or one of the examples, such as sentiment or digits.",
            autocompletion=_offer,
        ),
    ] = _EMPTY,
) -> None:
    """Make a project folder: a winnow.toml that explains itself."""
    folder = Path(name)
    if template not in templates():
        raise NotFound(f"there is no template '{template}'.{nearest(template, templates())}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} exists and is not empty: name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    service = None if template == _EMPTY else template
    files = _from_empty(folder) if service is None else _from_example(folder, service)
    written = [str(folder / file) for file in files]
    next_steps = [f"cd {shlex.quote(name)}", "winnow up --train"] if service else [f"edit {folder / FILE_NAME}"]
    session.out.result(
        {"folder": str(folder), "template": template, "files": written},
        styled(f"{folder} is made:", "bold"),
        *(f"  {file}" for file in written),
        f"next: {', then '.join(next_steps)}",
    )


def templates() -> list[str]:
    """What a project can begin with."""
    return [_EMPTY, *tomllib.loads(_example_file().read_text(encoding="utf-8"))["services"]]


def _from_empty(folder: Path) -> list[str]:
    source = Path(str(resources.files("winnow.cli"))) / _EMPTY
    shutil.copyfile(source / "examples.csv", folder / "examples.csv")
    _write_project_file(folder, (source / FILE_NAME).read_text(encoding="utf-8"))
    return [FILE_NAME, "examples.csv"]


def _from_example(folder: Path, service: str) -> list[str]:
    """Write the part of the examples' project file that is about one service, and its data."""
    source = _example_file()
    text = source.read_text(encoding="utf-8")
    section = tomllib.loads(text)["services"][service]
    script = source.parent / service / _SCRIPT
    files = [*section["data"], *([section["library"]] if "library" in section else [])]
    if script.is_file():
        _run(script, folder / service)
    else:
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.parent / name, folder / name)
    _write_project_file(folder, '[project]\nname = ""\n\n' + _sections_of(text, service))
    return [FILE_NAME, *files]


def _run(script: Path, folder: Path) -> None:
    """Let an example's own script write its data into a folder."""
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StoreFailed(f"the data of the template could not be made in {folder}:\n{done.stderr}")


def _sections_of(text: str, service: str) -> str:
    """Return the paragraphs of a project file that are about one service, with their comments."""
    paragraphs = [paragraph.strip("\n") for paragraph in text.split("\n\n")]
    own = [part for part in paragraphs if (found := _SECTION.search(part)) and found[1] == service]
    return "\n\n".join(own) + "\n"


def _write_project_file(folder: Path, text: str) -> None:
    line = f"name = {json.dumps(folder.resolve().name, ensure_ascii=False)}"  # a JSON string is one of TOML too
    (folder / FILE_NAME).write_text(_PROJECT_NAME.sub(lambda _: line, text, count=1), encoding="utf-8")


def _example_file() -> Path:
    """Return the examples' project file: in the package, or beside `src` in a checkout."""
    package = Path(str(resources.files("winnow")))
    packaged = package / "examples" / FILE_NAME
    return packaged if packaged.is_file() else package.parents[1] / "examples" / FILE_NAME
