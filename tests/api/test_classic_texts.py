"""The classic routes for texts, as the clients of the older systems use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.api.problems import check_problem
from tests.projects import Server, make_project, train_directly
from winnow.client import Client

PROJECT = """
[project]
name = "tests"
classic = { sentiment = "sentiment", satisfaction = "satisfaction" }

[services.sentiment]
task = "text-classification"
labels = ["negative", "positive"]
data = ["reviews.csv"]
candidates = ["logistic-regression"]

[services.satisfaction]
task = "text-classification"
input = "Commentaire"
label = "star"
labels = { negative = ["1", "2"], positive = ["3", "4", "5"] }
candidates = ["logistic-regression"]
"""
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = make_project(tmp_path_factory.mktemp("classic") / "project", PROJECT)
    train_directly(project)
    with Server(project, max_body_mb=0.5, max_upload_mb=2) as server:
        yield server


@pytest.fixture
def http(served: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=served.url, trust_env=False) as client:
        yield client


# The sentiment web app


def test_reviews_have_their_sentiments_in_order(http: httpx2.Client) -> None:
    answer = http.post("/predict", json={"reviews": ["Excellent, works perfectly.", "It broke after two days."]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"sentiments": ["positive", "negative"]}
    again = http.get("/history", params={"n": 2}).json()["history"]
    assert [(row["input"], row["output"]) for row in again] == [
        ("It broke after two days.", "negative"),
        ("Excellent, works perfectly.", "positive"),
    ]
    assert len(http.get("/history?n=1").json()["history"]) == 1


@pytest.mark.parametrize(
    "body", [{}, {"reviews": []}, {"reviews": "text"}, {"reviews": [3]}, {"reviews": None}, [], "x"], ids=str
)
def test_reviews_that_cannot_be_read(http: httpx2.Client, body: object) -> None:
    check_problem(http.post("/predict", json=body), 422, "invalid-input")


def test_one_bad_review_refuses_all(http: httpx2.Client) -> None:
    problem = check_problem(http.post("/predict", json={"reviews": ["Fine.", "  "]}), 422, "invalid-input")
    assert problem["detail"].startswith("review 2: the input is blank")


# The satisfaction API


@pytest.mark.parametrize(
    ("form", "target"),
    [
        ({"json": {"comment": "Livraison rapide 1", "rating": 5}}, "positive"),
        ({"json": {"comment": "Livraison lente 2", "rating": "1"}}, "negative"),
        ({"json": {"Commentaire": "Très bien 3", "star": 4}}, "positive"),
        ({"data": {"comment": "Bof é 4", "rating": "2"}}, "negative"),
        ({"files": {"comment": (None, "Bien 5"), "rating": (None, "3")}}, "positive"),
    ],
    ids=["json", "text", "columns", "form", "multipart"],
)
def test_a_comment_is_added_with_its_rating(
    served: Server, http: httpx2.Client, form: dict[str, Any], target: str
) -> None:
    answer = http.post("/comment", **form)
    assert answer.status_code == 201, answer.text
    with Client(served.url) as client:
        newest = client.examples("satisfaction", 1).examples[0]
    assert (newest.id, newest.target, newest.source) == (answer.json()["id"], target, "api")
    assert http.post("/comment", **form).json() == {"id": None}, "the same one is there already"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"comment": "a"}', "no 'star' (or 'rating')"),
        (b'{"rating": 3}', "no 'Commentaire' (or 'comment')"),
        (b'{"comment": "a", "rating": 9}', "'9'"),
        (b'{"comment": " ", "rating": 3}', "blank"),
        (b'{"comment": ["a"], "rating": 3}', "not list"),
        (b'{"comment": "a", "rating": {"a": 1}}', "one label"),
        (b'{"comment": "\\ud800", "rating": 3}', "surrogate"),
        (b"[1]", "should be"),
        (b"", "should be"),
        (b"\xff\xfe", "neither JSON nor a form"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=range(11),
)
def test_a_comment_that_cannot_be_used(http: httpx2.Client, content: bytes, says: str) -> None:
    assert says in check_problem(http.post("/comment", content=content), 422, "invalid-input")["detail"]


def test_a_file_is_added_whole_and_kept(served: Server, http: httpx2.Client) -> None:
    rows = "".join(f"Commentaire numéro {number} {'x' * 200},{number % 5 + 1}\n" for number in range(4_000))
    sent = ("Commentaire,star\n" + rows).encode()
    assert len(sent) > 500_000, "more than another request may have"
    answer = http.post("/uploadfile", files={"file": ("avis.csv", sent)})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["file"]) == (4_000, "avis.csv")
    assert http.get(f"/services/satisfaction/snapshots/{answer.json()['batch']}/file").content == sent
    bad = http.post("/uploadfile", files={"file": ("avis.csv", b"Commentaire,star\nnew,9\n")})
    assert check_problem(bad, 422, "file-refused")["report"]["refused"] == 1


def test_status_and_greeting(served: Server, http: httpx2.Client) -> None:
    assert http.get("/status").json() == "API is ready"
    refused = http.get("/authentification")
    check_problem(refused, 401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Basic ")
    with Client(served.url) as client:
        client.add_account("ada", "viewer")
        once = client.reset_password("ada").password
        client.change_password("ada", once, PASSWORD)
    greeted = http.get("/authentification", auth=("ada", PASSWORD))
    assert greeted.json() == "Hello ada"
    wrong = http.get("/authentification", auth=("ada", "wrong password"))
    assert (wrong.status_code, wrong.headers["www-authenticate"][:6]) == (401, "Basic ")


def test_roles_are_those_of_the_older_api(served: Server, http: httpx2.Client) -> None:
    with Client(served.url) as client:
        for name, role in (("vera", "viewer"), ("eda", "editor")):
            client.change_password(name, client.add_account(name, role).password, PASSWORD)
    viewer, editor = ("vera", PASSWORD), ("eda", PASSWORD)
    body = {"comment": "Par une éditrice", "rating": 4}
    check_problem(http.post("/comment", json=body, auth=viewer), 403, "forbidden")
    assert http.post("/comment", json=body, auth=editor).status_code == 201
    with Client(served.url) as client:
        assert client.snapshots("satisfaction", 1)[0].account == "eda"
    check_problem(http.post("/uploadfile", files={"file": ("a.csv", b"a")}, auth=editor), 403, "forbidden")
    assert http.post("/predict", json={"reviews": ["Fine."]}, auth=viewer).status_code == 200


def test_the_routes_exist_only_where_services_are_named(untrained_server: Server) -> None:
    with httpx2.Client(base_url=untrained_server.url, trust_env=False) as http:
        for method, path in (("POST", "/predict"), ("GET", "/history"), ("POST", "/comment"), ("GET", "/status")):
            check_problem(http.request(method, path), 404, "not-found")


def test_nothing_of_this_was_a_bug(served: Server) -> None:
    assert [line for line in served.log_lines() if line["level"] == "error"] == []
