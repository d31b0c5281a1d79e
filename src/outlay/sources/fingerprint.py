"""By what a file is known again: its bytes' hash, and what the file system says of it."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

from outlay.sources.inputfile import InputFile

#: File systems keep times in steps of up to two seconds (FAT): a file that was written later than this before it was
#: looked at could be written again without showing it.
_SETTLED_NS = 3_000_000_000


class Fingerprint:
    """A file's hash, computed beside whatever else is done with it. Use it as a context manager."""

    def __init__(self, file: InputFile) -> None:
        """Raises `FileError` where the file cannot be read, like all that follows."""
        self._file = file
        stat = file.stat
        self.size = stat.st_size
        settled = time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS
        #: The same for the same bytes; empty where the file is too young to tell.
        self.stamp = f"{stat.st_dev}:{stat.st_ino}:{stat.st_mtime_ns}:{stat.st_ctime_ns}" if settled else ""
        self._worker = ThreadPoolExecutor(1)
        self._digest: Future[str] | None = None

    def begin(self) -> Future[str]:
        """Computes the hash from now on."""
        if self._digest is None:
            self._digest = self._worker.submit(self._file.sha256)
        return self._digest

    @property
    def sha256(self) -> str:
        """Hexadecimal; waits until it is there."""
        return self.begin().result()

    def is_stamped(self, stamp: str) -> bool:
        """Whether this is the file that had the `stamp`, unchanged: then its bytes need not be read."""
        return bool(stamp) and stamp == self.stamp

    def __enter__(self) -> Fingerprint:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown(cancel_futures=True)
