"""Prometheus: a real one where there is one, scraping a fake exporter; and what a server may answer instead."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fake_exporter import FakeExporter

from outlay.collectors.base import Batch, SourceDown
from outlay.collectors.prometheus import Door, PrometheusQuery, PrometheusScrape
from outlay.collectors.registry import collectors
from outlay.collectors.settings import Secret, parse_entries
from outlay.errors import SettingsError
from outlay.facts import Sample

needs_prometheus = pytest.mark.skipif(
    not shutil.which("prometheus"), reason="needs prometheus: the Debian package prometheus is not installed")


def utc() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Prometheus:
    """A real one, with a store and a port of its own."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: gpus\n"
            f"  static_configs: [{{targets: ['{target}']}}]\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder / 'prometheus.yml'}",
                 f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}",
                 "--storage.tsdb.retention.time=30d"], stdout=log, stderr=log)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/-/ready").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


@pytest.fixture
def exporter() -> Iterator[FakeExporter]:
    with FakeExporter() as fake:
        yield fake


@pytest.fixture
def prometheus(tmp_path: Path, exporter: FakeExporter) -> Iterator[Prometheus]:
    made = Prometheus(tmp_path, f"127.0.0.1:{exporter.port}")
    try:
        yield made
    finally:
        made.stop()


def samples(batches: list[Batch]) -> list[Sample]:
    return [fact for batch in batches for fact in batch.facts if isinstance(fact, Sample)]


def wait_for_samples(collector: PrometheusQuery, cursor: str | None, count: int) -> list[Batch]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = list(collector.collect(cursor, utc()))
        if len(samples(found)) >= count:
            return found
        time.sleep(0.5)
    raise AssertionError("Prometheus has no readings")


@needs_prometheus
def test_a_real_prometheus_is_read_on_and_on(prometheus: Prometheus, exporter: FakeExporter) -> None:
    prometheus.start()
    collector = PrometheusQuery("p", Door(prometheus.url), step_s=1, back_fill_s=60, delay_s=0)
    first = wait_for_samples(collector, None, 6)
    sample = samples(first)[0]
    assert (sample.device, sample.node, sample.run_id, sample.seconds) == ("GPU-fake-0", "gpu-01", "77", 1.0)
    assert (sample.util, sample.mem_used_mb, sample.mem_total_mb) == (50.0, 1000.0, 81000.0)
    cursor = first[-1].cursor
    later = wait_for_samples(collector, cursor, 4)
    seen = [(each.device, each.time) for each in samples([*first, *later])]
    assert len(seen) == len(set(seen)), "nothing twice"
    prometheus.stop()
    with pytest.raises(SourceDown, match="cannot be reached"):
        list(collector.collect(later[-1].cursor, utc() + timedelta(seconds=9)))
    prometheus.start()
    again = wait_for_samples(collector, later[-1].cursor, 2)
    assert min(each.time for each in samples(again)) > datetime.fromisoformat(later[-1].cursor or "")


@needs_prometheus
def test_what_prometheus_has_of_before_is_filled_in(prometheus: Prometheus, tmp_path: Path) -> None:
    # Prometheus answers from blocks of the past only where they lie before what it holds in memory.
    end = int(time.time()) // 60 * 60 - 6 * 3600
    lines = ["# TYPE DCGM_FI_DEV_GPU_UTIL gauge"]
    lines += [f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-old",Hostname="gpu-09"}} {30 + minute % 5} {end + 60 * minute}'
              for minute in range(-20 * 60, 0)]
    (tmp_path / "old.om").write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "old.om"),
                    str(tmp_path / "data")], check=True, stdout=subprocess.DEVNULL)
    prometheus.start()
    collector = PrometheusQuery("p", Door(prometheus.url), step_s=60, back_fill_s=2 * 86400)
    batches = list(collector.collect(None, utc()))
    assert len(batches) > 4, "long times are asked for in pieces"
    old = [each for each in samples(batches) if each.device == "GPU-old"]
    assert len({each.time for each in old}) == len(old)
    assert 20 * 60 <= len(old) <= 20 * 60 + 6  # the last reading holds for the five minutes that Prometheus looks back


