"""Overview: every service, who answers for it, how good that is, how much it is asked, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client
from winnow.client.answers import Service, Version
from winnow.client.live_answers import Alert, TrafficBucket
from winnow.domain import AlertState
from winnow.ui import overview_view as view
from winnow.ui.charts import bars, chart_with_table
from winnow.ui.session import read
from winnow.ui.widgets import empty, errors, figures, heading, page_link, status_badge
from winnow.ui.words import counted, moment, plain

_FEW, _ALL = 10, 1000


def draw() -> None:
    """Draw the page."""
    page = read(Client.services)
    heading(page.project, "Every service of this project, and how it is doing.")
    if not page.services:
        empty("This project has no services.", "Add one to `winnow.toml`, then start Winnow again.")
        return
    alerts: Sequence[Alert] = ()
    with errors():
        alerts = read(Client.alerts, state=AlertState.OPEN)
    _draw_alerts(alerts)
    traffic: dict[str, Sequence[TrafficBucket]] = {}
    for service in page.services:
        with errors():
            traffic[service.name] = _draw_service(
                service, [each for each in alerts if each.service == service.name]
            )
    _draw_traffic(traffic)


def _draw_alerts(alerts: Sequence[Alert]) -> None:
    if not alerts:
        st.markdown(":green-badge[:material/check: No open alerts]")
        return
    st.error(f"{counted(len(alerts), 'alert is', 'alerts are')} open.", icon=":material/notifications:")
    for alert in alerts[:5]:
        st.markdown(f"- {f'**{plain(alert.service)}**: ' if alert.service else ''}{plain(alert.detail)}")
    page_link("operations", "See all alerts", icon=":material/notifications:")


def _draw_service(service: Service, alerts: Sequence[Alert]) -> Sequence[TrafficBucket]:
    """Draw a service in a frame of its own; its traffic of the last day is what is returned."""
    traffic = read(Client.traffic, service.name, hours=24.0, buckets=24)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(service.name, anchor=False, width="content")
            status_badge(service.state)
            if alerts:
                st.badge(counted(len(alerts), "open alert"), color="red", icon=":material/notifications:")
        st.markdown(plain(service.description) or f"A service of {service.task}.")
        runs = read(Client.runs, service.name, 1)
        newest = runs[0] if runs else None
        run = view.run_words(newest)
        if service.champion is None:
            empty("No version answers yet.", view.next_step(service, newest))
            st.caption(plain(run))
        else:
            _draw_champion(service, traffic, run)
        _draw_links(service)
    return traffic


def _draw_champion(service: Service, traffic: Sequence[TrafficBucket], run: str) -> None:
    champion = _champion(service)
    live = read(Client.live, service.name, 1)
    if champion is not None:
        figures({**view.champion_figures(champion), **view.use_figures(service, traffic, live)})
        st.caption(f"{champion.candidate}, trained {moment(champion.created_at)} · {plain(run)}")
        for reason in view.missed_gates(champion.gates):
            st.markdown(f":red[✗ gate missed:] {plain(reason)}")
    words = view.interval_words(live)
    if words:
        st.caption(words)
    problem = view.state_words(service)
    if problem:
        st.warning(plain(problem), icon=":material/warning:")


def _champion(service: Service) -> Version | None:
    """The champion's figures. It is among the newest versions mostly, and all of them are much to read."""
    for count in (_FEW, _ALL):
        versions = read(Client.versions, service.name, count).versions
        found = next((version for version in versions if version.champion), None)
        if found is not None or len(versions) < count:
            return found
    return None


def _draw_links(service: Service) -> None:
    with st.container(horizontal=True):
        for name, label in (("predict", "Predict"), ("history", "History"), ("models", "Models"), ("data", "Data")):
            page_link(name, label, service=service.name)


def _draw_traffic(traffic: dict[str, Sequence[TrafficBucket]]) -> None:
    rows = [
        {"From (UTC)": f"{bucket.since:%H:%M}", "Service": name, "Answered": bucket.answered}
        for name, buckets in traffic.items()
        for bucket in buckets
    ]
    if not any(row["Answered"] for row in rows):
        return
    chart = bars(rows, "From (UTC)", "Answered", colour="Service" if len(traffic) > 1 else None)
    busy = [row for row in rows if row["Answered"]]
    chart_with_table(chart, busy, "Predictions answered in each of the last 24 hours")


if __name__ == "__main__":
    draw()
