"""The page Operations: jobs, traffic, live quality and drift, alerts, health, and who changed what."""

from __future__ import annotations

import streamlit as st

from winnow.client import Client, answers, live_answers
from winnow.client.jobs import JobFilters
from winnow.domain import AlertState, JobKind, Role, Status
from winnow.ui.changes import changed, notice
from winnow.ui.charts import chart_with_table
from winnow.ui.operation_view import (
    KINDS,
    anything,
    done,
    event_rows,
    job_rows,
    job_sentence,
    latency_rows,
    outcome_rows,
    traffic_rows,
    traffic_sentence,
)
from winnow.ui.plots import beside, over_time, stacked_over_time
from winnow.ui.quality_view import (
    accuracy_sentence,
    alert_figure,
    alert_rows,
    alert_title,
    drift_rows,
    drift_sentences,
    figures_over_time,
    label_mix_rows,
    measurement_rows,
)
from winnow.ui.session import choose_service, client, may, read
from winnow.ui.widgets import Pager, allowed, empty, errors, heading, status_badge, table
from winnow.ui.words import ago, moment, plain

_TABS = ("Jobs", "Traffic", "Quality in use", "Alerts", "Health", "Who changed what")
_PAGE = 50
_HOURS = {"the last hour": 1.0, "the last 24 hours": 24.0, "the last 7 days": 168.0}
_ALL = "all"


def draw() -> None:
    """Draw the page."""
    heading("Operations", "What is being worked on, how fast and how well, and what a person should know of.")
    notice()
    service = choose_service()
    tabs = st.tabs(_TABS, key="operations-tab", on_change="rerun")
    panels = (_jobs, _traffic, _quality, _alerts, _health, _events)
    for tab, panel in zip(tabs, panels, strict=True):
        if tab.open:
            with tab, errors():
                panel(service)


def _jobs(_service: answers.Service | None) -> None:
    if not allowed(Role.EDITOR, "Seeing jobs"):
        return
    filters = _job_filters()
    _under_way(filters)
    pager = Pager("jobs", filters)
    jobs = read(Client.jobs, _PAGE, before=pager.before, **filters)
    if not jobs:
        empty(
            "No job is here.",
            "Hand in a file on the page Predict, or train on the page Models; or choose other filters above.",
        )
        return
    table(job_rows(jobs), "Jobs, newest first")
    pager.draw(jobs[-1].id if len(jobs) == _PAGE else None)


def _job_filters() -> JobFilters:
    with st.container(horizontal=True):
        services = [_ALL, *(known.name for known in read(Client.services).services)]
        of = st.selectbox("Of service", services, width=220)
        status = st.selectbox("Status", [_ALL, *(str(status) for status in Status)], width=180)
        work = st.selectbox("Work", [_ALL, *KINDS.values()], width=180)
    filters = JobFilters()
    if of != _ALL:
        filters["service"] = of
    if status != _ALL:
        filters["status"] = Status(status)
    if work != _ALL:
        filters["kind"] = next(kind for kind, words in KINDS.items() if words == work)
    return filters


@st.fragment(run_every=2.0)
def _under_way(filters: JobFilters) -> None:
    """Draw the jobs that have not ended, with their progress: those of the filters, ten at most."""
    with errors():
        jobs = client().jobs(_PAGE, **filters)
        for job in [job for job in jobs if not job.status.final][:10]:
            _draw_job(job)


def _draw_job(job: answers.Job) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.progress(done(job), text=f"{KINDS[job.kind]} · {job.service} · {job_sentence(job)}")
        needed = Role.ADMIN if job.kind is JobKind.TRAIN else Role.EDITOR
        if may(needed) and st.button("Cancel", key=f"cancel-{job.id}", icon=":material/cancel:"):
            client().cancel_job(job)
            changed(f"The job {job.id} was cancelled.")


def _traffic(service: answers.Service | None) -> None:
    if service is None:
        _no_service()
        return
    span = st.selectbox("Over", list(_HOURS), index=1, width=220)
    hours = _HOURS[span]
    buckets = read(Client.traffic, service.name, hours=hours, buckets=48)
    st.markdown(traffic_sentence(buckets, hours))
    if not anything(buckets):
        empty("There is no traffic to draw.", "Ask something on the page Predict; it shows here within a minute.")
        return
    rows = traffic_rows(buckets)
    chart_with_table(
        stacked_over_time(outcome_rows(buckets), "Since", "Inputs", "Outcome"),
        rows,
        f"Inputs put to {service.name}, by what became of them",
        note="Refused are inputs that could not be answered as they were; not answered are failures and overload.",
    )
    chart_with_table(
        over_time(latency_rows(buckets), "Since", "Milliseconds", "Percentile"),
        rows,
        f"How long answers of {service.name} take, in milliseconds",
        note="Half of the answers are faster than the median, 95 of 100 are faster than the other line.",
    )


