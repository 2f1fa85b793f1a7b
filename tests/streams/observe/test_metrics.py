"""Series follow the Prometheus guide, and probes tell the truth with a reason."""

import asyncio
import http.client
import re
import urllib.error
import urllib.request

import orjson
import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from detectors.errors import ConfigError
from streams.observe.health import Health, HealthServer, Heartbeat, Readiness
from streams.observe.metrics import Metrics
from streams.observe.mode_label import LABEL, shown_as
from streams.stages.dead_letters import MESSAGE_BYTES, dead_letter

OURS = "hydrawatch_"
IDENTIFIERS = {"account", "account_id", "org", "org_id", "key", "value", "campaign", "event_id"}


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_every_series_has_the_prefix_base_units_and_a_help_text() -> None:
    metrics = Metrics()
    for family in metrics.registry.collect():
        if not family.name.startswith(OURS):
            assert family.name.startswith(("process_", "python_"))
            continue
        assert re.fullmatch(r"[a-z_]+", family.name)
        assert family.documentation
        assert not re.search(r"_(ms|minutes|hours|days|mb|kb)(_|$)", family.name)


def test_no_label_can_hold_what_an_attacker_chooses() -> None:
    for metric in vars(Metrics()).values():
        assert not IDENTIFIERS & set(getattr(metric, "_labelnames", ()))


def test_two_registries_in_one_process_do_not_meet() -> None:
    one, other = Metrics(), Metrics()
    one.events.labels("accepted").inc(3)
    assert other.registry.get_sample_value("hydrawatch_events_total", {"outcome": "accepted"}) == 0


def test_what_runs_is_told_by_version_and_digest() -> None:
    metrics = Metrics()
    metrics.describe("0.1.0", "sha256:3f1a")
    text = generate_latest(metrics.registry).decode()
    assert 'hydrawatch_config_info{digest="sha256:3f1a"} 1.0' in text
    assert 'hydrawatch_build_info{python="' in text


def some_metrics() -> Metrics:
    metrics = Metrics()
    metrics.describe("0.1.0", "sha256:3f1a")
    metrics.batch.labels("accounts").observe(0.1)
    metrics.alerts.labels("account", "high", "verify", "open", "shadow").inc()
    return metrics


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_a_shadow_worker_says_so_in_every_series_and_changes_nothing_else(accept: str) -> None:
    registry = some_metrics().registry
    parse = openmetrics_families if accept else text_string_to_metric_families
    shown = []
    for mode in ("live", "shadow"):
        health = Health(shown_as(mode, registry), Readiness(), Heartbeat())
        status, _, body = health.answer("/metrics", accept)
        assert status == 200
        shown.append(list(parse(body.decode())))
    live, shadow = shown
    assert [(f.name, f.type, f.documentation) for f in live] == [
        (f.name, f.type, f.documentation) for f in shadow
    ]
    names = [
        [(sample.name, sample.labels) for family in families for sample in family.samples]
        for families in shown
    ]
    assert {name.partition("_")[0] for name, _ in names[0]} == {"hydrawatch", "process", "python"}
    assert [(name, {**labels, "worker_mode": "shadow"}) for name, labels in names[0]] == names[1]


def test_a_scrape_as_a_shadow_leaves_no_mark_on_the_series_themselves() -> None:
    registry = some_metrics().registry
    before = [sample.labels for family in registry.collect() for sample in family.samples]
    generate_latest(shown_as("shadow", registry))
    after = [sample.labels for family in registry.collect() for sample in family.samples]
    assert after == before


def test_no_series_has_a_label_that_the_mark_of_a_shadow_worker_would_hide() -> None:
    families = some_metrics().registry.collect()
    assert not [f.name for f in families for s in f.samples if LABEL in s.labels]
    for metric in vars(Metrics()).values():
        assert LABEL not in getattr(metric, "_labelnames", ())


def test_readiness_names_every_reason_and_ends_when_none_is_left() -> None:
    readiness = Readiness(start="starting")
    server = HealthServer(Health(Metrics().registry, readiness, Heartbeat()), port=0)
    with server:
        readiness.wait_for("recovery", "recovering: 40 %")
        status, body = get(f"{server.url}/readyz")
        assert status == 503
        assert orjson.loads(body)["reasons"] == {
            "start": "starting",
            "recovery": "recovering: 40 %",
        }
        readiness.done("start")
        readiness.done("recovery")
        assert get(f"{server.url}/readyz") == (200, b'{"status":"ok","reasons":{}}\n')


