"""Load from wrk: a fixed number of connections, each asking again as soon as it is answered."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from servers import LOAD_CORE, Running

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests a second, latencies in milliseconds, answers that were not 2xx or never came, and all that came."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    answered: int = 0


def measure(server: Running, texts: Sequence[str], connections: int, seconds: int) -> Measured:
    """Load a server with these texts in turn."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(_script(texts))
        script.flush()
        command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
        url = f"http://127.0.0.1:{server.port}{server.path}"
        printed = subprocess.run(
            [*command, "-s", script.name, url], check=True, capture_output=True, text=True, timeout=seconds + 30
        ).stdout
    return _parse(printed)


def _script(texts: Sequence[str]) -> str:
    bodies = ",\n".join(_lua(json.dumps({"input": text})) for text in texts)
    return (
        f"local bodies = {{{bodies}}}\nlocal i = 0\n"
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        "request = function() i = i % #bodies + 1; return wrk.format(nil, nil, nil, bodies[i]) end\n"
    )


def _lua(text: str) -> str:
    """A Lua string literal. JSON written by Python is ASCII, so only these need care."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parse(printed: str) -> Measured:
    per_second = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])  # type: ignore[index]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    errors = (int(refused[1]) if refused else 0) + (sum(map(int, broken.groups())) if broken else 0)
    answered = int(re.search(r"(\d+) requests in", printed)[1])  # type: ignore[index]
    return Measured(per_second, _latency(printed, "50%"), _latency(printed, "99%"), errors, answered)


def _latency(printed: str, share: str) -> float:
    found = re.search(rf"\s{share}\s+([\d.]+)(us|ms|s|m)\s", printed)
    assert found is not None, printed
    return float(found[1]) * _UNITS[found[2]]


def sample_texts(path: Path, column: str, limit: int) -> list[str]:
    """Read the first texts of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row[column] for _, row in zip(range(limit), csv.DictReader(file), strict=False)]