def _quality(service: answers.Service | None) -> None:
    if service is None:
        _no_service()
        return
    live = read(Client.live, service.name, 200)
    if live.latest is None:
        empty(
            f"{service.name} was not measured in use yet.",
            "Once its champion has answered about a hundred inputs, its drift is measured; once people have "
            "corrected or confirmed answers, its accuracy.",
        )
        return
    latest = live.latest
    st.caption(
        f"Measured {ago(latest.created_at)} on the newest {latest.rows:,} answers of version {latest.version}."
    )
    st.markdown(accuracy_sentence(latest))
    for sentence in drift_sentences(latest.figures):
        st.markdown(sentence)
    if rows := drift_rows(latest.figures):
        table(rows, "Drift since training")
    if mix := label_mix_rows(latest.figures):
        caption = "Share of each label among the answers, at training and now"
        chart_with_table(beside(mix, "Label", "Share", "When"), mix, caption)
    if len(live.history) > 1:
        history = figures_over_time(live.history)
        caption = f"Accuracy and drift of {service.name} over time"
        chart_with_table(over_time(history, "Measured", "Value", "Figure"), measurement_rows(live.history), caption)


def _alerts(_service: answers.Service | None) -> None:
    alerts = read(Client.alerts, n=200)
    pressing = [alert for alert in alerts if alert.state is not AlertState.RESOLVED]
    if not alerts:
        empty(
            "There was never an alert.", "One opens here by itself where a requirement is not met for long enough."
        )
        return
    if not pressing:
        st.success("No alert is open.", icon=":material/check_circle:")
    for alert in pressing:
        _draw_alert(alert)
    over = [alert for alert in alerts if alert.state is AlertState.RESOLVED]
    if over:
        st.subheader("Resolved", anchor=False)
        table(alert_rows(over), "Resolved alerts, newest first")


def _draw_alert(alert: live_answers.Alert) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(alert_title(alert))}**")
        st.markdown(plain(alert.detail[:1].upper() + alert.detail[1:]))
        st.caption(f"{plain(alert_figure(alert))} Since {moment(alert.since)}.")
        if alert.acknowledged_at is not None:
            who = plain(alert.acknowledged_by or "somebody")
            st.caption(f":material/visibility: {who} knows of it, since {moment(alert.acknowledged_at)}.")
        elif alert.state is AlertState.OPEN:
            _acknowledge(alert.id)


def _acknowledge(alert_id: str) -> None:
    if not allowed(Role.EDITOR, "Acknowledging an alert"):
        return
    if st.button("I know of it", key=f"acknowledge-{alert_id}", icon=":material/visibility:"):
        client().acknowledge(alert_id)
        changed("The alert is acknowledged: nobody is reminded of it any more.")


def _health(_service: answers.Service | None) -> None:
    ready = client().ready()
    with st.container(horizontal=True, vertical_alignment="center"):
        status_badge("ready" if ready else "degraded")
        st.markdown("Every champion answers." if ready else "Some service has no champion that answers.")
    services = read(Client.services).services
    table(
        [
            {
                "Service": service.name,
                "State": service.state,
                "Champion": "none" if service.champion is None else f"version {service.champion}",
                "Problem": service.problem or "",
            }
            for service in services
        ],
        "Services and their state",
    )
    for service in services:
        _remedy(service)


def _remedy(service: answers.Service) -> None:
    if service.state == "untrained":
        st.info(
            f"{service.name} has no champion yet: train it, or promote a version, on the page Models.",
            icon=":material/hourglass_empty:",
        )
    elif service.problem:
        st.warning(plain(f"{service.name}: {service.problem}"), icon=":material/warning:")


def _events(_service: answers.Service | None) -> None:
    if not allowed(Role.ADMIN, "Reading who changed what"):
        return
    with st.container(horizontal=True):
        actor = st.text_input("Who", placeholder="a name", width=220).strip()
        action = st.text_input("What", placeholder="promote, say", width=220).strip()
    filters = {name: value for name, value in (("actor", actor), ("action", action)) if value}
    pager = Pager("events", filters)
    events = read(Client.events, _PAGE, before=pager.before, **filters)
    if not events:
        empty(
            "Nothing is noted here.",
            "Promotions, uploads, trainings and changes of accounts are, once there are any.",
        )
        return
    table(event_rows(events), "Who changed what, newest first")
    pager.draw(events[-1].id if len(events) == _PAGE else None)


def _no_service() -> None:
    empty("This project has no service.", "Describe one in winnow.toml, then start Winnow again.")


with errors():
    draw()
