"""Every mistake in winnow.toml is one sentence that names the file, the key and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from winnow.errors import NotFound, ProjectError
from winnow.project import FILE_NAME, Project, Requirement, load_project

HEAD = '[project]\nname = "shop"\n'
SHOP = HEAD + '[services.shop]\ntask = "text-classification"\n'


def load(folder: Path, text: str) -> Project:
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return load_project(folder)


def mistake(folder: Path, text: str) -> str:
    """The only sentence about this file, without the file's name."""
    with pytest.raises(ProjectError) as caught:
        load(folder, text)
    (sentence,) = str(caught.value).splitlines()
    place = f"{folder / FILE_NAME}: "
    assert sentence.startswith(place)
    assert "input should be" not in sentence, "pydantic's own wording"
    return sentence.removeprefix(place)


KEYS = [
    ('nme = "x"\n' + HEAD, "unknown key 'nme' in the file. There is: project, services."),
    ('[projct]\nname = "shop"', "unknown key 'projct' in the file. Did you mean 'project'?"),
    (HEAD + 'nmae = "x"', "unknown key 'nmae' in the table [project]. Did you mean 'name'?"),
    (SHOP + 'lables = ["a"]', "unknown key 'lables' in the table [services.shop]. Did you mean 'labels'?"),
    (SHOP + '[services.shop.gates]\nacuracy = "> 1"',
     "unknown key 'acuracy' in the table [services.shop.gates]. Did you mean 'accuracy'?"),
    (SHOP + '[services.shop.retrain]\npromot = "manual"',
     "unknown key 'promot' in the table [services.shop.retrain]. Did you mean 'promote'?"),
    (SHOP + "[services.shop.serving]\nmax_bach = 3",
     "unknown key 'max_bach' in the table [services.shop.serving]. Did you mean 'max_batch'?"),
    (HEAD + '[services.labels]\ntask = "t"\nlables = 1',
     "unknown key 'lables' in the table [services.labels]. Did you mean 'labels'?"),
    ("", "the key 'project' is missing: write a line [project], and below it name = \"...\""),
    ("[project]", "the key 'project.name' is missing: The project's name, for people."),
    (HEAD + "[services.shop]", "the key 'services.shop.task' is missing: What kind of answer: "),
    (SHOP + 'candidates = [{ name = "x" }]', "the key 'services.shop.candidates[0].family' is missing: Name of"),
]  # fmt: skip

TYPES = [
    ("project = 3", "'project' should be a table, [project], not 3"),
    (HEAD + "services.shop = 3", "unknown key 'services' in the table [project]. There is: alerts, classic, name."),
    (HEAD + "[services]\nshop = 3", "'services.shop' should be a table, [services.shop], not 3"),
    ("[project]\nname = 3", "'project.name' should be a text in quotes, not 3"),
    ('[project]\nname = ""', "'project.name' should not be empty: The project's name"),
    (SHOP + "input = true", "'services.shop.input' should be a text in quotes, not true: Column"),
    (SHOP + "input = 1979-05-27", "'services.shop.input' should be a text in quotes, not 1979-05-27"),
    (
        SHOP + "label = 3",
        "'services.shop.label' should be a text in quotes, not 3: Column that holds the label; a list",
    ),
    (SHOP + 'label = ["a", 3]', "'services.shop.label[1]' should be a text in quotes, not 3"),
    (SHOP + "labels = 3", "'services.shop.labels' should be a table, not 3: Known labels, or a table"),
    (SHOP + "labels = { a = [1] }", "'services.shop.labels.a[0]' should be a text in quotes, not 1"),
    (SHOP + 'labels = { a = "1" }', "'services.shop.labels.a' should be a list in brackets, not '1'"),
    (SHOP + "candidates = []", "'services.shop.candidates' should not be empty: Ways to learn"),
    (SHOP + 'candidates = "x"', "'services.shop.candidates' should be a list in brackets, not 'x': Ways to learn"),
    (SHOP + "candidates = [3]", "'services.shop.candidates[0]' should be a table, not 3"),
    (SHOP + 'data = "x.csv"', "'services.shop.data' should be a list in brackets, not 'x.csv': Files, or folders"),
    (SHOP + "gates = 3", "'services.shop.gates' should be a table, [services.shop.gates], not 3"),
    (SHOP + 'separator = ""', "'services.shop.separator' should not be empty: What stands between labels"),
    (
        SHOP + 'retrain.promote = "auto"',
        "'services.shop.retrain.promote' should be 'automatic' or 'manual', not 'auto'",
    ),
    (SHOP + "serving.max_batch = 0", "'services.shop.serving.max_batch' should be at least 1, not 0: Rows that"),
    (SHOP + "serving.max_batch = 5000", "'services.shop.serving.max_batch' should be at most 4096, not 5000"),
    (SHOP + "serving.max_batch = 1.5", "'services.shop.serving.max_batch' should be a whole number, not 1.5"),
    (SHOP + 'serving.max_batch = "64"', "'services.shop.serving.max_batch' should be a whole number, not '64'"),
    (SHOP + "serving.max_batch = true", "'services.shop.serving.max_batch' should be a whole number, not true"),
]

