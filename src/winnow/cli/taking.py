"""What came of a job, taken away: shown, printed, or written to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from winnow.cli.counter import Counter
from winnow.cli.job_view import file_blocks, result_blocks, result_json
from winnow.cli.output import Output
from winnow.cli.whole_file import whole_file
from winnow.domain import Job, JobKind


def show_result(counter: Counter, out: Output, job: Job, asked: Sequence[str] = ()) -> None:
    """Give the result; of a file, how many rows there are in it. `asked` are the inputs, where they are known."""
    found = counter.result(job)
    out.result(result_json(job, found), *result_blocks(job, found, asked))


def print_result(counter: Counter, out: Output, job: Job) -> None:
    """Give the result; of a file, its content, as `cat` would."""
    if job.kind is not JobKind.FILE or out.as_json:
        show_result(counter, out, job)
        return
    counter.result(job)
    _, parts = counter.desk.result_file(job.id)
    sys.stdout.buffer.writelines(parts)
    sys.stdout.flush()


def write_result(counter: Counter, out: Output, job: Job, target: Path) -> None:
    """Write the result into a file: the file that was answered, or the result as JSON."""
    found = counter.result(job)
    if job.kind is JobKind.FILE:
        _, parts = counter.desk.result_file(job.id)
        with whole_file(target) as file:
            file.writelines(parts)
        out.result({**found, "output": str(target)}, *file_blocks(found, f"they are in {target}"))
    else:
        content = json.dumps(result_json(job, found), ensure_ascii=False, indent=2)
        with whole_file(target) as file:
            file.write(f"{content}\n".encode())
        out.result({"output": str(target)}, f"the result is in {target}")
