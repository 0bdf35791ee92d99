"""A DAG for Apache Airflow that trains a service of Winnow and promotes what is better.

Put this file into the folder of DAGs, and beside it one of your own:

    from winnow_airflow import winnow_dag

    dag = winnow_dag("sentiment", url="http://127.0.0.1:8000", schedule="0 3 * * *")

The tasks: load (where there is `data`) → train → one task for each candidate → report → gate → promote. They talk
to Winnow over HTTP; nothing of Winnow is installed beside Airflow. Whatever is tried again does nothing twice: a
file that was loaded has only duplicates, one run of the DAG has one training, a champion is not promoted again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen
from uuid import uuid4

from airflow.sdk import DAG, TriggerRule, Variable, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

log = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
UPLOAD_SECONDS = 3600.0
PATIENCE_SECONDS = 120.0
"""For how long a Winnow that does not answer, because it is restarted perhaps, is asked again."""
PAUSE_SECONDS = 5.0
POLL_SECONDS = 2.0
PART_BYTES = 1 << 16
_TRY_AGAIN = (429, 502, 503, 504)

Answer = Mapping[str, Any]


def winnow_dag(
    service: str,
    *,
    url: str,
    schedule: Any = None,
    data: str | Sequence[str] = (),
    token_variable: str = "WINNOW_TOKEN",  # noqa: S107  (the name of it)
    missed_gates: Literal["fail", "skip"] = "fail",
    **options: Any,
) -> DAG:
    """Make the DAG `winnow_<service>`: train this service, and promote the best version that meets its gates.

    `url` is where Winnow answers. `schedule` is as in `DAG`; None leaves the DAG to be triggered. `data` are files
    of examples, on the machine that carries out the tasks, to be loaded before. `token_variable` names a variable
    of Airflow, or of the environment, that holds a token with the role admin; without either, no token is sent.
    `missed_gates` says what the task `gate` does where no candidate meets its gates: fail, or skip `promote`.
    Further options are those of `DAG`.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url!r}, and should begin with http:// or https://")
    files = (data,) if isinstance(data, str) else tuple(data)
    steps = Steps(service, url.rstrip("/"), token_variable, skip=missed_gates == "skip")
    own = {
        "dag_id": f"winnow_{service}",
        "description": f"Train {service} with Winnow, and promote what is better.",
        "max_active_runs": 1,
        "tags": ["winnow"],
    }
    patience = {"retries": 2, "retry_delay": timedelta(seconds=30), "execution_timeout": timedelta(hours=12)}
    defaults = patience | options.pop("default_args", {})
    with DAG(schedule=schedule, default_args=defaults, **(own | options)) as dag:
        trained, names = _task(steps.train)(), _task(steps.candidates)()
        if files:
            _task(steps.load)(files=list(files)) >> [trained, names]
        learned = _task(steps.candidate, map_index_template="{{ task.op_kwargs['candidate'] }}")
        reported = _task(steps.report, trigger_rule=TriggerRule.ALL_DONE)(ticket=trained)
        learned.partial(ticket=trained).expand(candidate=names) >> reported
        _task(steps.promote)(decision=_task(steps.gate)(decision=reported))
    return dag


def _task(step: Callable[..., Any], **options: Any) -> Any:
    """A task that is called like its step. What it returns is one thing, even where that is a mapping."""
    return task(task_id=step.__name__, multiple_outputs=False, **options)(step)


class Unreachable(Exception):
    """Winnow did not answer, or could not at the moment. A task that ends with it is tried again."""


