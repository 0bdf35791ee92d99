"""Generated requests, good and bad, after the document: each answer is one that the document promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from tests.projects import Server, copy_project

BOUNDS = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes jobs in and leaves them: some of those that are generated would train."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("generated") / "project")
    with Server(project, concurrency=0, max_body_mb=1, max_upload_mb=2) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_are_as_documented(server: Server, mode: GenerationMode, subtests: pytest.Subtests) -> None:
    """Status, headers, media type and shape; never a bug; what the document forbids is refused.

    What it allows may be refused still: which targets there are depends on the labels of the service, and what a
    file has to hold on its columns. Who may do what is promise P9's: here strangers may do everything. All that a
    form has is text, so nothing in it is of a wrong type.
    """
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    tried = 0
    for found in schema.exclude(path_regex="/train$").get_all_operations():  # each would start a process
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # there is no wrong way to ask

        @BOUNDS
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            form = [negative_data_rejection] if case.media_type == "multipart/form-data" else []
            case.call_and_validate(excluded_checks=[positive_data_acceptance, ignored_auth, *form])

        with subtests.test(operation.label):
            check()
            tried += 1
    assert tried >= (18 if mode is GenerationMode.POSITIVE else 8)
    assert [line for line in server.log_lines() if line["level"] == "error"] == []
