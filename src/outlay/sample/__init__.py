"""The sample month: a fictitious team's bills, logs and metrics as files, with planted waste of known dollars."""

from outlay.sample.write import SampleFiles, write_sample

__all__ = ["SampleFiles", "write_sample"]
