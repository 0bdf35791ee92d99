"""Every way to ask wrongly is refused in one shape, with a sentence that says what would be right."""

from __future__ import annotations

import httpx2
import pytest

from tests.api.problems import check_problem

PREDICT = "/services/sentiment/predict"
EXAMPLES = "/services/sentiment/examples"
UPLOAD = "/services/sentiment/examples/upload"
HISTORY = "/services/sentiment/history"
AN_ID = "01a1fa20-35c2-73c1-83f4-b7dabcb5210a"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"input": "\xff"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"input": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b"[]", "the body should be"),
        (b"{}", "the body should be"),
        (b'{"inputt": "a"}', "the body should be"),
        (b'{"input": "a", "extra": 1}', "the body should be"),
        (b'{"input": "a", "inputs": ["b"]}', "the body should be"),
        (b'{"input": null}', "not null"),
        (b'{"input": 3}', "not int"),
        (b'{"input": NaN}', "not float"),
        (b'{"input": ["a"]}', "not list"),
        (b'{"input": ""}', "blank"),
        (b'{"input": " \\n "}', "blank"),
        (b'{"input": "a\\u0000b"}', "NUL character at position 2"),
        (b'{"input": "a\\ud800"}', "surrogate pair at position 2"),
        (b'{"inputs": []}', "at least one"),
        (b'{"inputs": "a"}', "a list"),
        (b'{"inputs": null}', "a list"),
    ],
)
def test_a_body_that_cannot_be_predicted_for(http: httpx2.Client, body: bytes, says: str) -> None:
    assert says in check_problem(http.post(PREDICT, content=body), 422, "invalid-input")["detail"]


def test_too_long_an_input_and_too_many_inputs(http: httpx2.Client) -> None:
    problem = check_problem(http.post(PREDICT, json={"input": "a" * 100_001}), 422, "invalid-input")
    assert "100,001 characters; at most 100,000" in problem["detail"]
    problem = check_problem(http.post(PREDICT, json={"inputs": ["a"] * 513}), 422, "invalid-input")
    assert "at most 512" in problem["detail"]


def test_a_row_fails_alone(http: httpx2.Client) -> None:
    response = http.post(PREDICT, json={"inputs": ["Good.", None, "Bad.", "a\0"]})
    assert response.status_code == 200
    good, null, bad, nul = response.json()["predictions"]
    assert {"id", "label", "scores", "version"} == good.keys() == bad.keys()
    for row in (null, nul):
        assert row.keys() == {"error"}
        assert row["error"]["status"] == 422
        assert row["error"]["instance"] == f"urn:request:{response.headers['x-request-id']}"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"", "the body should be a JSON object"),
        (b"[]", "the body should be a JSON object"),
        (b"[" * 100_000, "recursion"),
        (b'{"input": "a"}', "body.target"),
        (b'{"input": "a", "target": "positive", "weight": 2}', "body.weight: there is no such key"),
        (b'{"input": null, "target": "positive"}', "not null"),
        (b'{"input": 3, "target": "positive"}', "not int"),
        (b'{"input": "a\\u0000", "target": "positive"}', "NUL"),
        (b'{"input": "a\\ud800", "target": "positive"}', "surrogate"),
        (b'{"input": "a", "target": "positve"}', "Did you mean 'positive'?"),
        (b'{"input": "a", "target": "\\ud800"}', "there is no label '?'"),
        (b'{"input": "a", "target": ["positive"]}', "should be a text"),
        (b'{"input": "a", "target": null}', "should be a text"),
        (b'{"\\ud800": 1, "input": "a", "target": "positive"}', "body"),
    ],
)
def test_an_example_that_cannot_be_added(http: httpx2.Client, body: bytes, says: str) -> None:
    response = http.post(EXAMPLES, content=body, headers=JSON)
    assert says in check_problem(response, 422, "invalid-input")["detail"]


@pytest.mark.parametrize("called", [None, "application/x-www-form-urlencoded", "text/plain", "application/json"])
def test_json_need_not_be_called_json(http: httpx2.Client, called: str | None) -> None:
    """As `curl -d` sends it."""
    headers = {} if called is None else {"Content-Type": called}
    response = http.post(EXAMPLES, content=b'{"input": "As it came.", "target": "positive"}', headers=headers)
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("n=0", "query.n"),
        ("n=1001", "less than or equal to 1000"),
        ("n=ten", "integer"),
        ("lable=positive", "query.lable: there is no such parameter"),
        ("version=0", "query.version"),
        ("version=99999999999999999999", "query.version"),
        ("since=yesterday", "such as 2026-11-20T15:30:00Z"),
        ("since=20261120", "such as 2026-11-20T15:30:00Z"),
        ("until=2026-13-01", "query.until"),
        ("since=0001-01-01T00:00:00%2B23:59", "end of time"),
        ("text=%00", "query.text"),
        ("label=%00", "query.label"),
        ("before=%00", "query.before"),
    ],
)
def test_a_query_that_cannot_be_answered(http: httpx2.Client, query: str, says: str) -> None:
    assert says in check_problem(http.get(f"{HISTORY}?{query}"), 422, "invalid-input")["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-11-20",
        "until=2126-11-20T10:00:00",
        "since=2026-11-20T10:00:00%2B02:00",
        "before=zzz",
        "text=%25",
    ],
)
def test_a_query_that_can(http: httpx2.Client, query: str) -> None:
    assert http.get(f"{HISTORY}?{query}").status_code == 200


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", {}),
        (b"text,label\n", {"Content-Type": "text/csv"}),
        (b'{"file": "x"}', JSON),
        (b"--x\r\n", {"Content-Type": "multipart/form-data"}),
        (b"not what it says", {"Content-Type": "multipart/form-data; boundary=x"}),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
         {"Content-Type": "multipart/form-data; boundary=x"}),
        (b'--x\r\nContent-Disposition: form-data; name="data"; filename="a.csv"\r\n\r\ntext\r\n--x--\r\n',
         {"Content-Type": "multipart/form-data; boundary=x"}),
    ],
)  # fmt: skip
def test_an_upload_without_a_file(http: httpx2.Client, content: bytes, headers: dict[str, str]) -> None:
    check_problem(http.post(UPLOAD, content=content, headers=headers), 422, "invalid-input")


