"""What `winnow doctor` looks at. Each check finds a thing fine or names the remedy. None changes anything."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from winnow.cli.output import count
from winnow.errors import StoreFailed, WinnowError
from winnow.project import FILE_NAME, load_project
from winnow.settings import PREFIX, Settings

if TYPE_CHECKING:
    from winnow.store import Database
    from winnow.workspace import Workspace

_SCARCE, _TOO_LITTLE = 2e9, 2e8  # bytes of disk: what a few models and a history soon take; what a commit may need
_OLDEST_PYTHON = (3, 11)
_PATIENCE = 3.0  # seconds for a server to answer
_PICTURES: Mapping[str, str] = MappingProxyType({"jpg": "JPEG", "zlib": "PNG", "webp": "WebP"})
_EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"postgres": ("psycopg",), "onnx": ("onnxruntime", "tokenizers"), "redis": ("redis",), "notify": ("apprise",)}
)


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and the remedy where it is not well."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    remedy: str = ""


def check_all(settings: Callable[[], Settings]) -> Iterator[Check]:
    """Look at everything, as far as one thing does not stand in the way of the next."""
    yield check_python()
    yield from check_extras()
    try:
        chosen = settings()
    except WinnowError as error:
        yield Check("settings", "failed", str(error), f"unset or correct the variables {PREFIX}…")
        return
    yield _settings(chosen)
    yield check_disk(chosen.folder)
    yield check_port(chosen.host, chosen.port)
    if chosen.redis is not None:
        yield check_redis(chosen.redis.get_secret_value())
    if chosen.notify is not None:
        yield check_notify(chosen)
    yield from _project(chosen)


def check_python() -> Check:
    """Whether this Python is one that Winnow runs on."""
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Check("python", "failed", platform.python_version(), "install Python 3.11 or newer")
    return Check("python", "ok", platform.python_version())


def check_extras() -> Iterator[Check]:
    """Which optional packages are there. None is missing as long as nothing needs it."""
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        detail = f'not installed, and optional: pip install "winnow[{extra}]"' if missing else "installed"
        yield Check(f"extra {extra}", "ok", detail)


def check_disk(folder: Path) -> Check:
    """Whether there is room where database and models live, and leave to write there."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        return Check("disk", "failed", f"{nearest} cannot be written to", f"choose another with {PREFIX}HOME")
    free = shutil.disk_usage(nearest).free
    detail = f"{free / 1e9:.1f} GB free for {folder}"
    if free < _TOO_LITTLE:
        return Check("disk", "failed", detail, "make room, or choose another folder with WINNOW_HOME")
    if free < _SCARCE:
        return Check("disk", "warning", detail, "make room before the history grows")
    return Check("disk", "ok", detail)


def check_port(host: str, port: int) -> Check:
    """Whether `winnow up` could listen."""
    where = f"{host}:{port}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            remedy = "fine if that is `winnow up`; otherwise choose another with --port"
            return Check("port", "warning", f"{where}: {(error.strerror or str(error)).lower()}", remedy)
    return Check("port", "ok", f"{where} is free")


def check_redis(url: str) -> Check:
    """Whether Redis answers, which hands out the jobs."""
    remedy = f"check {PREFIX}REDIS, and that the server runs; jobs that were accepted are safe in the database"
    try:
        from redis import Redis, RedisError  # noqa: PLC0415  (an extra)
    except ImportError:
        return Check("redis", "failed", "the package redis is not installed", 'pip install "winnow[redis]"')
    try:
        with Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE) as client:
            client.ping()
            running = client.info("server")["redis_version"]
    except (RedisError, OSError, ValueError) as error:
        return Check("redis", "failed", str(error), remedy)
    return Check("redis", "ok", f"version {running} answers")


def check_notify(settings: Settings) -> Check:
    """Whether the addresses that are told of alerts can be read. Nothing is sent."""
    from winnow.monitoring.notifiers.base import open_notifiers  # noqa: PLC0415

    try:
        told = len(open_notifiers(settings))
    except WinnowError as error:
        return Check("notify", "failed", str(error), f"correct {PREFIX}NOTIFY: no process starts with it")
    return Check("notify", "ok", f"{count(told, 'place')} to tell of alerts; try with `winnow alerts --test`")


