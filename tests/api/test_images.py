"""Images are asked about in JSON, as they are, or in forms; and every answer is the same."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.api.problems import check_problem
from tests.api.test_schema import BOUNDS
from tests.images import make_picture
from tests.projects import Server, settings_of
from winnow.api.app import create_api
from winnow.api.bodies import BodiesAsJson
from winnow.api.edge import Edge
from winnow.api.guard import Guard
from winnow.runtime import Runtime

PREDICT = "/services/colours/predict"
RED = make_picture("red")
BLUE = make_picture("blue", kind="JPEG")
DAMAGED = make_picture("green", (200, 200), "JPEG")[:-400]


def in_base64(content: bytes) -> str:
    return b64encode(content).decode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("called", ["image/png", "IMAGE/anything", "application/octet-stream", "text/plain", None])
def test_an_image_as_it_is(images: httpx2.Client, kind: str, called: str | None) -> None:
    """Whatever it is called: `curl --data-binary` says that it is a form."""
    headers = {} if called is None else {"Content-Type": called}
    answer = images.post(PREDICT, content=make_picture("blue", kind=kind), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == "blue"


def test_the_same_image_in_every_way_has_the_same_answer(images: httpx2.Client) -> None:
    ways = [
        images.post(PREDICT, json={"input": in_base64(RED)}),
        images.post(PREDICT, json={"input": f"data:image/png;base64,{in_base64(RED)}"}),
        images.post(PREDICT, json={"input": {"library": "red.png"}}),
        images.post(PREDICT, content=RED),
        images.post(PREDICT, files={"image": ("red.png", RED)}),
        images.post(PREDICT, files={"library": (None, "red.png")}),
    ]
    answers = [way.json() for way in ways]
    assert [(answer["label"], answer["scores"]) for answer in answers] == [("red", answers[0]["scores"])] * len(
        ways
    )


def test_several_in_a_form_are_answered_in_their_order(images: httpx2.Client) -> None:
    form: list[tuple[str, tuple[str | None, bytes | str]]] = [
        ("image", ("a.jpg", BLUE)),
        ("library", (None, "red.png")),
        ("image", ("b.png", make_picture("green"))),
        ("top_k", (None, "1")),
        ("version", (None, "2")),
    ]
    rows = images.post(PREDICT, files=form).json()["predictions"]
    assert [row["label"] for row in rows] == ["blue", "red", "green"]
    assert all(list(row["scores"]) == [row["label"]] and row["version"] == 2 for row in rows)


def test_a_row_that_is_no_image_fails_alone(images: httpx2.Client) -> None:
    given = [in_base64(RED), "!", in_base64(b"text"), {"library": "../secret.png"}, None, in_base64(DAMAGED)]
    rows = images.post(PREDICT, json={"inputs": [*given, in_base64(BLUE)]}).json()["predictions"]
    assert [row.get("label") for row in rows] == ["red", None, None, None, None, None, "blue"]
    assert {row["error"]["status"] for row in rows[1:-1]} == {422}
    assert "the library has no image '../secret.png'" in rows[3]["error"]["detail"]
    assert "damaged" in rows[5]["error"]["detail"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\r\n\x1a\nnothing", "no image"),
        (DAMAGED, "damaged"),
        (make_picture(size=(1100, 1000)), "pixels"),
        (b"BM" + bytes(600_000), "600,002 bytes"),
        (b"", "empty"),
    ],
)
def test_an_image_that_cannot_be_answered(images: httpx2.Client, content: bytes, says: str) -> None:
    response = images.post(PREDICT, content=content, headers={"Content-Type": "image/png"})
    assert says in check_problem(response, 422, "invalid-input")["detail"]


def _form(*parts: str, last: str = "--x--\r\n") -> bytes:
    return "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts).encode() + last.encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (_form(), "at least one field 'image'"),
        (_form('name="top_k"\r\n\r\n3'), "at least one field 'image'"),
        (_form('name="image"\r\n\r\nred.png'), "a file in each field 'image'"),
        (_form('name="library"; filename="a"\r\n\r\nred.png'), "a name in each 'library'"),
        (_form('name="imge"; filename="a"\r\n\r\nx'), "there is no field 'imge'"),
        (_form('name="library"\r\n\r\nred.png', 'name="top_k"\r\n\r\nfive'), "'top_k' should be a number"),
        (_form('name="library"\r\n\r\nred.png', 'name="top_k"\r\n\r\n0'), "'top_k' should be a number"),
        (_form(*['name="library"\r\n\r\nred.png', *['name="top_k"\r\n\r\n1'] * 2]), "one field 'top_k'"),
        (_form(*['name="library"\r\n\r\nred.png'] * 1001), "more than 1,000 fields"),
        (_form('name="library"\r\n\r\nred.png', last=""), "ends before its last boundary"),
        (_form("attachment"), "cannot be read"),
        (b"what is this", "cannot be read"),
    ],
)
def test_a_form_that_asks_wrongly(images: httpx2.Client, body: bytes, says: str) -> None:
    response = images.post(PREDICT, content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert says in check_problem(response, 422, "invalid-input")["detail"]


def test_a_form_needs_a_boundary(images: httpx2.Client) -> None:
    response = images.post(PREDICT, content=b"", headers={"Content-Type": "multipart/form-data"})
    assert "no boundary" in check_problem(response, 422, "invalid-input")["detail"]


@pytest.mark.parametrize("version", [1, "other", "pixels-linear", None])
def test_a_version_may_be_chosen(images: httpx2.Client, version: int | str | None) -> None:
    body = {"input": {"library": "red.png"}, "version": version}
    assert images.post(PREDICT, json=body).json()["version"] == (1 if version in (1, "other") else 2)


@pytest.mark.parametrize(("version", "says"), [(99, "99"), ("othr", "Did you mean 'other'?")])
def test_a_version_that_there_is_not(images: httpx2.Client, version: int | str, says: str) -> None:
    body = {"input": {"library": "red.png"}, "version": version}
    assert says in check_problem(images.post(PREDICT, json=body), 404, "not-found")["detail"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("version", value) for value in (0, -1, True, 1.5, "", "a\0", "\ud800", "a" * 201, [1], 2**31)]
    + [("top_k", value) for value in (0, -1, True, 1.5, "3", [1], 2**31)],
)
def test_options_that_make_no_sense(images: httpx2.Client, option: str, value: object) -> None:
    response = images.post(PREDICT, content=json.dumps({"input": "x", option: value}))
    assert f"'{option}' should be" in check_problem(response, 422, "invalid-input")["detail"]


def test_top_k_answers_the_most_probable_first(images: httpx2.Client) -> None:
    body = {"input": in_base64(make_picture("green"))}
    whole = images.post(PREDICT, json=body).json()["scores"]
    for count in (1, 2, 3, 50):
        scores = images.post(PREDICT, json={**body, "top_k": count}).json()["scores"]
        ranked = sorted(whole.items(), key=lambda entry: -entry[1])
        assert list(scores.items()) == ranked[:count]


def test_an_image_of_the_history_can_be_seen(images: httpx2.Client) -> None:
    picture = make_picture("green", (31, 7))
    prediction = images.post(PREDICT, content=picture).json()
    entry = images.get("/services/colours/history", params={"n": 1}).json()["predictions"][0]
    assert entry["id"] == prediction["id"]
    shown = images.get(f"/services/colours/images/{entry['input']}")
    assert (shown.content, shown.headers["content-type"]) == (picture, "image/png")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in shown.headers["cache-control"]
    again = images.get(shown.request.url, headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_feedback_makes_an_example_of_an_image(images: httpx2.Client) -> None:
    prediction = images.post(PREDICT, content=make_picture("blue", (9, 9))).json()
    feedback = images.post(f"/predictions/{prediction['id']}/feedback", json={"target": "green"})
    assert feedback.json()["feedback"] == "green"
    example = images.get("/services/colours/examples", params={"n": 1}).json()["examples"][0]
    assert (example["input"], example["target"]) == (feedback.json()["input"], "green")


@pytest.mark.parametrize(
    "digest", ["sha256:" + "0" * 64, "sha256:", "x", "%2E%2E", "sha256:" + "A" * 64, "%00", "a%2Fb"]
)
def test_an_image_that_was_never_seen(images: httpx2.Client, digest: str) -> None:
    check_problem(images.get(f"/services/colours/images/{digest}"), 404, "not-found")


def test_a_service_of_texts_has_no_images(http: httpx2.Client) -> None:
    check_problem(http.get(f"/services/sentiment/images/sha256:{'0' * 64}"), 404, "not-found")
    problem = check_problem(http.post("/services/sentiment/predict", content=RED), 422, "invalid-input")
    assert "a text" in problem["detail"]
    body = {"input": {"library": "a.png"}}
    problem = check_problem(http.post("/services/sentiment/predict", json=body), 422, "invalid-input")
    assert "no library" in problem["detail"]
    check_problem(http.post("/services/nothing/predict", content=RED), 404, "not-found")


BODIES: list[dict[str, Any]] = [
    {"content": BLUE},
    {"content": BLUE, "headers": {"Content-Type": "image/jpeg"}},
    {"content": b"{", "headers": {"Content-Type": "image/jpeg"}},
    {"files": [("image", ("a", RED)), ("image", ("b", b"x"))]},
    {"files": [("imagine", ("a", RED))]},
    {"json": {"input": {"library": "red.png"}, "top_k": 1}},
    {"json": {"input": {"library": "red.png"}, "webhook": "x"}},
]


@pytest.mark.parametrize("body", BODIES)
async def test_the_lane_and_the_router_read_alike(
    images: httpx2.Client, image_server: Server, body: dict[str, Any]
) -> None:
    """The server's answer comes over the lane; the other one over FastAPI, with what stands before it."""
    short = images.post(PREDICT, **body)
    async with Runtime(settings_of(image_server.project)) as runtime:
        guarded = Guard(BodiesAsJson(create_api(runtime)), runtime.authenticator)
        way = Edge(guarded, runtime.metrics, max_body=10**6, max_upload=10**6)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(way), base_url="http://here") as client:
            long = await client.post(PREDICT, **body)
    assert short.status_code == long.status_code
    assert _figures(short.json()) == _figures(long.json())


def _figures(answer: dict[str, Any]) -> list[Any]:
    """What an answer says, without the ids of this request and its predictions."""
    rows = answer.get("predictions", [answer])
    return [row.get("scores") or row.get("detail") or row["error"]["detail"] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_are_answered_as_documented(
    image_server: Server, mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    """As `test_schema`, for the routes that do more where a service answers images."""
    schema = schemathesis.openapi.from_url(f"{image_server.url}/openapi.json")
    only = schema.include(path_regex="/predict$|/library|/images/|/info$|/classifications")
    for found in only.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # there is no wrong way to ask

        @BOUNDS
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.path_parameters = {**(case.path_parameters or {}), "service": "colours"}
            case.call_and_validate(excluded_checks=[positive_data_acceptance, ignored_auth])

        with subtests.test(operation.label):
            check()
    assert [line for line in image_server.log_lines() if line["level"] == "error"] == []
