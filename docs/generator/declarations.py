"""Pages on what is declared as fields: settings, the project file, candidates."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel

from docs.generator.commands import commands
from docs.generator.markdown import code, default, field_help, model_rows, page, sentence, table
from winnow import plugins, project, settings
from winnow.models.base import Candidate
from winnow.settings import Settings


def settings_page() -> str:
    """Every setting of a process."""
    options = {parameter.name: parameter.opts[0] for parameter in commands()["up"].params if parameter.opts}
    rows = [
        (code(name), code(f"{settings.PREFIX}{name.upper()}"), code(options.get(name)), default(field), text)
        for (name, text), field in zip(setting_help(), Settings.model_fields.values(), strict=True)
    ]
    return page(
        "Settings",
        "Everything about a process. An option of the command line beats the environment variable, which beats "
        "the default. What is asked and how it is learned stands in [winnow.toml](project-file.md) instead.",
        table(("setting", "environment variable", "option of `winnow up`", "default", "what it is"), rows),
        "A wrong value is one sentence that names the setting, its variable and what would be right. A value that "
        "may hold a password (the database) is shown nowhere.",
    )


def setting_help() -> list[tuple[str, str]]:
    """Each setting with its help."""
    return [(name, field.description or "") for name, field in Settings.model_fields.items()]


SECTIONS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "[project]": project.ProjectSection,
        "[project.classic]": project.Classic,
        "[services.NAME]": project.ServiceConfig,
        "[services.NAME.gates]": project.Gates,
        "[services.NAME.retrain]": project.Retrain,
        "[services.NAME.serving]": project.Serving,
        "[[services.NAME.candidates]]": project.CandidateSpec,
    }
)


def project_page() -> str:
    """Every key of winnow.toml."""
    head = ("key", "type", "default", "what it is")
    blocks = [
        f"## `{name}`\n\n{sentence(section)}\n\n{table(head, list(model_rows(section)))}"
        for name, section in SECTIONS.items()
    ]
    return page(
        "The project file",
        f"`{project.FILE_NAME}` says what is asked, of which data, by which candidates, behind which gates. "
        "A wrong key, an unknown candidate or an impossible value is one sentence that names the file, the key and "
        "what would be right.",
        *blocks,
        'A *requirement* is a comparison with a number, in quotes: `">= 0.80"`, `"<= 50"`.',
        'A candidate is a family\'s name, such as `"linear-svm"`, or a table with `family`, perhaps a `name`, and '
        "the family's [parameters](candidates.md) beside them:\n\n"
        '```toml\ncandidates = [\n  "linear-svm",\n  { family = "linear-svm", name = "words-only", '
        "character_ngrams = 0 },\n]\n```",
    )


def project_help() -> list[tuple[str, str]]:
    """Each key with its help."""
    return [(name, field_help(field)) for model in SECTIONS.values() for name, field in model.model_fields.items()]


def candidate_page() -> str:
    """Every family that ships with Winnow, with its parameters."""
    blocks = []
    for name, family in _candidates():
        rows = list(model_rows(family))
        listed = table(("parameter", "type", "default", "what it is"), rows) if rows else "It has no parameters."
        read = " and ".join(task.partition("-")[0] + "s" for task in family.tasks)
        title = f"`{name.rpartition('.')[2]}`" + (" (images)" if "." in name else "")
        blocks.append(f"## {title}\n\n{sentence(family)} Reads {read}.\n\n{listed}")
    return page(
        "Candidates",
        "A candidate is a way to learn. `candidates` in [winnow.toml](project-file.md) lists those that each run "
        "compares. `majority` is measured in every run, listed or not, so that the others' figures mean something. "
        "One name may mean one family where texts are read and another where images are.",
        *blocks,
    )


def _candidates() -> list[tuple[str, type[Candidate]]]:
    found = [(name, plugins.find(plugins.CANDIDATES, name)) for name in plugins.names(plugins.CANDIDATES)]
    own = [(name, family) for name, family in found if family.__module__.startswith("winnow.")]
    return sorted(own, key=lambda entry: entry[0].rpartition(".")[2])


def candidate_help() -> list[tuple[str, str]]:
    """Each family and each of its parameters with its help."""
    found = []
    for name, family in _candidates():
        found.append((name.rpartition(".")[2], sentence(family)))
        found += [(parameter, field.description or "") for parameter, field in family.model_fields.items()]
    return found
