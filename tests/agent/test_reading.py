"""What is read of a host: every device with its numbers, whose it is, and never a secret of a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fake_host import BOOT, FakeHost
from fake_nvml import FakeGpu, FakeNvml

from outlay.agent.belonging import HostRuns, belonging
from outlay.agent.message import message
from outlay.agent.nvml import NoGpus, Nvml
from outlay.agent.processes import Processes
from outlay.agent.reading import Device, HostRun, Reading
from outlay.agent.work import Reader, once, remember, remembered
from outlay.facts import Run, Sample
from outlay.sources import otlp_wire

NOW = BOOT + timedelta(days=1)
POD = "0::/kubepods.slice/kubepods-burstable-pod3f2c1a9e_1111_4222_8333_abcdefabcdef.slice/cri-containerd-{}.scope"
CONTAINER = "c0ffee" + "0" * 58


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "proc")


def reader(nvml: FakeNvml, host: FakeHost, runs: HostRuns | None = None) -> Reader:
    moments: Iterator[datetime] = (NOW + timedelta(seconds=15 * turn) for turn in range(1000))
    return Reader(Nvml(nvml), Processes(host.root, lambda uid: "ana"), node="gpu-01", pool="north", every_s=15,
                  clock=lambda: next(moments), runs=runs)


def facts(reading: Reading) -> list[Sample | Run]:
    """What the server makes of it."""
    received = otlp_wire.metrics(message(reading).SerializeToString(), as_json=False)
    assert not received.rejects
    return [fact for fact in received.facts if isinstance(fact, (Sample, Run))]


def read(nvml: FakeNvml, host: FakeHost) -> Reading:
    return once(reader(nvml, host), lambda seconds: None)


def test_a_reading_becomes_the_sample_that_dcgm_would_give(host: FakeHost) -> None:
    found = facts(read(FakeNvml(FakeGpu("GPU-a", util=60, hopper=False)), host))
    assert found == [Sample(
        time=NOW, seconds=15.0, node="gpu-01", device="GPU-a", gpu_type="NVIDIA H100 80GB HBM3", pool="north",
        util=60.0, mem_used_mb=20480.0, mem_total_mb=81920.0, power_w=350.0)]


def test_what_only_newer_devices_say(host: FakeHost) -> None:
    reading = read(FakeNvml(FakeGpu("GPU-a", util=60)), host)
    ((device, _),) = reading.devices
    assert (device.sm_active, device.temperature_c, device.sm_clock_mhz) == (30.0, 61, 1980)
    assert device.power_w is not None and device.power_w < 350, "of the energy counter, not of the moment"
    (sample,) = facts(reading)
    assert isinstance(sample, Sample) and sample.sm_active == 30.0


def test_slices_are_devices_of_their_own(host: FakeHost) -> None:
    gpu = FakeGpu("GPU-a", slices=[(1, 5 << 30, []), (2, 0, [])])
    found = facts(read(FakeNvml(gpu), host))
    assert [(sample.device, sample.util, sample.sm_active, sample.mem_used_mb) for sample in found
            if isinstance(sample, Sample)] == [("GPU-a/1", None, 20.0, 5120.0), ("GPU-a/2", None, 20.0, 0.0)]


def test_faults_of_a_device_are_told_once_each(host: FakeHost) -> None:
    fake = FakeNvml(FakeGpu("GPU-a", throttle=0x40 | 0x01, ecc=2), FakeGpu("GPU-b"))
    reads = reader(fake, host)
    assert reads.read() is None
    fake.xids.append((0, 79))
    first, second = reads.read(), reads.read()
    assert first is not None and second is not None
    assert [dict(fact.tags) for fact in facts(first)] == [
        {"throttle": "hw_thermal", "ecc_errors": "2", "xid": "79"}, {}]
    assert "xid" not in facts(second)[0].tags


def test_a_device_that_is_lost_does_not_hide_the_others(host: FakeHost) -> None:
    fake = FakeNvml(FakeGpu("GPU-a", lost=True), FakeGpu("GPU-b"))
    assert [device.uuid for device, _ in read(fake, host).devices] == ["GPU-b"]
    fake.gpus[1].lost = True
    with pytest.raises(NoGpus, match="no device answers"):
        reader(fake, host).read()


def test_errors_name_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoGpus) as no_driver:
        Nvml(FakeNvml(driver=False))
    assert "nvidia-smi" in no_driver.value.hint
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NoGpus) as no_library:
        Nvml()
    assert "outlay[agent]" in no_library.value.hint


def test_after_a_gap_nothing_is_said_of_the_time_in_between(host: FakeHost) -> None:
    moments = iter([NOW, NOW + timedelta(seconds=15), NOW + timedelta(hours=2), NOW + timedelta(hours=1),
                    NOW + timedelta(hours=1, seconds=15)])
    reads = Reader(Nvml(FakeNvml(FakeGpu("GPU-a"))), Processes(host.root), node="n", pool="", every_s=15,
                   clock=lambda: next(moments))
    assert [(found := reads.read()) and found.since for _ in range(5)] == [
        None, NOW, None, None, NOW + timedelta(hours=1)]


def device(index: int, *holders: tuple[int, int | None]) -> FakeGpu:
    return FakeGpu(f"GPU-{index}", holders=list(holders))


def test_whose_a_device_is(host: FakeHost) -> None:
    host.begin(10, "python3", cgroup="0::/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0")
    host.begin(11, "python3", cgroup="0::/x", SLURM_JOB_ID="99", SLURM_ARRAY_JOB_ID="90", SLURM_ARRAY_TASK_ID="3")
    host.begin(12, "vllm", cgroup=POD.format(CONTAINER))
    host.begin(13, "python3", cgroup="0::/y", OUTLAY_RUN_ID="sweep-7", SLURM_JOB_ID="98")
    host.begin(14, "small")
    fake = FakeNvml(device(0, (10, 1 << 30)), device(1, (11, None)), device(2, (12, 1 << 30)), device(3, (13, 1 << 30)),
                    device(4, (14, 1 << 20), (10, 2 << 20)), device(5, (999, 1 << 30)), device(6))
    found = [fact for fact in facts(read(fake, host)) if isinstance(fact, Sample)]
    assert [sample.run_id for sample in found] == [
        "4711", "90_3", "3f2c1a9e-1111-4222-8333-abcdefabcdef", "sweep-7", "4711", None, None]
    assert dict(found[2].tags) == {"user": "ana", "command": "vllm"}


def test_a_device_that_a_job_was_given_is_its_own_though_it_lies_idle(host: FakeHost) -> None:
    host.begin(10, "bash", SLURM_JOB_ID="4711", SLURM_JOB_GPUS="0-1,3")
    host.begin(11, "sleep", cgroup=POD.format(CONTAINER), NVIDIA_VISIBLE_DEVICES="GPU-2")
    host.begin(12, "tool", NVIDIA_VISIBLE_DEVICES="all")
    fake = FakeNvml(*(device(index) for index in range(5)))
    assert [owner.run_id for _, owner in read(fake, host).devices] == [
        "4711", "4711", "3f2c1a9e-1111-4222-8333-abcdefabcdef", "4711", None]


def test_work_without_a_scheduler_is_a_run_of_the_host(host: FakeHost) -> None:
    host.begin(20, "bash")
    host.begin(21, "torchrun", parent=20)
    for pid in (22, 23):
        host.begin(pid, "python3", parent=21)
    host.begin(24, "python3", parent=20)
    host.begin(25, "server", cgroup=f"0::/system.slice/docker-{CONTAINER}.scope")
    fake = FakeNvml(device(0, (22, 1)), device(1, (23, 1)), device(2, (24, 1)), device(3, (25, 1)))
    seconds = int((BOOT - datetime(1970, 1, 1)).total_seconds()) + 3600
    runs = {run.run_id: run for run in facts(read(fake, host)) if isinstance(run, Run)}
    assert {name: (run.name, run.gpus, run.nodes, run.user) for name, run in runs.items()} == {
        f"gpu-01/21-{seconds}": ("torchrun", 2, "gpu-01", "ana"),
        f"gpu-01/24-{seconds}": ("python3", 1, "gpu-01", "ana"), "c0ffee000000": ("server", 1, "gpu-01", "ana")}
    one = runs["c0ffee000000"]
    assert (one.scheduler, one.state, one.started) == ("local/gpu-01", "running", BOOT + timedelta(hours=1))


def test_a_run_of_the_host_ends_when_it_is_not_there_any_more(host: FakeHost, tmp_path: Path) -> None:
    host.begin(30, "python3")
    fake = FakeNvml(device(0, (30, 1)))
    reads = reader(fake, host)
    reads.read()
    assert reads.read() is not None
    remember(tmp_path, reads.runs)
    fake.gpus[0].holders.clear()
    host.end(30)
    after = reader(fake, host, remembered(tmp_path))  # an agent that was started again
    after.read()
    (ended,) = [fact for fact in facts(after.read() or pytest.fail("no reading")) if isinstance(fact, Run)]
    assert (ended.state, ended.ended) == (None, NOW + timedelta(seconds=15))
    assert not [fact for fact in facts(after.read() or pytest.fail("no reading")) if isinstance(fact, Run)]


def test_a_damaged_memory_of_runs_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text('[{"run_id": 1}]')
    assert remembered(tmp_path).seen == ()


def test_a_number_that_is_given_again_is_another_process(host: FakeHost) -> None:
    processes = Processes(host.root, lambda uid: "ana")
    host.begin(40, "first", OUTLAY_RUN_ID="a")
    assert (processes.one(40, NOW) or pytest.fail()).run_id == "a"
    host.end(40)
    assert processes.one(40, NOW) is None
    host.begin(40, "second", after_s=7200, OUTLAY_RUN_ID="b")
    assert (processes.one(40, NOW) or pytest.fail()).run_id == "b"


def test_no_secret_and_no_argument_is_sent(host: FakeHost) -> None:
    host.begin(50, "evil (name) 1 2", OUTLAY_RUN_ID="r" * 5000)
    sent = message(read(FakeNvml(device(0, (50, 1))), host)).SerializeToString()
    assert b"evil (name) 1 2" in sent
    for secret in (b"sk-secret", b"hunter2", b"OPENAI", b"r" * 201):
        assert secret not in sent


def test_belonging_of_nothing() -> None:
    devices = [Device(uuid="GPU-a", index=0, name="x")]
    found = belonging(devices, Processes(), "n", NOW)
    assert [owner.run_id for owner in found.owners] == [None] and found.runs == ()


def test_the_most_devices_of_a_run_stay(tmp_path: Path) -> None:
    run = HostRun(run_id="r", name="n", user="u", started=NOW, gpus=4)
    runs = HostRuns()
    runs.now([run], NOW)
    (later,) = runs.now([HostRun(run_id="r", name="n", user="u", started=NOW, gpus=1)], NOW)
    assert later.gpus == 4


def test_the_fake_has_what_the_real_module_has() -> None:
    """Same names, same numbers of arguments; the constants that the agent writes as numbers are the module's."""
    import inspect

    import pynvml

    from outlay.agent import nvml

    def arguments(function: object) -> int:
        return len([name for name in inspect.signature(function).parameters if name != "self"])  # type: ignore[arg-type]

    used = [name for name in dir(FakeNvml) if name.startswith("nvml") and callable(getattr(FakeNvml, name))]
    assert len(used) > 20
    decorated = {"nvmlDeviceGetName", "nvmlDeviceGetUUID"}  # their wrappers take anything
    for name in used:
        assert hasattr(pynvml, name), name
        assert name in decorated or arguments(getattr(FakeNvml, name)) == arguments(getattr(pynvml, name)), name
    written = (nvml._UNCORRECTED, nvml._VOLATILE, nvml._UTIL_SAMPLES, nvml._CLOCK_SM, nvml._TEMPERATURE_GPU,
               nvml._GPM_SM, nvml._XID_EVENT, nvml._TIMEOUT)
    assert written == (
        pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC, pynvml.NVML_GPU_UTILIZATION_SAMPLES,
        pynvml.NVML_CLOCK_SM, pynvml.NVML_TEMPERATURE_GPU, pynvml.NVML_GPM_METRIC_SM_UTIL,
        pynvml.nvmlEventTypeXidCriticalError, pynvml.NVML_ERROR_TIMEOUT)
    assert nvml._LOST == (pynvml.NVML_ERROR_UNINITIALIZED, pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
                          pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED)
    reasons = nvml._THROTTLE
    assert reasons == {
        pynvml.nvmlClocksThrottleReasonSwPowerCap: "power_cap",
        pynvml.nvmlClocksThrottleReasonHwSlowdown: "hw_slowdown",
        pynvml.nvmlClocksThrottleReasonSwThermalSlowdown: "sw_thermal",
        pynvml.nvmlClocksThrottleReasonHwThermalSlowdown: "hw_thermal",
        pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown: "power_brake"}
    assert FakeNvml.nvmlMemory_v2 == pynvml.nvmlMemory_v2


def test_the_real_library_where_there_is_no_driver() -> None:
    """On a host with a GPU it reads it."""
    try:
        with Nvml() as real:
            assert all(found.uuid for found in real.read())
    except NoGpus as error:
        assert "nvidia-smi" in error.hint