def check_pictures() -> Check:
    """Whether this Pillow reads the images that services may be asked about."""
    from PIL import features  # noqa: PLC0415  (services of texts need none)

    missing = [name for part, name in _PICTURES.items() if not features.check(part)]
    if missing:
        detail = f"this Pillow cannot read {' and '.join(missing)}"
        return Check("images", "warning", detail, "install Pillow from PyPI: its wheels read all of them")
    return Check("images", "ok", f"Pillow {version('pillow')} reads JPEG, PNG, WebP, GIF and BMP")


def check_database(database: Database, file: Path | None) -> Check:
    """Whether the database answers and has the schema that this Winnow expects."""
    if file is not None and not file.exists():
        return Check("database", "ok", f"{database} is made at the first use")
    try:
        outdated = _outdated(database)
    except StoreFailed as error:
        return Check("database", "failed", str(error), f"check {PREFIX}DATABASE, and that the server runs")
    if outdated:
        return Check(
            "database", "warning", f"{database}: its schema is not current", "any other command updates it"
        )
    return Check("database", "ok", f"{database} answers, and its schema is current")


def _outdated(database: Database) -> bool:
    """Whether the schema is another one than this Winnow's newest."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    with database.read() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    newest = ScriptDirectory(str(files("winnow.store") / "migrations")).get_heads()
    return set(present) != set(newest)


def check_definition(workspace: Workspace, name: str) -> Iterator[Check]:
    """What is wrong with what winnow.toml says of a service."""
    for file in workspace.config(name).data:
        if not (workspace.project.folder / file).exists():
            detail = f"the data file {file} is missing"
            yield Check(f"service {name}", "failed", detail, f"correct 'data' in {FILE_NAME}")
    library = workspace.readers[name].library
    if library is not None and not library.folder.is_dir():
        detail = f"the library's folder {library.folder} is missing"
        yield Check(f"service {name}", "warning", detail, f"make it, or correct 'library' in {FILE_NAME}")


def check_service(workspace: Workspace, name: str) -> Check:
    """Whether a service has examples, and a champion whose files are sound."""
    label = f"service {name}"
    examples = workspace.example_count(name)
    champion = workspace.champion(name)
    if champion is None and not examples:
        return Check(label, "warning", "no examples and no champion yet", f"winnow load {name} FILE")
    if champion is None:
        return Check(label, "warning", f"{examples:,} examples, no champion yet", f"winnow train {name}")
    detail = f"{examples:,} examples, champion version {champion.number} ({champion.candidate})"
    return _champion(workspace, name, champion.path, champion.sha256, detail)


def _champion(workspace: Workspace, name: str, path: str, sha256: str, detail: str) -> Check:
    from winnow.models.bundle import load_bundle  # noqa: PLC0415

    try:
        load_bundle(workspace.models / path, sha256)
    except (WinnowError, OSError) as error:
        return Check(f"service {name}", "failed", f"{detail}: {error}", f"winnow rollback {name}, or train again")
    return Check(f"service {name}", "ok", f"{detail}: files unchanged, self-test passed")


def _settings(settings: Settings) -> Check:
    changed = sorted(settings.model_fields_set - {"project"})
    detail = f"set in the environment: {', '.join(changed)}" if changed else "all at their defaults"
    return Check("settings", "ok", detail)


def _project(settings: Settings) -> Iterator[Check]:
    """The project file, then what it is about."""
    from winnow.workspace import Workspace  # noqa: PLC0415

    try:
        project = load_project(settings.project)
        workspace = Workspace(settings)
    except WinnowError as error:
        yield Check("project", "failed", str(error), f"correct {FILE_NAME}; `winnow new NAME` makes one that works")
        return
    path = project.folder / FILE_NAME
    yield Check("project", "ok", f"{path}: {count(len(project.services), 'service')}")
    try:
        if any(reader.files for reader in workspace.readers.values()):
            yield check_pictures()
        for name in project.services:
            yield from check_definition(workspace, name)
        file = settings.folder / "winnow.db" if workspace.database.embedded and settings.database is None else None
        database = check_database(workspace.database, file)
        yield database
        if database.state == "ok" and (file is None or file.exists()):
            for name in project.services:
                yield check_service(workspace, name)
    finally:
        workspace.close()