def test_a_refused_file_comes_with_its_report(http: httpx2.Client) -> None:
    before = http.get(EXAMPLES).json()["count"]
    content = b"text,label\nquite new to us,positive\nbad,meh\n,positive\n"
    response = http.post(UPLOAD, files={"file": ("new.csv", content)})
    problem = check_problem(response, 422, "file-refused")
    assert "new.csv: 2 of 3 rows" in problem["detail"]
    report = problem["report"]
    assert (report["rows"], report["refused"], report["accepted"]) == (3, 2, 0)
    assert [row["line"] for row in report["refusals"]] == [3, 4]
    assert "'meh'" in report["refusals"][0]["reason"]
    assert http.get(EXAMPLES).json()["count"] == before


def test_a_file_of_no_known_kind(http: httpx2.Client) -> None:
    response = http.post(UPLOAD, files={"file": ("a.xlsx", b"PK\x03\x04")})
    assert ".csv" in check_problem(response, 422, "file-refused")["detail"]


def test_good_rows_are_kept_on_request(http: httpx2.Client) -> None:
    content = b"text,label\na row that is kept,positive\na row that is not,meh\n"
    response = http.post(UPLOAD, files={"file": ("mixed.csv", content)}, params={"keep_good": "true"})
    assert response.status_code == 200, response.text
    report = response.json()
    assert (report["accepted"], report["refused"]) == (1, 1)
    assert http.get(EXAMPLES, params={"n": 1}).json()["examples"][0]["source"] == "upload:mixed.csv"


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "/nothing", "there is no route /nothing: /docs lists them all"),
        ("GET", "/services/", "there is no route"),
        ("POST", f"{PREDICT}/", "there is no route"),
        ("POST", "/services/senti%2Fment/predict", "there is no route"),
        ("GET", "/services/sentimant", "Did you mean 'sentiment'?"),
        ("POST", "/services/sentimant/predict", "Did you mean 'sentiment'?"),
        ("POST", "/services/%00/predict", "there is no service"),
        ("GET", "/services/nothing/history", "There is: sentiment."),
        ("POST", "/services/nothing/train", "There is: sentiment."),
        ("POST", "/services/nothing/rollback", "There is: sentiment."),
        ("GET", f"/services/sentiment/runs/{AN_ID}", "has no run"),
        ("GET", "/services/sentiment/runs/%00", "nothing with the id"),
        ("DELETE", f"/services/nothing/runs/{AN_ID}", "There is: sentiment."),
        ("POST", "/services/sentiment/versions/7/promote", "has no version 7"),
        ("GET", "/services/sentiment/report", "has no report yet"),
    ],
)
def test_what_is_not_there(http: httpx2.Client, method: str, path: str, says: str) -> None:
    assert says in check_problem(http.request(method, path), 404, "not-found")["detail"]


def test_feedback_on_nothing_or_with_an_unknown_label(http: httpx2.Client) -> None:
    for unknown in (AN_ID, "nope", "%00"):
        response = http.post(f"/predictions/{unknown}/feedback", json={"target": "positive"})
        check_problem(response, 404, "not-found")
    prediction = http.post(PREDICT, json={"input": "Was that good?"}).json()["id"]
    response = http.post(f"/predictions/{prediction}/feedback", json={"target": "neutral"})
    assert "There is: negative, positive." in check_problem(response, 422, "invalid-input")["detail"]


def test_nothing_to_roll_back_to(http: httpx2.Client) -> None:
    check_problem(http.post("/services/sentiment/rollback"), 409, "conflict")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", PREDICT, "OPTIONS, POST"),
        ("HEAD", PREDICT, "OPTIONS, POST"),
        ("PUT", EXAMPLES, "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/services", "GET, HEAD, OPTIONS"),
        ("POST", f"/services/sentiment/runs/{AN_ID}", "DELETE, GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_path_has_not(http: httpx2.Client, method: str, path: str, allow: str) -> None:
    response = http.request(method, path)
    assert response.headers["allow"] == allow
    if method != "HEAD":
        check_problem(response, 405, "method-not-allowed")


def test_options_tells_the_methods(http: httpx2.Client) -> None:
    response = http.options(EXAMPLES)
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    check_problem(http.options("/nothing"), 404, "not-found")


def test_a_page_of_another_site_changes_nothing(http: httpx2.Client) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    for path in (PREDICT, "/services/sentiment/rollback", "/services/sentiment/train"):
        check_problem(http.post(path, headers=elsewhere), 403, "forbidden")
    assert http.get("/services", headers=elsewhere).status_code == 200
    same_origin = http.post(PREDICT, json={"input": "Fine."}, headers={"Sec-Fetch-Site": "same-origin"})
    assert same_origin.status_code == 200


@pytest.mark.parametrize("path", ["/services", "/health/live", "/health/ready", "/metrics", "/docs", EXAMPLES])
def test_head_is_get_without_its_body(http: httpx2.Client, path: str) -> None:
    response = http.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == http.get(path).headers["content-type"]


def test_a_host_that_is_none(http: httpx2.Client) -> None:
    check_problem(http.get("/nothing", headers={"Host": "["}), 404, "not-found")