class Winnow:
    """The API of Winnow, as far as it is needed here.

    `AirflowFailException` where it refuses: to try again would change nothing. `Unreachable` where nobody answers.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token

    def get(self, path: str) -> Answer:
        """Ask; for some time again where nobody answers."""
        return self._patiently(lambda: self._send(Request(self._url + path)))  # noqa: S310  (checked: it is HTTP)

    def post(self, path: str, body: Answer, key: str | None = None) -> Answer:
        """Send a body. With an idempotency key it is sent again where nobody answers."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})

        def send() -> Answer:
            return self._send(Request(self._url + path, json.dumps(body).encode(), headers))  # noqa: S310

        return send() if key is None else self._patiently(send)

    def upload(self, path: str, file: Path) -> Answer:
        """Send a file, part by part, as a form does."""
        boundary = uuid4().hex
        name = file.name.replace('"', "%22")
        kind = "Content-Type: application/octet-stream"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n{kind}\r\n\r\n'
        tail = f"\r\n--{boundary}--\r\n"
        length = len(head.encode()) + file.stat().st_size + len(tail)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}
        with file.open("rb") as stream:
            parts = itertools.chain([head.encode()], iter(partial(stream.read, PART_BYTES), b""), [tail.encode()])
            return self._send(Request(self._url + path, parts, headers), UPLOAD_SECONDS)  # noqa: S310

    def _patiently(self, send: Callable[[], Answer]) -> Answer:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return send()
            except Unreachable as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("%s; it is asked again", error)
                time.sleep(PAUSE_SECONDS)

    def _send(self, request: Request, seconds: float = ANSWER_SECONDS) -> Answer:
        what = f"{request.get_method()} {request.full_url}"
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with urlopen(request, timeout=seconds) as response:  # noqa: S310
                answer: Answer = json.load(response)
                return answer
        except HTTPError as error:
            kind = Unreachable if error.code in _TRY_AGAIN else AirflowFailException
            raise kind(f"{what} was answered with {error.code}: {_detail(error)}") from error
        except (HTTPException, OSError) as error:
            raise Unreachable(f"{what} was not answered: {getattr(error, 'reason', error)}") from error
        except ValueError as error:
            raise AirflowFailException(f"{what} was not answered with JSON: is Winnow at this address?") from error


def _detail(error: HTTPError) -> str:
    content = error.read().decode(errors="replace")
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return content[:500] or str(error.reason)


class Steps:
    """What the tasks do. Each asks Winnow, and passes on no more than the next one needs."""

    def __init__(self, service: str, url: str, token_variable: str, *, skip: bool) -> None:
        self._service = service
        self._url = url
        self._token_variable = token_variable
        self._skip = skip
        self._path = f"/services/{quote(service, safe='')}"

    def load(self, files: Sequence[str]) -> Answer:
        """Load files of examples: all rows of each or none. Rows that were there already are duplicates."""
        winnow, added = self._open(), {}
        for file in map(Path, files):
            if not file.is_file():
                raise AirflowFailException(f"there is no file {file} on this machine: see `data` of winnow_dag")
            report = winnow.upload(f"{self._path}/examples/upload", file)
            log.info("%s: %s rows added, %s were there", file, report["accepted"], report["duplicates"])
            added[file.name] = report["accepted"]
        return added

    def train(self) -> str:
        """Hand in a training that promotes nothing, and return its ticket: for one run of the DAG, always the same.

        Where that training failed or was cancelled, and this task is cleared, another one takes its place.
        """
        run = get_current_context()["dag_run"]
        wish = {"kind": "train", "promote": "manual"}
        winnow, number = self._open(), 0
        while True:
            number += 1
            key = hashlib.sha256(f"{run.dag_id} {run.run_id} {number}".encode()).hexdigest()
            job = winnow.post(f"{self._path}/jobs", wish, key=f"airflow:{key}")
            if job["status"] not in ("failed", "cancelled"):
                log.info("the training of %s has the ticket %s", self._service, job["id"])
                return str(job["id"])
            log.info("the training %s was %s: there will be another one", job["id"], job["status"])

    def candidates(self) -> list[str]:
        """The names of the candidates, of which each becomes a task."""
        return list(self._open().get(self._path)["candidates"])

    def candidate(self, ticket: str, candidate: str) -> Answer:
        """Follow one candidate until its figures are there. Fails where it did, or the whole training."""
        report = self._report(ticket, candidate)
        found = next((entry for entry in report["candidates"] if entry["name"] == candidate), None)
        if found is None:
            raise AirflowFailException(f"winnow.toml had no candidate '{candidate}' any more when it was trained")
        if found["status"] == "failed":
            raise AirflowFailException(f"{candidate} could not learn: {found['error']}")
        figures = _figures(found)
        log.info("%s is version %s: %s", candidate, found["version"], figures)
        for reason in found["reasons"]:
            log.info("  %s", reason)
        return {"version": found["version"], **figures}

    def report(self, ticket: str | None) -> Answer:
        """Print the table of candidates, and return what was decided."""
        if ticket is None:
            raise AirflowFailException("there is no training to report on: see the task train")
        report = self._report(ticket)
        for line in _table(report):
            log.info("%s", line)
        decision = report["decision"]
        for reason in decision["reasons"]:
            log.info("  - %s", reason)
        champion = report["champion"]
        return {
            "chosen": decision["chosen"],
            "compared_with": None if champion is None else champion["version"],
            "reasons": decision["reasons"],
        }

    def gate(self, decision: Answer) -> Answer:
        """Let nothing pass where no candidate met its gates."""
        if decision["chosen"] is None:
            kind = AirflowSkipException if self._skip else AirflowFailException
            raise kind("; ".join(decision["reasons"]))
        log.info("version %s meets its gates", decision["chosen"])
        return decision

    def promote(self, decision: Answer) -> int:
        """Make the chosen version champion, where the champion is still the one that it was compared with."""
        chosen = int(decision["chosen"])
        winnow = self._open()
        versions = winnow.get(f"{self._path}/versions?n=1000")["versions"]
        champion = next((version["number"] for version in versions if version["champion"]), None)
        if champion == chosen:
            log.info("version %s is the champion already", chosen)
            return chosen
        if champion != decision["compared_with"]:
            raise AirflowFailException(
                f"version {chosen} was compared with {_called(decision['compared_with'])}, and now there is "
                f"{_called(champion)}: train again, or promote it by hand"
            )
        winnow.post(f"{self._path}/versions/{chosen}/promote", {})
        log.info("version %s answers users now", chosen)
        return chosen

    def _report(self, ticket: str, candidate: str | None = None) -> Answer:
        """The report of a training, once it is finished; meanwhile, how far it is."""
        winnow, told = self._open(), None
        while True:
            job = winnow.get(f"/jobs/{ticket}")
            if job["status"] == "finished":
                run = winnow.get(f"/jobs/{ticket}/result")["run"]
                report: Answer = winnow.get(f"{self._path}/runs/{run}")["report"]
                return report
            if job["status"] in ("failed", "cancelled"):
                reason = (job["error"] or {}).get("detail", "somebody cancelled it")
                raise AirflowFailException(f"the training {ticket} of {self._service} was in vain: {reason}")
            if (state := _state(job, candidate)) != told:
                told = state
                log.info("%s", state)
            time.sleep(POLL_SECONDS)

    def _open(self) -> Winnow:
        """Winnow, with the token as it is now."""
        token = Variable.get(self._token_variable, default=None) or os.environ.get(self._token_variable)
        return Winnow(self._url, token)


