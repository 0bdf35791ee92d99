"""One reader at a terminal: carries out the blocks of a page in a folder of its own.

The `winnow` command is that of this environment. Pages say 127.0.0.1:8000; here that is a free port.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from tests.docs.likeness import unlike, unlike_json
from tests.docs.markdown import Block, Page

ADDRESS = "127.0.0.1:8000"
DIGITS = """
winnow new shop --template digits
cd shop
winnow load digits digits/images
winnow train digits
"""
"""Makes the project in which pages on images begin."""

DATABASE = "postgresql://winnow:secret@localhost/winnow"
_BLOCK_SECONDS = 60.0
_START_SECONDS = 40.0
_KEPT_VARIABLES = ("LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS")

_SHELL = """
while IFS= read -r block; do
  failed=0
  trap 'failed=1' ERR
  source "$block" > "$block.out" 2> "$block.err" < /dev/null
  trap - ERR
  echo "$failed"
done
"""


class Sitting:
    """A shell in `folder` that keeps its folder and variables from block to block. Use it as a context.

    `database` stands in for the URL that pages name.
    """

    def __init__(self, folder: Path, home: Path, database: str = DATABASE) -> None:
        self._folder = folder
        self._home = home
        self._database = database
        self._address = f"127.0.0.1:{_free_port()}"
        self._count = 0
        self._last = Printed("", "")
        self._server: int | None = None

    def __enter__(self) -> Self:
        self._home.mkdir(exist_ok=True)
        self._shell = subprocess.Popen(
            ["/bin/bash", "-c", _SHELL],
            cwd=self._folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_server()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.close()
        self._shell.wait(10)
        self._shell.stdout.close()
        with suppress(ProcessLookupError):  # what a page started with & and, having failed, did not end
            os.killpg(self._shell.pid, signal.SIGKILL)

    def follow(self, page: Page) -> None:
        """Carry out every block of a page; `AssertionError` names the line of the first that does otherwise."""
        for block in page.blocks():
            where = f"{page.name}:{block.line}"
            try:
                self.carry_out(block)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from None

    def carry_out(self, block: Block) -> None:
        """Do what one block says."""
        if "skip" in block.words:
            return
        if "output" in block.words:
            self._compare(block)
        elif block.value("file") or block.value("append"):
            self._write(block)
        elif block.language == "python":
            self._run_python(block)
        elif "background" in block.words:
            self.serve(block.text)
        elif block.language == "bash":
            self.run(block.text, fails="fails" in block.words)

    def serve(self, command: str = "winnow up --anonymous admin") -> None:
        """Run a command that serves, and wait until it is ready. One that ran before is stopped first."""
        self._stop_server()
        log = self._home / f"server-{self._count}.log"
        words = command.strip().removesuffix("&").strip()
        self.run(f'(exec {words}) > "{log}" 2> "{log}.err" & echo $! > "{self._home}/pid"')
        self._server = int((self._home / "pid").read_text())
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            assert time.monotonic() < deadline, f"nothing answers at {self._address}: {_read(f'{log}.err')}"
            time.sleep(0.05)
        self._last = Printed(_read(str(log)), _read(f"{log}.err"))

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"http://{self._address}/health/ready", timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def _stop_server(self) -> None:
        if self._server is not None:
            self.run(f"kill {self._server}; wait {self._server} || true")
            self._server = None

    def run(self, text: str, *, fails: bool = False) -> None:
        """Run commands; they have to succeed, or to fail where that is what the page says."""
        block = self._home / f"block-{self._count}.sh"
        self._count += 1
        block.write_text(self._here(text), encoding="utf-8")
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{block}\n")
        self._shell.stdin.flush()
        failed = self._shell.stdout.readline().strip() != "0"
        self._last = Printed(_read(f"{block}.out"), _read(f"{block}.err"))
        assert failed == fails, f"{'did not fail' if fails else 'failed'}: {text}{self._last.out}{self._last.err}"

    def _run_python(self, block: Block) -> None:
        program = self._home / f"program-{self._count}.py"
        program.write_text(self._here(block.text), encoding="utf-8")
        self.run(f'python "{program}"', fails="fails" in block.words)

    def _write(self, block: Block) -> None:
        name = block.value("file") or block.value("append")
        mode = ">" if block.value("file") else ">>"
        self.run(f"cat {mode} {name} <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK\n")

    @property
    def printed(self) -> str:
        """What the last block printed: its result, or what it said on standard error where it has none."""
        return (self._last.out if self._last.out.strip() else self._last.err).replace(self._address, ADDRESS)

    def _compare(self, block: Block) -> None:
        printed = self.printed
        compare = unlike_json if block.language == "json" else unlike
        difference = compare(block.text, printed)
        assert difference is None, f"{difference}\n\nPrinted was:\n{printed}"

    def _here(self, text: str) -> str:
        return text.replace(ADDRESS, self._address).replace(DATABASE, self._database)

    def _environment(self) -> dict[str, str]:
        """What a reader's shell has, and the port."""
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        commands = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        port = self._address.rpartition(":")[2]
        return kept | {"PATH": commands, "HOME": str(self._home), "WINNOW_PORT": port, "TZ": "UTC"}


class Printed:
    """What a block wrote."""

    def __init__(self, out: str, err: str) -> None:
        self.out = out
        self.err = err


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
