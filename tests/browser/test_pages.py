"""What each page is for, done on it. They share one project, so each adds what it needs and counts nothing else."""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Meet
from tests.browser.serving import Served
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.slow

QUESTION = "Is this review positive?"


def open_page(meet: Meet, served: Served, name: str, heading: str, who: str = "ada") -> Visitor:
    """A page about the service `sentiment`."""
    visitor = meet(served.url, who)
    visitor.go(name, service="sentiment")
    visitor.sees_heading(heading)
    return visitor


def test_overview_says_of_each_service_how_it_does(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "", "shop")
    for words in (QUESTION, "Is this customer satisfied?", "No version answers yet."):
        visitor.sees(words)
    visitor.sees(re.compile(r"alerts? (is|are) open"))
    visitor.sees(re.compile("0.999"))


def test_predict_answers_in_plain_words_and_takes_a_correction(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "predict", QUESTION, "eve")
    visitor.write("Your text", "It broke at once, and nobody cares.")
    visitor.press("Predict")
    visitor.sees(re.compile(r"^negative, .* sure$"))
    visitor.press("That's wrong: it is positive")
    visitor.sees("corrected to positive")


def test_predict_compares_two_versions(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "predict", QUESTION)
    visitor.choose("Compare the champion with", re.compile("version 1 "))
    visitor.write("Your text", "I am so happy with it, thank you!")
    visitor.press("Predict")
    visitor.sees(re.compile(r"^(Both versions answer the same|The two versions answer differently)\.$"))


def test_predict_answers_several_texts(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "predict", QUESTION)
    visitor.write("Your text", "I love it.\nA waste of money.\nTwo thumbs up.")
    visitor.switch("Several texts: one on each line")
    visitor.press("Predict")
    for text in ("I love it.", "A waste of money.", "Two thumbs up."):
        visitor.sees_in_table(text)


def test_a_whole_file_is_answered_while_one_is_elsewhere(served: Served, meet: Meet, tmp_path: Path) -> None:
    texts = [f"Review number {number}: I love it." for number in range(500)]
    file = tmp_path / "asked.csv"
    file.write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    visitor = open_page(meet, served, "predict", QUESTION, "eve")
    visitor.turn_tab("A whole file")
    visitor.hand_in("A file of which every row is answered", file)
    visitor.press("Answer every row")
    visitor.turn_to("History")
    visitor.turn_to("Predict")
    visitor.turn_tab("A whole file")
    rows = list(csv.DictReader(io.StringIO(visitor.download("Download the answers").decode())))
    assert [row["text"] for row in rows] == texts
    assert {row["predicted_label"] for row in rows} <= {"negative", "positive"}


def test_history_is_filtered_corrected_and_taken_away(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "history", "History", "eve")
    visitor.write("Text contains", "nobody answers")
    visitor.sees("Broken after a day, and nobody answers.")
    visitor.sees_no("I love it, it works beautifully.")
    visitor.press(re.compile("That's wrong: it is"))
    visitor.sees(re.compile("corrected to"))
    rows = list(csv.DictReader(io.StringIO(visitor.download("Download all of these as CSV").decode())))
    assert [row["input"] for row in rows] == ["Broken after a day, and nobody answers."]
    visitor.choose("Answer", "positive")
    visitor.write("Text contains", "no such text anywhere")
    visitor.sees("No prediction passes these filters.")


def test_a_page_has_its_frame_for_who_comes_first_by_its_address(life: Path, meet: Meet, tmp_path: Path) -> None:
    """Streamlit makes pages of its own of a folder that is named pages, unless the frame was drawn before."""
    shutil.copytree(life, tmp_path / "shop")
    with Served(tmp_path / "shop") as served:
        visitor = open_page(meet, served, "history", "History", "vic")
        visitor.sees("Signed in as vic")
        visitor.turn_to("Overview")
        visitor.leave()


def test_data_takes_one_example_in(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "data", "Data", "eve")
    visitor.turn_tab("Add")
    visitor.write("Text", "A comment of the day.")
    visitor.choose("Right label", "positive")
    visitor.press("Add the example")
    visitor.sees("The example is added. The next training learns from it.")
    visitor.turn_tab("Browse")
    visitor.write("Text contains", "of the day")
    visitor.sees_in_table("A comment of the day.")


