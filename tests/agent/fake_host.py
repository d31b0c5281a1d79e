"""FakeHost: a folder that looks like /proc, with the processes that a test puts there.

Run as a program it is `outlay` on a host with a FakeNvml of eight devices: `python fake_host.py agent --server ...`.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_nvml import FakeGpu, FakeNvml

BOOT = datetime(2026, 9, 1)
_TICKS = os.sysconf("SC_CLK_TCK")


class FakeHost:
    """Processes under `root`; all belong to the user who runs the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        seconds = int((BOOT - datetime(1970, 1, 1)).total_seconds())
        (root / "stat").write_text(f"cpu 1 2 3\nbtime {seconds}\n")

    def begin(self, pid: int, command: str, *, parent: int = 1, after_s: int = 3600, cgroup: str = "0::/user.slice",
              **variables: str) -> int:
        folder = self.root / str(pid)
        folder.mkdir()
        rest = ["S", str(parent), *["0"] * 17, str(after_s * _TICKS), *["0"] * 30]
        (folder / "stat").write_text(f"{pid} ({command}) {' '.join(rest)}\n")
        (folder / "cgroup").write_text(f"{cgroup}\n")
        (folder / "cmdline").write_bytes(b"python\0--api-key\0hunter2\0")
        said = {"PATH": "/usr/bin", "OPENAI_API_KEY": "sk-secret", **variables}
        (folder / "environ").write_bytes(b"".join(f"{name}={value}\0".encode() for name, value in said.items()))
        return pid

    def end(self, pid: int) -> None:
        for file in (self.root / str(pid)).iterdir():
            file.unlink()
        (self.root / str(pid)).rmdir()


def eight() -> FakeNvml:
    """Eight devices; this process holds memory of the first two."""
    return FakeNvml(*(FakeGpu(f"GPU-{index:08x}-fake", util=10 + 10 * index,
                              holders=[(os.getpid(), 8 << 30)] if index < 2 else []) for index in range(8)))


if __name__ == "__main__":
    sys.modules["pynvml"] = eight()  # type: ignore[assignment]
    from outlay.cli.main import main

    main()
