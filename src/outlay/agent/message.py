"""A reading as OpenTelemetry metrics: DCGM's names for what DCGM has, so that any receiver of them understands it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from outlay import __version__
from outlay.agent.reading import Device, HostRun, Owner, Reading
from outlay.sources.otlp_metrics import DROPPED, RUN, TAG

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

_Value = tuple[str, str, float | None]


def message(reading: Reading) -> ExportMetricsServiceRequest:
    """The request that carries it."""
    request, metrics = _request(reading.node, reading.pool)
    since, until = _nanoseconds(reading.since), _nanoseconds(reading.until)
    for device, owner in reading.devices:
        labels = _labels(device, owner)
        for name, unit, value in _values(device):
            if value is not None:
                _point(metrics, name, unit, value, labels, until, since)
    for run in reading.runs:
        _point(metrics, RUN, "{gpu}", float(run.gpus), _run_labels(run, reading.node), until)
    return request


def dropped(node: str, count: int, at: datetime) -> ExportMetricsServiceRequest:
    """Says that `count` readings are lost, so that the server shows it."""
    request, metrics = _request(node, "")
    _point(metrics, DROPPED, "{reading}", float(count), {"host.name": node}, _nanoseconds(at))
    return request


def _values(device: Device) -> Iterator[_Value]:
    used, total = device.memory_used_mb, device.memory_total_mb
    yield "DCGM_FI_DEV_GPU_UTIL", "%", device.util
    yield "DCGM_FI_PROF_SM_ACTIVE", "1", None if device.sm_active is None else device.sm_active / 100
    yield "DCGM_FI_DEV_FB_USED", "MiBy", used
    yield "DCGM_FI_DEV_FB_FREE", "MiBy", None if used is None or total is None else total - used
    yield "DCGM_FI_DEV_POWER_USAGE", "W", device.power_w
    yield "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "mJ", device.energy_mj
    yield "DCGM_FI_DEV_GPU_TEMP", "Cel", device.temperature_c
    yield "DCGM_FI_DEV_SM_CLOCK", "MHz", device.sm_clock_mhz
    yield "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "{error}", device.ecc_errors
    yield "DCGM_FI_DEV_XID_ERRORS", "1", device.xids[-1] if device.xids else None


def _labels(device: Device, owner: Owner) -> dict[str, str]:
    labels = {"UUID": device.uuid, "gpu": str(device.index), "modelName": device.name}
    if device.instance is not None:
        labels["GPU_I_ID"] = str(device.instance)
    said = {
        "user": owner.user, "command": owner.command, "throttle": ",".join(device.throttle),
        "xid": ",".join(map(str, device.xids)), "ecc_errors": str(device.ecc_errors or ""),
    }
    if owner.run_id is not None:
        labels["outlay.run_id"] = owner.run_id
    return labels | {f"{TAG}{name}": value for name, value in said.items() if value}


def _run_labels(run: HostRun, node: str) -> dict[str, str]:
    labels = {
        "outlay.run_id": run.run_id, "outlay.scheduler": f"local/{node}", "process.owner": run.user,
        "process.executable.name": run.name, "outlay.run.started": run.started.isoformat(),
    }
    return labels | ({"outlay.run.ended": run.ended.isoformat()} if run.ended else {})


def _request(node: str, pool: str) -> tuple[ExportMetricsServiceRequest, Any]:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    said = {"service.name": "outlay-agent", "service.version": __version__, "host.name": node,
            **({"outlay.pool": pool} if pool else {})}
    _attributes(resource.resource.attributes, said)
    scope = resource.scope_metrics.add()
    scope.scope.name = "outlay.agent"
    return request, scope.metrics


def _point(
    metrics: Any, name: str, unit: str, value: float, labels: Mapping[str, str], time: int, start: int = 0
) -> None:
    metric = next((each for each in metrics if each.name == name), None)
    if metric is None:
        metric = metrics.add()
        metric.name, metric.unit = name, unit
    point = metric.gauge.data_points.add()
    point.time_unix_nano, point.start_time_unix_nano, point.as_double = time, start, value
    _attributes(point.attributes, labels)


def _attributes(target: Any, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        entry = target.add()
        entry.key = key
        entry.value.string_value = value


def _nanoseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000) * 1000