def test_a_note_is_said_by_a_worker_that_is_ready() -> None:
    readiness = Readiness()
    with HealthServer(Health(Metrics().registry, readiness, Heartbeat()), port=0) as server:
        readiness.note({"volume": "raised ValueError for 1 account"})
        status, body = get(f"{server.url}/readyz")
        assert status == 200
        assert orjson.loads(body) == {
            "status": "ok",
            "reasons": {},
            "notes": {"volume": "raised ValueError for 1 account"},
        }
        readiness.note({})
        assert get(f"{server.url}/readyz") == (200, b'{"status":"ok","reasons":{}}\n')


def test_a_stalled_event_loop_is_seen_from_outside_it() -> None:
    now = [100.0]
    heartbeat = Heartbeat(clock=lambda: now[0])
    with HealthServer(
        Health(Metrics().registry, Readiness(), heartbeat, stalled_s=30), port=0
    ) as server:
        assert get(f"{server.url}/livez")[0] == 200
        now[0] += 31
        status, body = get(f"{server.url}/livez")
        assert status == 503
        assert "no turn for 31 s" in orjson.loads(body)["reasons"]["event_loop"]
        heartbeat.beat()
        assert get(f"{server.url}/livez")[0] == 200


async def test_the_heartbeat_beats_as_long_as_the_loop_turns() -> None:
    now = [0.0]
    heartbeat = Heartbeat(clock=lambda: now[0])
    task = asyncio.create_task(heartbeat.run())
    now[0] = 50.0
    await asyncio.sleep(0)
    assert heartbeat.age_s() == 0
    task.cancel()


def test_metrics_are_served_and_other_paths_are_not() -> None:
    metrics = Metrics()
    metrics.events.labels("accepted").inc(7)
    with HealthServer(Health(metrics.registry, Readiness(), Heartbeat()), port=0) as server:
        status, body = get(f"{server.url}/metrics")
        assert status == 200
        samples = {
            (sample.name, sample.labels.get("outcome")): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }
        assert samples["hydrawatch_events_total", "accepted"] == 7
        assert get(f"{server.url}/secrets")[0] == 404
        assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("path", "status"), [("/metrics", 200), ("/livez", 200), ("/readyz", 503), ("/secrets", 404)]
)
def test_head_is_answered_as_get_is_without_a_body(path: str, status: int) -> None:
    health = Health(Metrics().registry, Readiness(topics="waiting"), Heartbeat())
    with HealthServer(health, port=0) as server:
        found = {}
        for method in ("GET", "HEAD"):
            link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
            link.request(method, path)
            answer = link.getresponse()
            body = answer.read()
            found[method] = (answer.status, answer.getheader("Content-Type"))
            assert bool(body) is (method == "GET")
            assert int(answer.getheader("Content-Length") or 0) > 0
            link.close()
        assert found["HEAD"] == found["GET"]
        assert found["HEAD"][0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "ODD"])
def test_another_method_is_told_which_are_answered(method: str) -> None:
    health = Health(Metrics().registry, Readiness(), Heartbeat())
    with HealthServer(health, port=0) as server:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        link.request(method, "/livez")
        answer = link.getresponse()
        assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD")
        link.close()


def test_a_port_that_is_taken_is_an_error_with_the_mend() -> None:
    with HealthServer(Health(Metrics().registry, Readiness(), Heartbeat()), port=0) as first:
        second = HealthServer(Health(Metrics().registry, Readiness(), Heartbeat()), port=first.port)
        with pytest.raises(ConfigError, match="or 0 for any free"):
            second.start()


def test_a_dead_letter_is_the_record_unchanged_with_the_reason_in_headers() -> None:
    letter = dead_letter(
        b"a-1",
        b"\xff not json",
        topic="hydrawatch.requests.v1",
        partition=3,
        offset=2**40,
        stage="receiving",
        error="not_json",
        message="ü" * MESSAGE_BYTES + "\ud800",
    )
    assert (letter.key, letter.value) == (b"a-1", b"\xff not json")
    headers = dict(letter.headers)
    assert headers["hydrawatch.error.offset"] == b"1099511627776"
    assert headers["hydrawatch.error.class"] == b"not_json"
    message = headers["hydrawatch.error.message"]
    assert len(message) <= MESSAGE_BYTES
    assert message.decode()  # cut between characters, never within one
    assert dead_letter(
        None, None, topic="t", partition=0, offset=0, stage="receiving", error="e", message=""
    )[:2] == (None, None)
