"""Answers for whole files, in chunks and bounded memory."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from winnow.cli.inputs import CLIENT
from winnow.cli.whole_file import whole_file
from winnow.domain import Json, Progress, new_id
from winnow.errors import FileRefused
from winnow.lifecycle.tables import format_of
from winnow.runtime import Runtime
from winnow.serving.file_answers import FileAnswers
from winnow.serving.rows import file_format
from winnow.serving.service import AS_USUAL, Caller, Options


async def score_file(
    runtime: Runtime, name: str, source: Path, target: Path, progress: Progress, options: Options = AS_USUAL
) -> Json:
    """Answer every row of a CSV, a JSONL or a ZIP of images: all of it, or the target stays as it was.

    Returns how many rows there were, and how many of them have an error. `FileRefused` where it cannot be read.
    """
    service = runtime.service(name)
    kind = file_format(source.name, files=service.reader.files)
    loaded = await service.chosen(options)
    rows = failed = 0
    with source.open("rb") as stream:
        try:
            answers = FileAnswers(service, loaded, stream, kind, options, format_of(target.name))
        except FileRefused as refusal:
            raise FileRefused(f"{source.name}: {refusal}") from refusal
        with whole_file(target) as file:
            file.write(answers.sheet.head())
            async with aclosing(answers.chunks(Caller(new_id(), CLIENT))) as chunks:
                async for chunk in chunks:
                    await service.keep(chunk.predictions)
                    await asyncio.to_thread(file.write, answers.sheet.body(chunk.answered))
                    rows += len(chunk.answered)
                    failed += chunk.failed
                    progress("rows", chunk.done)
    return {"rows": rows, "failed": failed}
