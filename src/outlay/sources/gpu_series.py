"""Time series of DCGM metrics gathered, and merged into one sample for each accelerator and moment."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from outlay.facts import Notice, Sample
from outlay.sources.record import BadRow

#: A pause of more than so many steps is a gap: nothing is known of it, and no reading stands for it.
GAP_STEPS = 5
_EPOCH = datetime(1970, 1, 1)
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000  # 2000 and 2100
#: What DCGM writes for "not supported" and "not found": the last integers of 32 and 64 bits, and 2^47 for floats.
_BLANKS = ((2**31 - 16, 2**31), (2**47, 2**47 + 16), (2**63 - 4096, 2**63 + 4096))


@dataclass(frozen=True, slots=True)
class Metric:
    """A field of samples: its factor to the sample's unit, and the most that it can be in that unit."""

    field: str
    factor: float = 1
    most: float = 100


#: dcgm-exporter's metrics that are read. Profiling metrics are ratios, samples have percent.
METRICS = {
    "DCGM_FI_DEV_GPU_UTIL": Metric("util"),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": Metric("engine", 100),
    "DCGM_FI_PROF_SM_ACTIVE": Metric("sm_active", 100),
    "DCGM_FI_DEV_FB_USED": Metric("used", most=10**7),
    "DCGM_FI_DEV_FB_FREE": Metric("free", most=10**7),
    "DCGM_FI_DEV_FB_TOTAL": Metric("total", most=10**7),
    "DCGM_FI_DEV_POWER_USAGE": Metric("power", most=10**5),
}
#: Labels that say nothing worth attributing by.
_TECHNICAL = frozenset({
    "__name__", "gpu", "UUID", "uuid", "device", "modelName", "Hostname", "hostname", "instance", "job", "endpoint",
    "service", "pci_bus_id", "DCGM_FI_DRIVER_VERSION", "err_code", "err_msg", "prometheus", "hpc_job", "GPU_I_ID",
    "pool", "partition", "cluster", "nodename", "node", "kubernetes_node", "window", "metrics_path",
})
_EXPORTERS = ("dcgm-exporter", "nvidia-dcgm-exporter")


@dataclass(frozen=True, slots=True)
class Place:
    """What the labels of a series say: the accelerator, where it is, and who has it."""

    device: str
    node: str | None
    gpu_type: str | None
    pool: str | None
    run_id: str | None
    tags: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Series:
    """Readings of one metric at one place, in the order of time."""

    name: str
    metric: Metric
    place: Place
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, millisecond: int, value: float) -> None:
        """A reading. NaN (Prometheus marks the end of a series so) and DCGM's blanks are no readings.

        Raises `BadRow` where it cannot be, or comes before the reading that precedes it.
        """
        if value != value or any(low <= value < high for low, high in _BLANKS):
            return
        scaled = value * self.metric.factor
        if scaled < 0:
            raise BadRow(self.name, "is negative")
        if scaled > self.metric.most * 1.005:
            ratio = " (a ratio from 0 to 1 is expected)" if self.metric.factor != 1 else ""
            raise BadRow(self.name, f"is more than {self.metric.most / self.metric.factor:g}{ratio}")
        if not _FIRST_MS <= millisecond < _LAST_MS:
            raise BadRow("timestamp", "is a time before 2000 or after 2099")
        if self.times and millisecond < self.times[-1]:
            raise BadRow("timestamp", "is before that of the reading which precedes it")
        if self.times and millisecond == self.times[-1]:
            if self.values[-1] != min(scaled, self.metric.most):
                raise BadRow(self.name, "is another value for a moment that was already read")
            return
        self.times.append(millisecond)
        self.values.append(min(scaled, self.metric.most))


