"""Which GPU of the Slurm cluster is held when, so that no two jobs share one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from outlay.sample.scenario import INTERVALS, Node

if TYPE_CHECKING:
    import numpy as np

Places = tuple[tuple[Node, tuple[int, ...]], ...]


class Board:
    """Occupancy of every GPU over the month, in intervals."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        import numpy as np

        self.nodes = {node.name: node for node in nodes}
        self._held: dict[str, np.ndarray] = {
            node.name: np.zeros((node.instance.gpus, INTERVALS), dtype=bool) for node in nodes
        }

    def take(self, names: Iterable[str], gpus: int, start: int, end: int | None) -> Places | None:
        """`gpus` of the first of the named nodes that has them free all the while, or None."""
        last = INTERVALS if end is None else end
        for name in names:
            held = self._held[name][:, start:last].sum(axis=1).tolist()
            free = [gpu for gpu, intervals in enumerate(held) if not intervals]
            if len(free) >= gpus:
                chosen = tuple(free[:gpus])
                self._held[name][list(chosen), start:last] = True
                return ((self.nodes[name], chosen),)
        return None

    def must_take(self, names: Iterable[str], gpus: int, start: int, end: int | None) -> Places:
        """As `take`, for what the scenario is built on. Raises `ValueError` where the plan does not fit."""
        names = tuple(names)
        if (places := self.take(names, gpus, start, end)) is None:
            raise ValueError(f"no room for {gpus} GPUs on {', '.join(names)} from interval {start}")
        return places

    def held(self, name: str) -> np.ndarray:
        """Number of held GPUs of a node by interval."""
        held: np.ndarray = self._held[name].sum(axis=0)
        return held
