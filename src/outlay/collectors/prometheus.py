"""Prometheus: GPU readings through its query API, and straight from exporters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from outlay.collectors.base import Batch, Collector, SourceDown
from outlay.collectors.settings import Entry, Secret
from outlay.errors import SettingsError
from outlay.facts import Reject, Sample
from outlay.sources.gpu_series import METRICS, SeriesBook
from outlay.sources.openmetrics import gather_lines
from outlay.sources.record import BadRow

if TYPE_CHECKING:
    import httpx

#: Prometheus gives at most this many moments of a series in one answer.
_MOST_STEPS = 11_000
#: One answer is asked for at most so long a time: a month of a large cluster at once would be gigabytes.
_MOST_S = 6 * 3600
_TIMEOUT_S = 30.0
#: An answer larger than this is not read.
_MOST_BYTES = 256 << 20
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Door:
    """How a server is asked. `token`: sent as a bearer; `user` and `password`: basic; `ca`: a file of certificates."""

    url: str
    token: Secret | None = None
    user: str = ""
    password: Secret | None = None
    ca: str = ""

    @classmethod
    def of(cls, entry: Entry) -> Door:
        """The keys `url`, `token`, `user`, `password` and `ca` of an entry. Raises `SettingsError`."""
        url = entry.text("url").rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"{url!r} is not an address", where=f"{entry.where}.url",
                                hint="For example http://prometheus:9090")
        user = entry.text("user") if "user" in entry.values else ""
        return cls(url, entry.secret("token"), user, entry.secret("password"),
                   str(entry.path("ca")) if "ca" in entry.values else "")

    def client(self) -> httpx.Client:
        """A client that is let in. Raises `SettingsError` where a secret is not there."""
        import ssl

        import httpx

        headers = {"Authorization": f"Bearer {self.token.read()}"} if self.token else {}
        auth = httpx.BasicAuth(self.user, self.password.read()) if self.user and self.password else None
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=self.ca) if self.ca else True
        return httpx.Client(timeout=_TIMEOUT_S, headers=headers, auth=auth, verify=verify)

    def get(self, client: httpx.Client, path: str, parameters: dict[str, str | float]) -> bytes:
        """The body of an answer of 200. Raises `SourceDown`."""
        import httpx

        where = f"{self.url}{path}"
        try:
            with client.stream("GET", where, params=parameters) as answer:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise SourceDown(f"answers with more than {_MOST_BYTES >> 20} MiB", where=where,
                                         hint="Ask for less: a longer step, or a narrower match.")
        except httpx.HTTPError as error:
            raise SourceDown(f"cannot be reached: {error or type(error).__name__}", where=where,
                             hint="It is asked again.") from error
        if answer.status_code != 200:
            raise SourceDown(f"answers with {answer.status_code}: {bytes(body[:200]).decode(errors='replace').strip()}",
                             where=where, hint="Check the address and what lets us in." if answer.status_code in
                             (401, 403, 404) else "It is asked again.")
        return bytes(body)


class PrometheusQuery(Collector):
    """GPU readings that a Prometheus server has, through its query API.

        collectors:
          - {kind: prometheus_query, name: north, url: "http://prometheus:9090", step: 60s, back_fill: 7d}

    It asks for the metrics of dcgm-exporter (`DCGM_FI_...`, as [the source `dcgm`](sources.md#dcgm) reads them) from
    where it came to, up to now less `delay` (30s), at every `step` (60s), every `every` (60s). The first time it goes
    `back_fill` (7d) back; what it missed while it did not run, or while Prometheus was down, it asks for later. Long
    times are asked for in pieces, and each piece is kept before the next one is asked for.

    `match` narrows the series (`'cluster="north"'`). `token`, or `user` and `password`, let it in: secrets by name,
    `{env: NAME}` or `{file: path}`; `ca` is a file of certificates to trust.

    **It cannot know** what Prometheus did not scrape. Readings of the same GPU from another source do not double its
    hours.
    """

    code = "prometheus_query"
    title = "GPU readings from a Prometheus server (query API, with back-fill)"

    def __init__(
        self, name: str, door: Door, *, step_s: int = 60, every_s: float = 60.0, back_fill_s: float = 7 * 86400,
        delay_s: float = 30.0, match: str = "",
    ) -> None:
        self.name = name
        self.every_s = every_s
        self._door = door
        self._step_s = step_s
        self._back_fill_s = back_fill_s
        self._delay_s = delay_s
        names = "|".join(sorted(METRICS))
        self._query = f'{{__name__=~"{names}"{f",{match}" if match else ""}}}'

    @classmethod
    def from_settings(cls, entry: Entry) -> PrometheusQuery:
        entry.only("url", "token", "user", "password", "ca", "step", "every", "back_fill", "delay", "match")
        step = entry.seconds("step", "60s", 1)
        if step != int(step):
            raise SettingsError("must be whole seconds", where=f"{entry.where}.step")
        return cls(
            entry.name, Door.of(entry), step_s=int(step), every_s=entry.seconds("every", "60s"),
            back_fill_s=entry.seconds("back_fill", "7d"), delay_s=entry.seconds("delay", "30s"),
            match=entry.text("match") if "match" in entry.values else "")

    def collect(self, cursor: str | None, now: datetime) -> Iterator[Batch]:
        step = self._step_s
        first = datetime.fromisoformat(cursor) if cursor else now - timedelta(seconds=self._back_fill_s)
        begin = _seconds(first) // step * step + (step if cursor else 0)
        end = (_seconds(now) - int(self._delay_s)) // step * step
        length = min(_MOST_STEPS - 1, max(1, _MOST_S // step)) * step
        with self._door.client() as client:
            while begin <= end:
                until = min(begin + length, end)
                yield self._asked(client, begin, until)
                begin = until + step

    def _asked(self, client: httpx.Client, begin: int, until: int) -> Batch:
        body = self._door.get(client, "/api/v1/query_range", {
            "query": self._query, "start": begin, "end": until, "step": self._step_s})
        book, rejects = SeriesBook(), []
        for labels, values in _matrix(body, self._door.url):
            texts = {str(name): str(value) for name, value in labels.items()}
            try:
                series = book.series(texts.get("__name__", ""), texts)
                for moment, value in values if series is not None else ():
                    assert series is not None
                    series.add(round(float(moment) * 1000), float(value))
            except BadRow as bad:
                rejects.append(bad.reject(None, texts.get("instance", "")))
            except (TypeError, ValueError):
                rejects.append(Reject(None, texts.get("__name__", ""), "is not a pair of time and value"))
        moment = _EPOCH + timedelta(seconds=until)
        facts = tuple(replace(sample, seconds=float(self._step_s)) for sample in book.samples())
        return Batch(facts, moment.isoformat(), tuple(rejects), moment)


class PrometheusScrape(Collector):
    """GPU readings straight from exporters, where no Prometheus keeps them.

        collectors:
          - {kind: prometheus_scrape, name: gpu-hosts, targets: ["http://gpu-01:9400/metrics"], every: 15s}

    It reads what each target shows, every `every` (15s): the metrics of dcgm-exporter. A reading stands for the time
    up to the next one. Targets that are down are named, and the others are read all the same; what they would have
    shown in the meantime is not known to anyone. `token`, `user`, `password` and `ca` let it in, as for
    [`prometheus_query`](#prometheus_query).
    """

    code = "prometheus_scrape"
    title = "GPU readings straight from dcgm-exporters"

    def __init__(self, name: str, doors: tuple[Door, ...], *, every_s: float = 15.0) -> None:
        self.name = name
        self.every_s = every_s
        self._doors = doors

    @classmethod
    def from_settings(cls, entry: Entry) -> PrometheusScrape:
        entry.only("targets", "token", "user", "password", "ca", "every")
        targets = entry.texts("targets")
        if not targets:
            raise SettingsError("names no target", where=f"{entry.where}.targets",
                                hint="For example [http://gpu-01:9400/metrics]")
        doors = tuple(Door.of(replace(entry, values={**entry.values, "url": target})) for target in targets)
        return cls(entry.name, doors, every_s=entry.seconds("every", "15s", 1))

    def collect(self, cursor: str | None, now: datetime) -> Iterator[Batch]:
        down: list[SourceDown] = []
        for door in self._doors:
            try:
                with door.client() as client:
                    text = door.get(client, "", {})
            except SourceDown as error:
                down.append(error)
                continue
            facts, rejects = self._read(text, door.url, now)
            yield Batch(facts, None, rejects, now)
        if down:
            raise SourceDown(f"{len(down)} of {len(self._doors)} targets are down; {down[0].message}",
                             where=down[0].where, hint=down[0].hint)

    def _read(self, text: bytes, url: str, now: datetime) -> tuple[tuple[Sample, ...], tuple[Reject, ...]]:
        book = SeriesBook()
        host = url.split("//", 1)[1].split("/", 1)[0]
        lines = enumerate(text.decode("utf-8", "replace").splitlines(), start=1)
        moment = round(now.replace(tzinfo=UTC).timestamp() * 1000)
        rejects = tuple(gather_lines(lines, book, moment, {"instance": host}))
        return tuple(replace(sample, seconds=self.every_s) for sample in book.samples()), rejects


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _matrix(body: bytes, url: str) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Labels and values of every series of an answer. Raises `SourceDown` where it is none."""
    import json

    try:
        answer = json.loads(body)
        if answer["status"] != "success":
            raise SourceDown(f"says: {str(answer.get('error', 'no success'))[:200]}", where=url)
        for series in answer["data"]["result"]:
            yield dict(series["metric"]), list(series["values"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceDown("does not answer as Prometheus does", where=url,
                         hint="Check the address: it is that of Prometheus itself, without a path.") from error
