"""What goes well goes as documented."""

from __future__ import annotations

from pathlib import Path

import httpx2

from tests.projects import Server, make_project, train_directly


def test_services(http: httpx2.Client) -> None:
    page = http.get("/services").json()
    assert page["project"] == "tests"
    (service,) = page["services"]
    assert service == http.get("/services/sentiment").json()
    assert service["labels"] == ["negative", "positive"]
    assert (service["state"], service["champion"], service["several"]) == ("ready", 1, False)


def test_one_prediction_and_its_place_in_the_history(http: httpx2.Client) -> None:
    response = http.post("/services/sentiment/predict", json={"input": "Très bien: 好 👍"})
    prediction = response.json()
    assert prediction["label"] == max(prediction["scores"], key=prediction["scores"].get)
    (entry,) = http.get("/services/sentiment/history", params={"n": 1}).json()["predictions"]
    assert entry["id"] == prediction["id"]
    assert entry["input"] == "Très bien: 好 👍"
    assert entry["answer"] == {"label": prediction["label"], "scores": prediction["scores"]}
    assert entry["request_id"] == response.headers["x-request-id"]
    assert entry["client"] == "127.0.0.1"
    assert entry["feedback"] is None


def test_a_batch_answers_as_its_rows_would_alone(http: httpx2.Client) -> None:
    texts = ["Broke at once.", "I love it, best ever.", "Broke at once.", "ok"]
    together = http.post("/services/sentiment/predict", json={"inputs": texts}).json()["predictions"]
    for text, row in zip(texts, together, strict=True):
        alone = http.post("/services/sentiment/predict", json={"input": text}).json()
        assert alone["scores"] == row["scores"]


def test_top_k_and_the_version_may_be_chosen(http: httpx2.Client) -> None:
    body = {"input": "I love it, best ever."}
    whole = http.post("/services/sentiment/predict", json=body).json()
    best = http.post("/services/sentiment/predict", json={**body, "top_k": 1, "version": 1}).json()
    assert best["scores"] == {whole["label"]: whole["scores"][whole["label"]]}
    named = http.post("/services/sentiment/predict", json={**body, "top_k": None, "version": "logistic-regression"})
    assert (named.json()["scores"], named.json()["version"]) == (whole["scores"], 1)


def test_a_version_may_be_asked_although_there_is_no_champion(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    train_directly(project, promote=False)
    with Server(project) as server, httpx2.Client(base_url=server.url, trust_env=False) as http:
        ask = {"input": "Good."}
        assert http.post("/services/sentiment/predict", json=ask).status_code == 503
        assert http.post("/services/sentiment/predict", json={**ask, "version": 1}).json()["version"] == 1


def test_pages_of_the_history_join_up(http: httpx2.Client) -> None:
    http.post("/services/sentiment/predict", json={"inputs": [f"page {i}" for i in range(5)]})
    history = "/services/sentiment/history"
    whole = http.get(history, params={"text": "PAGE "}).json()["predictions"]
    first = http.get(history, params={"text": "page ", "n": 2}).json()["predictions"]
    rest = http.get(history, params={"text": "page ", "before": first[-1]["id"]}).json()["predictions"]
    assert [*first, *rest] == whole
    assert {entry["input"] for entry in whole} == {f"page {i}" for i in range(5)}


def test_feedback_becomes_an_example_once(http: httpx2.Client) -> None:
    prediction = http.post("/services/sentiment/predict", json={"input": "Judge this one."}).json()
    for target in ("positive", "negative"):
        entry = http.post(f"/predictions/{prediction['id']}/feedback", json={"target": target}).json()
        assert entry["feedback"] == target
    newest = http.get("/services/sentiment/examples", params={"n": 1}).json()["examples"][0]
    assert (newest["input"], newest["target"], newest["source"]) == ("Judge this one.", "negative", "feedback")


def test_adding_the_same_example_again_changes_nothing(http: httpx2.Client) -> None:
    body = {"input": "Added by hand.", "target": "positive"}
    first, second = (http.post("/services/sentiment/examples", json=body) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json()["added"]
    assert second.json() == {"id": None, "added": False}


def test_versions(http: httpx2.Client) -> None:
    page = http.get("/services/sentiment/versions").json()
    assert [version["number"] for version in page["versions"]] == [1]
    assert page["versions"][0]["champion"]
    assert page["promotions"][0]["reasons"] == ["a test wants it"]
    assert "path" not in page["versions"][0]


def test_health_and_metrics(http: httpx2.Client) -> None:
    assert http.get("/health/live").json() == {"status": "live"}
    assert http.get("/health/ready").json() == {"status": "ready", "services": ["sentiment"]}
    figures = http.get("/metrics")
    assert figures.headers["content-type"].startswith("text/plain; version=")
    assert 'winnow_champion_version{service="sentiment"} 1.0' in figures.text


def test_request_ids_are_echoed_where_they_are_sane(http: httpx2.Client) -> None:
    assert (
        http.get("/services", headers={"X-Request-ID": "my-id:1/2=+@x~"}).headers["x-request-id"]
        == "my-id:1/2=+@x~"
    )
    for strange in ("with space", '"quoted"', "a" * 129, "<b>", ""):
        own = http.get("/services", headers={"X-Request-ID": strange}).headers["x-request-id"]
        assert own != strange
        assert len(own) == 36


def test_an_untrained_service_says_so(untrained_server: Server) -> None:
    with httpx2.Client(base_url=untrained_server.url, trust_env=False) as http:
        service = http.get("/services/sentiment").json()
        assert (service["state"], service["champion"]) == ("untrained", None)
        response = http.post("/services/sentiment/predict", json={"input": "a"})
        assert response.status_code == 503
        assert "winnow train sentiment" in response.json()["detail"]
        assert http.get("/health/ready").json()["services"] == []
        assert "winnow_champion_version{" not in http.get("/metrics").text