def test_data_reports_on_a_file_before_it_is_added(served: Served, meet: Meet, tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    file.write_text("text,label\nGood and new.,positive\nBad and new.,negative\nOdd.,perhaps\n", encoding="utf-8")
    visitor = open_page(meet, served, "data", "Data")
    visitor.turn_tab("Add")
    visitor.hand_in("File", file)
    visitor.sees("1 row cannot be read:")
    visitor.sees_in_table(re.compile("perhaps"))
    visitor.press("Add the 2 good ones")
    visitor.sees(re.compile("2 examples of mixed.csv were added"))
    visitor.turn_tab("Snapshots")
    assert visitor.download(re.compile("The file as it was sent")) == file.read_bytes()
    exported = list(csv.DictReader(io.StringIO(visitor.download("The dataset as CSV").decode("utf-8-sig"))))
    assert {"Good and new.", "Bad and new."} <= {row["text"] for row in exported}


def test_data_settles_a_disagreement(served: Served, meet: Meet, tmp_path: Path) -> None:
    file = tmp_path / "disputed.csv"
    file.write_text("text,label\nIt is what it is.,positive\nIt is what it is.,negative\n", encoding="utf-8")
    visitor = open_page(meet, served, "data", "Data")
    visitor.turn_tab("Add")
    visitor.hand_in("File", file)
    visitor.press("Add 2 examples")
    visitor.sees(re.compile("were added"))
    visitor.turn_tab("Disagreements")
    visitor.sees("It is what it is.")
    visitor.press("positive")
    visitor.sees(re.compile("“positive” counts for “It is what it is.” from now on"))


def test_models_compares_two_versions_and_changes_the_champion(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "models", "Models")
    visitor.sees_in_table("naive-bayes")
    visitor.turn_tab("Compare two")
    visitor.press("Ask both about the same examples")
    visitor.sees(re.compile("held.out|the same examples|both", re.IGNORECASE))
    visitor.turn_tab("Promote or roll back")
    visitor.press(re.compile(r"^Promote version \d+$"))
    visitor.sees(re.compile(r"Version \d+ of sentiment is the champion now\."))
    visitor.press(re.compile(r"^Roll back to version \d+$"))
    visitor.sees(re.compile(r"Version \d+ of sentiment is the champion again\."))


def test_reports_show_each_figure_of_each_candidate_over_runs(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "reports", "Reports")
    for tab in ("Over runs", "Over data", "How sure it is"):
        visitor.turn_tab(tab)
        expect(visitor.main.get_by_role("img").or_(visitor.main.locator("[data-testid=stVegaLiteChart]")).first)
    visitor.turn_tab("Over runs")
    visitor.sees_in_table(re.compile("naive-bayes|logistic-regression"))


def test_reports_say_by_how_much_a_gate_was_missed(served: Served, meet: Meet) -> None:
    visitor = meet(served.url, "vic")
    visitor.go("reports", service="strict")
    visitor.sees("1 gate missed in this run:")
    visitor.sees_in_table(re.compile("0.999"))


def test_operations_lets_an_editor_acknowledge_an_alert(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "operations", "Operations", "eve")
    visitor.turn_tab("Alerts")
    visitor.sees(re.compile("gates missed on strict"))
    visitor.press("I know of it")
    visitor.sees(re.compile("eve knows of it"))


def test_operations_shows_jobs_health_traffic_and_who_changed_what(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "operations", "Operations")
    visitor.turn_tab("Health")
    visitor.sees_in_table("satisfaction")
    visitor.turn_tab("Traffic")
    visitor.turn_tab("Quality in use")
    visitor.turn_tab("Who changed what")
    visitor.sees_in_table("ada")


def test_accounts_shows_a_new_password_once(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "accounts", "Accounts")
    visitor.turn_tab("Everybody")
    visitor.write("Name", "ian")
    visitor.press("Add the account")
    visitor.sees(re.compile("One-time password of ian"))
    visitor.press("Add the account")
    visitor.sees_no(re.compile("One-time password of ian"))


def test_a_viewer_is_told_why_they_may_not(served: Served, meet: Meet) -> None:
    visitor = open_page(meet, served, "models", "Models", "vic")
    visitor.sees(re.compile("Training takes the role admin"))
    for word in ("Train now", "Promote", "Roll back"):
        visitor.has_no_button(re.compile(word))
    visitor.go("data", service="sentiment")
    visitor.turn_tab("Add")
    visitor.sees(re.compile("takes the role editor"))
    visitor.has_no_button("Add the example")
    visitor.go("predict", service="sentiment")
    visitor.write("Your text", "I love it.")
    visitor.press("Predict")
    visitor.sees(re.compile(" sure$"))
    visitor.has_no_button(re.compile("That's wrong"))