GATES = [
    ("accuracy = 0.8", 'gates.accuracy\' should be a comparison in quotes: write ">= 0.8", not 0.8'),
    ("latency_p95_ms = 50", 'gates.latency_p95_ms\' should be a comparison in quotes: write "<= 50", not 50'),
    ("regression = 0.01", 'write "<= 0.01"'),
    ("recall = { good = 1 }", 'gates.recall.good\' should be a comparison in quotes: write ">= 1", not 1'),
    (
        'accuracy = ">= 80%"',
        'should be a comparison with a number in quotes, such as ">= 0.80" or "<= 50", not \'>= 80%\'',
    ),
    ('accuracy = "= 0.8"', "not '= 0.8'"),
    ('accuracy = "0.8"', "not '0.8'"),
    ("accuracy = true", "should be a comparison with a number in quotes"),
    ('recall = ">= 0.8"', "gates.recall' should be a table, [services.shop.gates.recall], not '>= 0.8'"),
]

COHERENCE = [
    (
        'labels = ["good", "bad"]\ngates.recall.god = "> 0"',
        "recall gate for the unknown label 'god'. Did you mean 'good'?",
    ),
    ('candidates = ["a", "b", "a"]', "two candidates named 'a': give one of them another name"),
    ('labels = { a = ["1", "2"], b = ["2"] }', "maps the value '2' to both 'a' and 'b'"),
    ('label = ["a"]\nseparator = ";"', "both a list of label columns and a separator"),
    ('label = ["a"]\nlabels = { a = ["1"] }', "leave the table 'labels' out"),
    ("labels = []", "an empty list of labels: name them, or leave the key out"),
    ('label = ["a", "a"]', "the label 'a' twice"),
    ('labels = ["a", " "]', "a blank label"),
]


@pytest.mark.parametrize(("text", "sentence"), KEYS + TYPES)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert mistake(tmp_path, text).startswith(sentence)


@pytest.mark.parametrize(("text", "part"), GATES)
def test_a_gate_says_how_it_is_written(tmp_path: Path, text: str, part: str) -> None:
    assert part in mistake(tmp_path, f"{SHOP}[services.shop.gates]\n{text}")


@pytest.mark.parametrize(("text", "part"), COHERENCE)
def test_what_does_not_fit_together_is_said(tmp_path: Path, text: str, part: str) -> None:
    sentence = mistake(tmp_path, SHOP + text)
    assert sentence.startswith("'services.shop' ")
    assert part in sentence


IMAGES = '[project]\nname = "shop"\nclassic = { images = "digits" }\n'


