"""The life of an alert: it opens once, ends once, and does not flap."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from tests.alerts.making import START, WRONG, all_alerts, settle
from winnow.domain import Alert, AlertState, new_id
from winnow.errors import Conflict, NotFound
from winnow.monitoring import alerts as life
from winnow.monitoring.alerts import Step, next_step
from winnow.store import Database, alerts
from winnow.store.alerts import Active
from winnow.store.schema import alerts as rows

DRIFT = ("drift", "sentiment")
GATES = ("gates-missed", "sentiment")


def test_a_condition_opens_an_alert_once_it_has_held(database: Database) -> None:
    assert settle(database, 0, DRIFT) == []
    (pending,) = all_alerts(database)
    assert pending.state is AlertState.PENDING
    assert settle(database, 1, DRIFT) == []
    (opened,) = settle(database, 2, DRIFT)
    assert opened.id == pending.id
    assert opened.state is AlertState.OPEN
    assert opened.since == START
    assert opened.opened_at == START + timedelta(minutes=2)
    assert settle(database, 3, DRIFT) == []


def test_a_pending_one_that_goes_away_leaves_nothing(database: Database) -> None:
    settle(database, 0, DRIFT)
    settle(database, 1)
    assert all_alerts(database) == []
    settle(database, 1.5, DRIFT)
    assert settle(database, 3, DRIFT) == []  # it has to hold without a break


def test_an_alert_ends_once_its_condition_has_been_gone(database: Database) -> None:
    settle(database, 0, DRIFT)
    settle(database, 2, DRIFT)
    assert settle(database, 3) == []
    assert settle(database, 4.9) == []
    (resolved,) = settle(database, 5)
    assert resolved.state is AlertState.RESOLVED
    assert resolved.resolved_at == START + timedelta(minutes=5)
    assert settle(database, 9) == []


def test_one_that_comes_and_goes_opens_once(database: Database) -> None:
    settle(database, 0, DRIFT)
    settle(database, 2, DRIFT)
    for minute in range(3, 60):
        assert settle(database, minute, *([DRIFT] if minute % 2 else [])) == []
    (alert,) = all_alerts(database)
    assert alert.state is AlertState.OPEN


def test_what_happened_is_told_at_once_and_ends_at_once(database: Database) -> None:
    (opened,) = settle(database, 0, GATES)
    assert opened.state is AlertState.OPEN
    (resolved,) = settle(database, 0.1)
    assert (resolved.id, resolved.state) == (opened.id, AlertState.RESOLVED)
    (again,) = settle(database, 0.2, GATES)
    assert again.id != opened.id


def test_the_figure_of_an_open_alert_is_the_last_that_was_seen(database: Database) -> None:
    settle(database, 0, GATES)
    settle(database, 1, GATES, finding=replace(WRONG, value=0.4, detail="worse", requirement="<= 0.2"))
    (alert,) = all_alerts(database)
    assert (alert.value, alert.detail, alert.requirement) == (0.4, "worse", "<= 0.2")
    settle(database, 2)
    (alert,) = all_alerts(database)
    assert alert.value == 0.4


def test_a_clock_that_is_set_back_ends_nothing_early(database: Database) -> None:
    settle(database, 10, DRIFT)
    assert settle(database, 0, DRIFT) == []
    (opened,) = settle(database, 12, DRIFT)
    assert opened.state is AlertState.OPEN
    settle(database, 20)
    assert settle(database, 13) == []
    assert len(settle(database, 22)) == 1


def test_services_and_rules_have_alerts_of_their_own(database: Database) -> None:
    keys = [DRIFT, ("drift", "topics"), ("latency", "sentiment"), ("disk", "")]
    opened = settle(database, 0, *keys, hold=0)
    assert sorted((alert.rule, alert.service) for alert in opened) == sorted(keys)
    (ended,) = settle(database, 1, *keys[1:], hold=0)
    assert (ended.rule, ended.service) == DRIFT


def test_the_store_holds_one_active_alert_of_a_rule_and_service(database: Database) -> None:
    settle(database, 0, GATES)
    (alert,) = all_alerts(database)
    with pytest.raises(IntegrityError), database.write() as connection:
        alerts.add(connection, replace(alert, id=new_id()))


def test_several_processes_open_one_alert(database: Database) -> None:
    def look(_: int) -> list[Alert]:
        return settle(database, 0, GATES, DRIFT, hold=0)

    with ThreadPoolExecutor(4) as threads:
        opened = [alert for found in threads.map(look, range(8)) for alert in found]
    assert sorted(alert.rule for alert in opened) == ["drift", "gates-missed"]


def test_old_alerts_are_forgotten(database: Database) -> None:
    settle(database, 0, GATES)
    settle(database, 1)
    settle(database, 2, GATES)
    with database.write() as connection:
        assert alerts.forget(connection, START) == 0
        assert alerts.forget(connection, START + timedelta(days=1)) == 1
    (left,) = all_alerts(database)
    assert left.state is AlertState.OPEN


# Acknowledgement


def test_an_acknowledged_alert_stays_open(database: Database) -> None:
    (opened,) = settle(database, 0, GATES)
    acknowledged = life.acknowledge(database, opened.id, "ada")
    assert (acknowledged.state, acknowledged.acknowledged_by) == (AlertState.OPEN, "ada")
    assert acknowledged.acknowledged_at is not None
    assert life.acknowledge(database, opened.id, "bob").acknowledged_by == "ada"
    (resolved,) = settle(database, 1)
    assert resolved.acknowledged_by == "ada"


def test_only_an_open_alert_can_be_acknowledged(database: Database) -> None:
    settle(database, 0, DRIFT)
    (pending,) = all_alerts(database)
    with pytest.raises(Conflict, match="pending"):
        life.acknowledge(database, pending.id, "ada")
    settle(database, 2, DRIFT)
    settle(database, 3)
    settle(database, 6)
    with pytest.raises(Conflict, match="resolved"):
        life.acknowledge(database, pending.id, "ada")
    with pytest.raises(NotFound):
        life.acknowledge(database, new_id(), "ada")


def report(database: Database, minutes: float) -> Alert:
    with database.write() as connection:
        database.lock(connection, life.LOCK)
        return life.report(connection, "sentiment", WRONG, START + timedelta(minutes=minutes))


def test_a_rollback_is_open_until_somebody_knows_or_a_day_is_over(database: Database) -> None:
    first = report(database, 0)
    assert settle(database, 24 * 60 - 1) == []
    (ended,) = settle(database, 24 * 60)
    assert (ended.id, ended.state) == (first.id, AlertState.RESOLVED)
    second = report(database, 2000)
    assert life.acknowledge(database, second.id, "ada").state is AlertState.RESOLVED
    assert settle(database, 2001) == []


def test_a_second_rollback_takes_the_place_of_the_first(database: Database) -> None:
    first, second = report(database, 0), report(database, 5)
    states = {alert.id: alert.state for alert in all_alerts(database)}
    assert states == {first.id: AlertState.RESOLVED, second.id: AlertState.OPEN}


# Any sequence of looks


looks = st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=60)


@given(looks=looks, hold=st.sampled_from([0.0, 0.5, 2.0, 5.0]))
def test_any_sequence_opens_and_ends_in_turn(looks: Sequence[tuple[float, bool]], hold: float) -> None:
    """Steps alone: opened and resolved alternate, and neither comes before its time."""
    active: Active | None = None
    moment, delay = START, timedelta(minutes=hold)
    held_since = clear_since = None
    happened: list[Step] = []
    for pause, holds in looks:
        moment += timedelta(minutes=pause)
        held_since = (held_since or moment) if holds else None
        clear_since = None if holds else (clear_since or moment)
        step = next_step(active, holds=holds, moment=moment, hold=delay)
        if step is Step.OPEN:
            assert held_since is not None
            assert moment - held_since >= delay
            happened.append(step)
        if step is Step.RESOLVE:
            assert clear_since is not None
            assert moment - clear_since >= delay
            happened.append(step)
        active = _after(step, active, moment)
    assert happened == [Step.OPEN, Step.RESOLVE] * (len(happened) // 2) + [Step.OPEN] * (len(happened) % 2)


@given(looks=looks, hold=st.sampled_from([0.0, 2.0]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_in_a_store_keeps_one_open_alert(
    sqlite: Database, looks: Sequence[tuple[float, bool]], hold: float
) -> None:
    with sqlite.write() as connection:
        connection.execute(delete(rows))
    minutes, told = 0.0, []
    for pause, holds in looks:
        minutes += pause
        told += settle(sqlite, minutes, *([DRIFT] if holds else []), hold=hold)
        kept = all_alerts(sqlite)
        assert sum(alert.state is not AlertState.RESOLVED for alert in kept) <= 1
    opened = [alert.id for alert in told if alert.state is AlertState.OPEN]
    resolved = [alert.id for alert in told if alert.state is AlertState.RESOLVED]
    assert len(set(opened)) == len(opened)  # each is told once
    assert resolved == opened[: len(resolved)]
    assert len(opened) - len(resolved) in (0, 1)
    ever_open = [alert for alert in all_alerts(sqlite) if alert.opened_at is not None]
    assert sorted(alert.id for alert in ever_open) == sorted(opened)


def _after(step: Step, active: Active | None, moment: datetime) -> Active | None:
    """What the store holds after a step."""
    if step in (Step.DROP, Step.RESOLVE):
        return None
    if active is None:
        if step is Step.NOTHING:
            return None
        state = AlertState.OPEN if step is Step.OPEN else AlertState.PENDING
        alert = Alert(new_id(), "drift", "s", state, "", None, "", moment)
        return Active(alert)
    if step is Step.OPEN:
        return Active(replace(active.alert, state=AlertState.OPEN))
    if step is Step.CLEAR:
        return Active(active.alert, active.clear_since or moment)
    return Active(active.alert)
