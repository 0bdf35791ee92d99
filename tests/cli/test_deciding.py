"""Versions, promotion and rollback."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from tests.cli.conftest import winnow
from winnow.client import answers


def test_versions_for_people_and_for_programs(shop: Path) -> None:
    shown = winnow("versions", "sentiment", project=shop)
    assert shown.code == 0
    assert "Champions, newest first:" in shown.out
    page = winnow("versions", "sentiment", "--json", project=shop).json
    assert [version["number"] for version in page["versions"]] == [3, 2, 1]
    assert [version["champion"] for version in page["versions"]].count(True) == 1
    for kind, found in ((answers.Version, page["versions"]), (answers.Promotion, page["promotions"])):
        assert {field.name for field in fields(kind)} <= found[0].keys()


def test_promote_and_roll_back(own_shop: Path) -> None:
    champion = winnow("status", "--json", project=own_shop).json["services"][0]["champion"]
    other = 1 if champion != 1 else 2
    promoted = winnow("promote", "sentiment", other, "--force", "--json", project=own_shop)
    assert promoted.code == 0, promoted.out
    assert (promoted.json["version"], promoted.json["previous"]) == (other, champion)
    back = winnow("rollback", "sentiment", project=own_shop)
    assert back.code == 0
    assert f"Version {champion} of sentiment is the champion now" in back.out
    again = winnow("rollback", "sentiment", project=own_shop)
    assert again.code == 4
    assert "nothing to roll back to" in again.err


def test_what_cannot_be_promoted(shop: Path) -> None:
    champion = winnow("status", "--json", project=shop).json["services"][0]["champion"]
    assert winnow("promote", "sentiment", champion, project=shop).code == 4
    missing = winnow("promote", "sentiment", "99", project=shop)
    assert missing.code == 3
    assert "no version 99" in missing.err
    assert winnow("promote", "sentiment", "one", project=shop).code == 2
