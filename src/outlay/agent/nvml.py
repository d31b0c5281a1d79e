"""Accelerators as NVML, the NVIDIA driver's own library, tells of them. `Nvml` is all that knows the library."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from statistics import fmean
from typing import Any

from outlay.agent.reading import Device, Held
from outlay.errors import OutlayError

_LOG = logging.getLogger("outlay.agent")
_MIB = 1 << 20
#: Bits of the reasons for lower clocks that cost work, by NVML's documentation; idle and set clocks are none.
_THROTTLE = {0x04: "power_cap", 0x08: "hw_slowdown", 0x20: "sw_thermal", 0x40: "hw_thermal", 0x80: "power_brake"}
_XID_EVENT = 0x8
#: NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC, NVML_GPU_UTILIZATION_SAMPLES, NVML_CLOCK_SM,
#: NVML_TEMPERATURE_GPU, NVML_GPM_METRIC_SM_UTIL
_UNCORRECTED, _VOLATILE, _UTIL_SAMPLES, _CLOCK_SM, _TEMPERATURE_GPU, _GPM_SM = 1, 0, 1, 1, 0, 2
#: NVML_ERROR_UNINITIALIZED, _DRIVER_NOT_LOADED, _GPU_IS_LOST, _RESET_REQUIRED: nothing that is asked further is
#: answered.
_LOST = (1, 9, 15, 16)
_TIMEOUT = 10


class NoGpus(OutlayError):
    """There is no library, no driver, or no device that answers."""

    code = "no_gpus"


@dataclass(slots=True)
class _Before:
    """What was read of a device last: the driver's own times and counters go on from it."""

    sampled_us: int = 0
    energy_mj: float | None = None
    at: float = 0.0
    gpm: Any = None