def _called(version: int | None) -> str:
    return "no champion" if version is None else f"version {version} as champion"


def _state(job: Answer, candidate: str | None) -> str:
    """How far a training is, in a few words."""
    progress = job["progress"] or {}
    if job["status"] == "queued":
        error = job["error"]
        return "it waits for a worker" if error is None else f"it is tried again after: {error.get('detail')}"
    stage = progress.get("stage", "it begins")
    if candidate is None or candidate not in progress.get("candidates", {}):
        return f"{stage}"
    share = round(progress["candidates"][candidate], 1)
    return f"{candidate} is {share:.0%} done" if share < 1 else f"{candidate} is done; the run: {stage}"


def _figures(entry: Answer) -> dict[str, float | None]:
    metrics, predict = entry["metrics"] or {}, entry["predict"] or {}
    return {
        "accuracy": metrics.get("accuracy"),
        "f1_macro": metrics.get("f1_macro"),
        "p95_ms": predict.get("p95_ms"),
        "size_mb": entry["size_mb"],
        "fit_seconds": entry["fit_seconds"],
    }


def _table(report: Answer) -> Iterable[str]:
    """The candidates beside the baseline and the champion, one line for each."""
    entries = [*report["candidates"], {**report["baseline"], "name": f"baseline ({report['baseline']['name']})"}]
    columns = list(_figures(entries[0]))
    width = max(len(entry["name"]) for entry in entries) + 2
    yield f"{'candidate':<{width}}{'version':>8}" + "".join(f"{column:>13}" for column in columns) + "  gates"
    for entry in entries:
        figures = "".join(f"{'' if figure is None else f'{figure:.3g}':>13}" for figure in _figures(entry).values())
        yield f"{entry['name']:<{width}}{entry['version'] or '':>8}{figures}  {_gates(entry)}"


def _gates(entry: Answer) -> str:
    if entry["status"] == "failed":
        return f"failed: {entry['error']}"
    missed = sum(not gate["passed"] for gate in entry["gates"])
    return "" if not entry["gates"] else f"{missed} of {len(entry['gates'])} missed" if missed else "all met"