class SeriesBook:
    """All series of a file, 16 bytes a reading."""

    def __init__(self) -> None:
        self._devices: dict[str, dict[tuple[str, Place], Series]] = {}
        self._ignored: set[str] = set()
        self._gaps = 0
        self._gap_ms = 0

    def series(self, name: str, labels: Mapping[str, str]) -> Series | None:
        """The series of a metric with these labels; None where the metric is not one that is read.

        Raises `BadRow` where the labels name no accelerator.
        """
        metric = METRICS.get(name)
        if metric is None:
            self.ignore(name)
            return None
        place = place_of(labels)
        return self._devices.setdefault(place.device, {}).setdefault((name, place), Series(name, metric, place))

    def ignore(self, name: str) -> None:
        """Remembers a metric that is not read, for the notice."""
        self._ignored.add(name)

    def samples(self) -> Iterator[Sample]:
        """Samples by accelerator and time; the readings of an accelerator are let go once it has been given."""
        while self._devices:
            device = next(iter(self._devices))
            yield from self._device(self._devices.pop(device).values())

    def notices(self) -> Iterator[Notice]:
        """What was left out, and what is missing; call after `samples`."""
        if self._ignored:
            names = sorted(self._ignored)
            more = f" and {len(names) - 20} more" if len(names) > 20 else ""
            yield Notice(f"Metrics that are not read: {', '.join(names[:20])}{more}.")
        if self._gaps:
            hours = self._gap_ms / 3_600_000
            yield Notice(f"GPUs have {self._gaps} gaps without readings, {hours:,.1f} GPU-hours together.")

    def _device(self, all_series: Iterable[Series]) -> Iterator[Sample]:
        moments: dict[int, tuple[Place, dict[str, float]]] = {}
        for series in all_series:
            for moment, value in zip(series.times, series.values, strict=True):
                _, values = moments.setdefault(moment, (series.place, {}))
                values.setdefault(series.metric.field, value)
        times = sorted(moments)
        if not times:
            return
        pauses = [later - earlier for earlier, later in pairwise(times)]
        step = median_low(pauses) if pauses else None
        for moment, pause in zip(times, [*pauses, step], strict=True):
            if step is not None and pause is not None and pause > GAP_STEPS * step:
                self._gaps, self._gap_ms = self._gaps + 1, self._gap_ms + pause - step
                pause = step
            yield _sample(moment, pause, *moments[moment])


def _sample(moment: int, pause: int | None, place: Place, values: dict[str, float]) -> Sample:
    used, free = values.get("used"), values.get("free")
    summed = used + free if used is not None and free is not None else None
    return Sample(
        time=_EPOCH + timedelta(milliseconds=moment),
        seconds=None if pause is None else pause / 1000,
        node=place.node,
        device=place.device,
        gpu_type=place.gpu_type,
        pool=place.pool,
        util=values.get("util", values.get("engine")),
        sm_active=values.get("sm_active"),
        mem_used_mb=used,
        mem_total_mb=values.get("total", summed),
        power_w=values.get("power"),
        run_id=place.run_id,
        tags=dict(place.tags),
    )


def place_of(labels: Mapping[str, str]) -> Place:
    """Prometheus renames labels of the exporter that clash with its own to `exported_...`: those are the GPU's.

    Raises `BadRow` where neither UUID, nor host and index of the GPU are there.
    """
    own = {name: value for name, value in labels.items() if value and not name.startswith("exported_")}
    own |= {name.removeprefix("exported_"): value for name, value in labels.items()
            if value and name.startswith("exported_")}
    node = _first(own, "Hostname", "hostname", "nodename", "node", "kubernetes_node")
    node = node or own.get("instance", "").rpartition(":")[0] or own.get("instance") or None
    device = _first(own, "UUID", "uuid")
    index = _first(own, "gpu", "device")
    if device is None:
        if index is None or node is None:
            raise BadRow("labels", "name neither the UUID of a GPU nor its host and index")
        device = f"{node}:{index}"
    if instance := own.get("GPU_I_ID"):
        device = f"{device}/{instance}"  # a slice of a GPU that is partitioned (MIG)
    pod = own.pop("pod", None)
    if pod and not pod.startswith(_EXPORTERS):
        own["pod"] = pod
    elif pod:
        for name in ("namespace", "container"):
            own.pop(name, None)  # the exporter's own
    tags = tuple(sorted((name, value) for name, value in own.items() if name not in _TECHNICAL))
    run_id = _first(own, "hpc_job", "pod")
    return Place(device, node, own.get("modelName"), _first(own, "pool", "partition", "cluster"), run_id, tags)


def _first(labels: Mapping[str, str], *names: str) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)