def test_an_exporter_is_read_as_it_is(exporter: FakeExporter) -> None:
    collector = PrometheusScrape("s", (Door(exporter.url),), every_s=15)
    now = utc()
    (batch,) = collector.collect(None, now)
    assert [(each.device, each.util, each.seconds) for each in samples([batch])] == [
        ("GPU-fake-0", 50.0, 15.0), ("GPU-fake-1", 51.0, 15.0)]
    assert abs(samples([batch])[0].time - now) < timedelta(milliseconds=1)
    assert batch.until == now


def test_a_target_that_is_down_does_not_stop_the_others(exporter: FakeExporter) -> None:
    collector = PrometheusScrape("s", (Door("http://127.0.0.1:9/metrics"), Door(exporter.url)), every_s=15)
    found: list[Batch] = []
    with pytest.raises(SourceDown, match="1 of 2 targets are down"):
        found.extend(collector.collect(None, utc()))
    assert exporter.asked == 1


@pytest.mark.parametrize(("status", "body", "said"), [
    (500, b"oops", "answers with 500: oops"), (200, b"<html>", "does not answer as Prometheus does"),
    (200, b'{"status": "error", "error": "too many samples"}', "too many samples"),
    (200, b'{"status": "success", "data": {"result": [{"metric": 1}]}}', "does not answer as"),
    (401, b"", "answers with 401"),
])
def test_what_else_a_server_may_answer(exporter: FakeExporter, status: int, body: bytes, said: str) -> None:
    exporter.status, exporter.body = status, body
    collector = PrometheusQuery("p", Door(f"http://127.0.0.1:{exporter.port}"), back_fill_s=600)
    with pytest.raises(SourceDown, match=said):
        list(collector.collect(None, utc()))


def test_bad_readings_are_rejected_and_the_others_kept(exporter: FakeExporter) -> None:
    exporter.body = exporter.text().replace("} 51.0", "} 300").replace('UUID="GPU-fake-0",', "").encode()
    (batch,) = PrometheusScrape("s", (Door(exporter.url),)).collect(None, utc())
    assert [reject.reason for reject in batch.rejects] == ["is more than 100"]
    assert {each.device for each in samples([batch])} == {"gpu-01:0", "GPU-fake-1"}


def test_secrets_let_it_in_and_are_never_shown(exporter: FakeExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_TOKEN", "s3cret")
    entries = parse_entries([{"kind": "prometheus_scrape", "targets": [exporter.url],
                              "token": {"env": "PROM_TOKEN"}}], "outlay.yaml", Path())
    (collector,) = collectors(entries)
    list(collector.collect(None, utc()))
    assert exporter.headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(entries) + repr(vars(collector))
    monkeypatch.delenv("PROM_TOKEN")
    with pytest.raises(SettingsError, match="holds no secret"):
        list(collector.collect(None, utc()))


@pytest.mark.parametrize(("entry", "said"), [
    ({"kind": "prometheus_query"}, "must be a text"),
    ({"kind": "prometheus_query", "url": "prom:9090"}, "is not an address"),
    ({"kind": "prometheus_query", "url": "http://p", "stepp": "1s"}, "unknown key 'stepp'"),
    ({"kind": "prometheus_query", "url": "http://p", "step": "0s"}, "is not a duration"),
    ({"kind": "prometheus_query", "url": "http://p", "token": "abc"}, "a secret is named"),
    ({"kind": "prometheus"}, "there is no collector 'prometheus'"), ({"url": "http://p"}, "has a kind"),
    ({"kind": "prometheus_scrape", "targets": []}, "names no target"), ("prometheus", "must be a mapping"),
])
def test_settings_that_are_wrong_say_where(entry: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        collectors(parse_entries([entry], "outlay.yaml", Path()))
    assert error.value.where.startswith("outlay.yaml: collectors[1]")


def test_two_collectors_of_one_name_are_refused() -> None:
    entry = {"kind": "prometheus_query", "name": "a", "url": "http://p"}
    with pytest.raises(SettingsError, match="another collector is called 'a'"):
        parse_entries([entry, entry], "outlay.yaml", Path())


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert Secret(file=tmp_path / "token").read() == "abc"
