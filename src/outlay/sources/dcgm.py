"""Readings of NVIDIA GPUs, as dcgm-exporter gives them to Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from outlay.errors import FileError
from outlay.facts import Fact, Notice, Reject, Sample
from outlay.sources.base import RowSource
from outlay.sources.gpu_series import SeriesBook
from outlay.sources.inputfile import InputFile
from outlay.sources.openmetrics import gather_text
from outlay.sources.prometheus_json import gather_json

_TEXT = re.compile(r'^(?:# (?:TYPE|HELP|UNIT) )?DCGM_FI_\w+[ {]|^\{[^\n]*\b__name__="DCGM_FI_', re.MULTILINE)
_JSON_PATHS = frozenset({"data.resultType", "data.result.metric.__name__"})


class Dcgm(RowSource):
    """What NVIDIA GPUs did, moment by moment: the metrics of dcgm-exporter, from Prometheus.

    **Get it** from Prometheus' API; a step of 60 seconds is fine enough for costs. All metrics in one answer, or the
    answers one after another in one file: the metrics of a GPU at a moment make one sample.

        curl -sG http://prometheus:9090/api/v1/query_range --data-urlencode 'query={__name__=~"DCGM_FI_DEV_GPU_UTIL|\\
        DCGM_FI_PROF_SM_ACTIVE|DCGM_FI_DEV_FB_USED|DCGM_FI_DEV_FB_FREE|DCGM_FI_DEV_POWER_USAGE"}' \\
          -d start=2026-05-01T00:00:00Z -d end=2026-05-08T00:00:00Z -d step=60 > gpu.json

    (write the query on one line; Prometheus gives at most 11,000 steps an answer), or from its store:
    `promtool tsdb dump-openmetrics --match='{__name__=~"DCGM_FI_.*"}' DIR > gpu.om` (before 2.49: `tsdb dump`).

    **It gives** a sample for each GPU and moment: utilisation (`DCGM_FI_DEV_GPU_UTIL`, else
    `DCGM_FI_PROF_GR_ENGINE_ACTIVE`), SM activity (`DCGM_FI_PROF_SM_ACTIVE`), memory (`DCGM_FI_DEV_FB_USED`, `_FREE`)
    and power (`DCGM_FI_DEV_POWER_USAGE`), with host, model, job (`hpc_job`, else the pod) and other labels as tags. A
    reading stands until the next one; where more than five steps are missing it stands for one step, and the gap is
    reported. A slice of a partitioned GPU (MIG) is a device of its own.

    **It cannot know** whose the GPU was where the exporter has no job or pod labels (runs on the same host say it),
    and nothing about moments at which nobody scraped. DCGM's marks for "not supported" are no readings.
    """

    code: ClassVar[str] = "dcgm"
    title: ClassVar[str] = "DCGM-exporter series (Prometheus query JSON or OpenMetrics text)"
    facts: ClassVar[tuple[type[Fact], ...]] = (Sample,)

    def recognises(self, file: InputFile) -> bool:
        try:
            if file.json_paths:
                return file.json_paths >= _JSON_PATHS and "DCGM_FI_" in file.text
            return _TEXT.search(file.text) is not None
        except FileError:
            return False

    def read(self, file: InputFile) -> Iterator[Fact | Reject | Notice]:
        book = SeriesBook()
        yield from gather_json(file, book) if file.json_paths else gather_text(file, book)
        yield from book.samples()
        yield from book.notices()