@pytest.mark.parametrize(
    ("services", "sentence"),
    [
        ("", "'services' has no 'digits', which 'project.classic.images' names."),
        ("[services.digit]\ntask = 'image-classification'", "'services' has no 'digits', which "),
        ("[services.digits]\ntask = 'text-classification'", "'services' has 'digits', which "),
    ],
)  # fmt: skip
def test_classic_routes_are_for_a_service_of_images(tmp_path: Path, services: str, sentence: str) -> None:
    assert mistake(tmp_path, IMAGES + services).startswith(sentence)


def test_classic_routes_belong_to_the_service_that_is_named(tmp_path: Path) -> None:
    assert load(tmp_path, HEAD).classic.images is None
    assert load(tmp_path, IMAGES + "[services.digits]\ntask = 'image-classification'").classic.images == "digits"


@pytest.mark.parametrize("name", ["Shop", "a b", "-a", "é", "a/b", "", "a" * 64])
def test_a_service_has_a_name_that_fits_an_address(tmp_path: Path, name: str) -> None:
    sentence = mistake(tmp_path, f'{HEAD}[services."{name}"]\ntask = "text-classification"')
    assert sentence.startswith(f"'services' has the name '{name}', which cannot be part of an address: use ")


def test_two_mistakes_are_two_sentences(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, SHOP + "input = 3\nlable = 4")
    assert len(str(caught.value).splitlines()) == 2


def test_an_absent_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=rf"no winnow\.toml in {tmp_path}: run `winnow new NAME`"):
        load_project(tmp_path)


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ProjectError, match=r"winnow\.toml cannot be read: Is a directory"):
        load_project(tmp_path)


@pytest.mark.parametrize("text", ["[project", "name = ", '[project]\nname = "a"\nname = "b"', "a = " + "[" * 5000])
def test_a_file_that_is_not_toml_says_where(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProjectError, match=r"winnow\.toml is not TOML: "):
        load(tmp_path, text)


def test_a_file_in_another_encoding_says_from_which_line_on(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes('[project]\nname = "é"\n'.encode("cp1252"))
    with pytest.raises(ProjectError, match=r"winnow\.toml is not UTF-8, from line 2 on: save it in that encoding"):
        load_project(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + HEAD).name == "shop"


def test_all_that_the_design_shows_is_read(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        SHOP
        + """
input = "Commentaire"
label = "star"
labels = { negative = ["1", "2"], positive = ["3", "4", "5"] }
candidates = ["linear-svm", { family = "neural-net", name = "small", units = 8 }]
[services.shop.gates]
accuracy = ">= 0.80"
latency_p95_ms = "<=50"
recall.negative = " > .5 "
[services.shop.serving]
max_batch = 1
[services.str]
task = "text-classification"
""",
    )
    service = project.service("shop")
    assert service.known_labels == ("negative", "positive")
    assert not service.several
    assert [candidate.name for candidate in service.candidates] == ["linear-svm", "small"]
    assert service.candidates[1].parameters == {"units": 8}
    assert service.gates.accuracy == Requirement(comparison=">=", value=0.8)
    assert str(service.gates.recall["negative"]) == "> 0.5"
    assert service.serving.max_batch == 1
    with pytest.raises(NotFound, match=r"there is no service 'shpo'\. Did you mean 'shop'\?"):
        project.service("shpo")


@pytest.mark.parametrize(
    ("requirement", "figure", "met", "short_by"),
    [(">= 0.8", 0.8, True, 0), ("> 0.8", 0.8, False, 0), ("<= 50", 51.5, False, 1.5), ("< 50", 49, True, 0)],
)
def test_a_requirement_measures(
    tmp_path: Path, requirement: str, figure: float, met: bool, short_by: float
) -> None:
    service = load(tmp_path, f'{SHOP}gates.accuracy = "{requirement}"').service("shop")
    assert service.gates.accuracy is not None
    assert service.gates.accuracy.met_by(figure) is met
    assert service.gates.accuracy.short_by(figure) == short_by
