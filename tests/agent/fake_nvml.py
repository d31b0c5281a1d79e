"""FakeNvml: stands in for the module `pynvml`, with as many functions of it as the agent uses. It drives no hardware.

It answers as the real one does: handles are opaque, what a device does not support raises `NVMLError` with NVML's
numbers, processes and memory are objects with NVML's field names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


class NVMLError(Exception):
    """As pynvml's: `value` is NVML's number."""

    def __init__(self, value: int) -> None:
        super().__init__({1: "Uninitialized", 3: "Not Supported", 9: "Driver Not Loaded", 10: "Timeout",
                          15: "GPU is lost"}.get(value, f"error {value}"))
        self.value = value


NOT_SUPPORTED, DRIVER_NOT_LOADED, TIMEOUT, GPU_IS_LOST = 3, 9, 10, 15


@dataclass
class FakeGpu:
    """What the fake says of a device. `holders`: pid and bytes. `slices`: number, memory used and holders of each."""

    uuid: str
    util: int = 40
    used: int = 20 << 30
    total: int = 80 << 30
    watts: float = 350.0
    holders: list[tuple[int, int | None]] = field(default_factory=list)
    slices: list[tuple[int, int, list[tuple[int, int | None]]]] = field(default_factory=list)
    throttle: int = 0
    ecc: int = 0
    hopper: bool = True
    lost: bool = False
    energy: int = 10**9


class FakeNvml:
    """The module. `time_us` goes on by 200 ms with every look at the driver's samples."""

    NVMLError = NVMLError
    NVML_GPM_METRICS_GET_VERSION = 1
    nvmlMemory_v2 = 0x02000028

    def __init__(self, *gpus: FakeGpu, driver: bool = True, xids: list[tuple[int, int]] | None = None) -> None:
        self.gpus = list(gpus)
        self.driver = driver
        #: Index of the device, and number.
        self.xids = xids or []
        self.time_us = 10**15
        self.calls = 0

    def _gpu(self, handle: Any) -> FakeGpu:
        self.calls += 1
        gpu = self.gpus[handle[0]]
        if gpu.lost:
            raise NVMLError(GPU_IS_LOST)
        return gpu

    def nvmlInit(self) -> None:
        if not self.driver:
            raise NVMLError(DRIVER_NOT_LOADED)

    def nvmlShutdown(self) -> None:
        self.calls += 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> tuple[int, int | None]:
        return index, None

    def nvmlDeviceGetUUID(self, handle: Any) -> str:
        return self._gpu(handle).uuid

    def nvmlDeviceGetName(self, handle: Any) -> str:
        self._gpu(handle)
        return "NVIDIA H100 80GB HBM3"

    def nvmlDeviceGetTemperature(self, handle: Any, sensor: int) -> int:
        self._gpu(handle)
        return 61

    def nvmlDeviceGetClockInfo(self, handle: Any, clock: int) -> int:
        self._gpu(handle)
        return 1980

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: Any) -> int:
        return self._gpu(handle).throttle

    def nvmlDeviceGetTotalEccErrors(self, handle: Any, kind: int, counter: int) -> int:
        return self._gpu(handle).ecc

    def nvmlDeviceGetMigMode(self, handle: Any) -> list[int]:
        return [int(bool(self._gpu(handle).slices))] * 2

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Any) -> int:
        self._gpu(handle)
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Any, place: int) -> tuple[int, int]:
        if place >= len(self._gpu(handle).slices):
            raise NVMLError(6)  # not found
        return handle[0], place

    def nvmlDeviceGetGpuInstanceId(self, handle: Any) -> int:
        return self._gpu(handle).slices[handle[1]][0]

    def nvmlDeviceGetMemoryInfo(self, handle: Any, version: int | None = None) -> SimpleNamespace:
        gpu = self._gpu(handle)
        if version and not gpu.hopper:
            raise NVMLError(NOT_SUPPORTED)
        if handle[1] is None:
            return SimpleNamespace(used=gpu.used, total=gpu.total + (1 << 29), free=gpu.total - gpu.used)
        used = gpu.slices[handle[1]][1]
        return SimpleNamespace(used=used, total=gpu.total // 7, free=gpu.total // 7 - used)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> list[SimpleNamespace]:
        gpu = self._gpu(handle)
        holders = gpu.holders if handle[1] is None else gpu.slices[handle[1]][2]
        return [SimpleNamespace(pid=pid, usedGpuMemory=memory) for pid, memory in holders]

    def nvmlDeviceGetSamples(self, handle: Any, kind: int, since_us: int) -> tuple[int, list[SimpleNamespace]]:
        gpu = self._gpu(handle)
        self.time_us += 200_000
        return 1, [SimpleNamespace(timeStamp=self.time_us - back, sampleValue=SimpleNamespace(uiVal=gpu.util + swing))
                   for back, swing in ((150_000, -10), (0, 10)) if self.time_us - back > since_us]

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> SimpleNamespace:
        return SimpleNamespace(gpu=self._gpu(handle).util, memory=0)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any) -> int:
        gpu = self._gpu(handle)
        if not gpu.hopper:
            raise NVMLError(NOT_SUPPORTED)
        gpu.energy += 1
        return gpu.energy

    def nvmlDeviceGetPowerUsage(self, handle: Any) -> int:
        return round(self._gpu(handle).watts * 1000)

    def nvmlGpmQueryDeviceSupport(self, handle: Any) -> SimpleNamespace:
        return SimpleNamespace(isSupportedDevice=int(self._gpu(handle).hopper))

    def nvmlGpmSampleAlloc(self) -> SimpleNamespace:
        return SimpleNamespace(of=None)

    def nvmlGpmSampleFree(self, sample: SimpleNamespace) -> None:
        sample.of = "freed"

    def nvmlGpmSampleGet(self, handle: Any, sample: SimpleNamespace) -> None:
        sample.of = self._gpu(handle)

    def nvmlGpmMigSampleGet(self, handle: Any, instance: int, sample: SimpleNamespace) -> None:
        sample.of = self._gpu(handle)

    def c_nvmlGpmMetricsGet_t(self) -> SimpleNamespace:
        return SimpleNamespace(metrics=[SimpleNamespace(metricId=0, nvmlReturn=0, value=0.0)])

    def nvmlGpmMetricsGet(self, asked: SimpleNamespace) -> None:
        assert asked.metrics[0].metricId == 2 and "freed" not in (asked.sample1.of, asked.sample2.of)
        asked.metrics[0].value = asked.sample2.of.util / 2

    def nvmlEventSetCreate(self) -> str:
        return "events"

    def nvmlDeviceRegisterEvents(self, handle: Any, kinds: int, events: str) -> None:
        self._gpu(handle)

    def nvmlEventSetWait_v2(self, events: str, timeout_ms: int) -> SimpleNamespace:
        if not self.xids:
            raise NVMLError(TIMEOUT)
        index, number = self.xids.pop(0)
        return SimpleNamespace(device=(index, None), eventType=8, eventData=number)