class Nvml:
    """The accelerators of this host. Close it, or use it in `with`."""

    def __init__(self, library: Any = None) -> None:
        """Raises `NoGpus` where there is no library, or no driver."""
        self._lib = library or _library()
        try:
            self._lib.nvmlInit()
        except self._lib.NVMLError as error:
            raise NoGpus(f"NVML does not start: {error}", hint=(
                "The NVIDIA driver is not loaded on this host, or this process may not use it: nvidia-smi says more.")
            ) from error
        self._before: dict[str, _Before] = defaultdict(_Before)
        self._said: set[str] = set()
        self._events = self._watch_errors()

    def close(self) -> None:
        try:
            self._lib.nvmlShutdown()
        except self._lib.NVMLError as error:
            _LOG.warning("NVML does not end well: %s", error)

    def __enter__(self) -> Nvml:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> tuple[Device, ...]:
        """Every device; one that does not answer is left out, and said once. Raises `NoGpus` where none answers."""
        errors = self._errors()
        found: list[Device] = []
        try:
            count = self._lib.nvmlDeviceGetCount()
        except self._lib.NVMLError as error:
            raise NoGpus(f"NVML does not answer: {error}", hint="nvidia-smi says more.") from error
        for index in range(count):
            try:
                found += self._device(index, errors)
            except self._lib.NVMLError as error:
                self._once(f"device {index} does not answer: {error}")
        if not found:
            raise NoGpus("no device answers" if count else "the driver knows no device", hint="nvidia-smi says more.")
        return tuple(found)

    def _device(self, index: int, errors: dict[str, list[int]]) -> Iterator[Device]:
        handle = self._lib.nvmlDeviceGetHandleByIndex(index)
        uuid, name = self._lib.nvmlDeviceGetUUID(handle), self._lib.nvmlDeviceGetName(handle)
        before = self._before[uuid]
        now = time.monotonic()
        reasons = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle) or 0
        whole = Device(
            uuid=uuid, index=index, name=name, xids=tuple(errors.get(uuid, ())),
            throttle=tuple(text for bit, text in _THROTTLE.items() if reasons & bit),
            temperature_c=self._ask("nvmlDeviceGetTemperature", handle, _TEMPERATURE_GPU),
            sm_clock_mhz=self._ask("nvmlDeviceGetClockInfo", handle, _CLOCK_SM),
            ecc_errors=self._ask("nvmlDeviceGetTotalEccErrors", handle, _UNCORRECTED, _VOLATILE))
        if (mode := self._ask("nvmlDeviceGetMigMode", handle)) and mode[0]:
            yield from self._slices(handle, whole)
            return
        energy = self._ask("nvmlDeviceGetTotalEnergyConsumption", handle)
        yield replace(
            self._used(handle, whole), util=self._util(handle, before), energy_mj=energy,
            power_w=self._power(handle, before, energy, now), sm_active=self._sm_active(before, handle))
        before.energy_mj, before.at = energy, now

    def _slices(self, parent: Any, whole: Device) -> Iterator[Device]:
        """The slices of a partitioned device. The driver says nothing of their utilisation, but on Hopper and later of
        the activity of their multiprocessors."""
        for place in range(self._ask("nvmlDeviceGetMaxMigDeviceCount", parent) or 0):
            handle = self._ask("nvmlDeviceGetMigDeviceHandleByIndex", parent, place)
            number = None if handle is None else self._ask("nvmlDeviceGetGpuInstanceId", handle)
            if handle is None or number is None:
                continue
            before = self._before[f"{whole.uuid}/{number}"]
            yield replace(self._used(handle, whole), instance=number, sm_active=self._sm_active(before, parent, number))

    def _used(self, handle: Any, device: Device) -> Device:
        """The device with its memory, and what holds it."""
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses", handle) or ()
        held = tuple(Held(each.pid, None if each.usedGpuMemory is None else each.usedGpuMemory / _MIB)
                     for each in processes)
        # The second version leaves out what the driver reserves for itself, as DCGM does.
        memory = (self._ask("nvmlDeviceGetMemoryInfo", handle, self._lib.nvmlMemory_v2)
                  or self._ask("nvmlDeviceGetMemoryInfo", handle))
        if memory is None:
            return replace(device, held=held)
        return replace(device, held=held, memory_used_mb=memory.used / _MIB,
                       memory_total_mb=(memory.used + memory.free) / _MIB)

    def _util(self, handle: Any, before: _Before) -> float | None:
        """The mean of what the driver sampled by itself since the last reading; else what it says of this moment."""
        samples = self._ask("nvmlDeviceGetSamples", handle, _UTIL_SAMPLES, before.sampled_us)
        fresh = [sample for sample in samples[1] if sample.timeStamp > before.sampled_us] if samples else []
        if fresh:
            before.sampled_us = max(sample.timeStamp for sample in fresh)
            return min(100.0, fmean(sample.sampleValue.uiVal for sample in fresh))
        rates = self._ask("nvmlDeviceGetUtilizationRates", handle)
        return None if rates is None else float(rates.gpu)

    def _power(self, handle: Any, before: _Before, energy: float | None, now: float) -> float | None:
        """Watts: of the energy that was used since the last reading, else as of this moment."""
        if energy is not None and before.energy_mj is not None and energy >= before.energy_mj and now > before.at:
            return (energy - before.energy_mj) / 1000 / (now - before.at)
        milliwatts = self._ask("nvmlDeviceGetPowerUsage", handle)
        return None if milliwatts is None else float(milliwatts) / 1000

    def _sm_active(self, before: _Before, handle: Any, instance: int | None = None) -> float | None:
        """Percent of the multiprocessors that were busy since the last reading; Hopper and later say so."""
        lib = self._lib
        support = self._ask("nvmlGpmQueryDeviceSupport", handle)
        if support is None or not support.isSupportedDevice:
            return None
        try:
            sample = lib.nvmlGpmSampleAlloc()
            if instance is None:
                lib.nvmlGpmSampleGet(handle, sample)
            else:
                lib.nvmlGpmMigSampleGet(handle, instance, sample)
            earlier, before.gpm = before.gpm, sample
            if earlier is None:
                return None
            asked = lib.c_nvmlGpmMetricsGet_t()
            asked.version, asked.numMetrics = lib.NVML_GPM_METRICS_GET_VERSION, 1
            asked.sample1, asked.sample2 = earlier, sample
            asked.metrics[0].metricId = _GPM_SM
            lib.nvmlGpmMetricsGet(asked)
            lib.nvmlGpmSampleFree(earlier)
        except lib.NVMLError as error:
            self._once(f"the activity of multiprocessors cannot be read: {error}")
            return None
        value = float(asked.metrics[0].value)
        return value if asked.metrics[0].nvmlReturn == 0 and 0 <= value <= 100 else None

    def _watch_errors(self) -> Any:
        """Has the driver gather its errors (Xid) for us; None where it does not."""
        events = self._ask("nvmlEventSetCreate")
        for index in range(self._ask("nvmlDeviceGetCount") or 0) if events is not None else ():
            try:
                self._lib.nvmlDeviceRegisterEvents(self._lib.nvmlDeviceGetHandleByIndex(index), _XID_EVENT, events)
            except self._lib.NVMLError as error:
                self._once(f"the errors of device {index} cannot be watched: {error}")
        return events

    def _errors(self) -> dict[str, list[int]]:
        """Xids since the last reading, by UUID. A device that is lost raises one, and then has no UUID any more."""
        found: dict[str, list[int]] = {}
        try:
            while self._events is not None:
                event = self._lib.nvmlEventSetWait_v2(self._events, 1)
                _LOG.warning("the driver reports an event: Xid %d", event.eventData)
                found.setdefault(self._lib.nvmlDeviceGetUUID(event.device), []).append(int(event.eventData))
        except self._lib.NVMLError as error:
            if error.value != _TIMEOUT:
                self._once(f"errors of the driver cannot be told to their device: {error}")
        return found

    def _ask(self, name: str, *arguments: Any) -> Any:
        """What NVML says; None where this device, driver or user gets no answer. Raises `NVMLError` of a lost one."""
        try:
            return getattr(self._lib, name)(*arguments)
        except self._lib.NVMLError as error:
            if error.value in _LOST:
                raise
            return None

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _LOG.warning("%s", text)


def _library() -> Any:
    try:
        return import_module("pynvml")
    except ImportError as error:
        raise NoGpus("nvidia-ml-py is not installed", where="outlay agent",
                     hint="It comes with the extra: pip install 'outlay[agent]'") from error
