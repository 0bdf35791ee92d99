"""Asks at a steady pace, in a process of its own; prints the latencies as JSON, in milliseconds.

    python benchmarks/paced.py URL SECONDS CONNECTIONS PER_SECOND TOKEN < texts.json

Each latency runs from when the question was due: a server that stalls is not spared those that it kept waiting.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


def main() -> None:
    """Ask for so long, and print."""
    url, seconds, connections, per_second, token = sys.argv[1:]
    texts = json.load(sys.stdin)
    latencies: list[float] = []
    pause = int(connections) / float(per_second)
    starts = [time.perf_counter() + 0.1 + pause * number / int(connections) for number in range(int(connections))]
    threads = [
        threading.Thread(target=_ask, args=(url, token, texts, start, pause, float(seconds), latencies))
        for start in starts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(sorted(latencies)))


def _ask(
    url: str, token: str, texts: Sequence[str], start: float, pause: float, seconds: float, latencies: list[float]
) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    for number in range(int(seconds / pause)):
        due = start + number * pause
        time.sleep(max(0.0, due - time.perf_counter()))
        body = json.dumps({"input": texts[number % len(texts)]})
        connection.request("POST", address.path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            sys.exit(f"{answer.status}: {said!r}")
        latencies.append((time.perf_counter() - due) * 1000)
    connection.close()


if __name__ == "__main__":
    main()
