"""One name for each accelerator, whatever DCGM, Slurm, a cloud or a person calls it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Gpu:
    """`memory_gb` and `form` (SXM, PCIE, NVL) are None where the name does not say and the family does not imply."""

    family: str
    memory_gb: int | None = None
    form: str | None = None

    def __str__(self) -> str:
        memory = f"{self.memory_gb}GB" if self.memory_gb is not None else None
        return " ".join(part for part in (self.family, memory, self.form) if part)

    def may_be(self, other: Gpu) -> bool:
        """Whether the two could be the same accelerator; what one does not say does not count."""
        return (
            self.family == other.family
            and (None in (self.memory_gb, other.memory_gb) or self.memory_gb == other.memory_gb)
            and (None in (self.form, other.form) or self.form == other.form)
        )


#: Patterns over the name in capitals with blanks between the words; the first that is found counts.
_FAMILIES: tuple[tuple[str, str], ...] = (
    (r"RTX ?PRO ?6000", "RTX PRO 6000"), (r"RTX ?6000 ADA", "RTX 6000 ADA"), (r"QUADRO RTX ?6000", "QUADRO RTX 6000"),
    (r"(?:RTX )?A6000", "A6000"), (r"(?:RTX )?A5000", "A5000"), (r"(?:RTX )?A4000", "A4000"),
    *((rf"(?:RTX )?{number}", f"RTX {number}") for number in ("5090", "4090", "3090")),
    *((rf"{name}X?", name) for name in ("GB300", "GB200", "GH200", "B300", "B200", "H200", "H100", "H800", "H20")),
    *((name, name) for name in ("A100X", "A100", "A800", "A40", "A30", "A16", "A10G", "A10", "L40S", "L40", "L4")),
    *((name, name) for name in ("V100", "P100", "P40", "P4", "T4G", "T4", "K80", "M60")),
    *((name, name) for name in ("MI355X", "MI350X", "MI325X", "MI300X", "MI250X", "MI250", "MI210")),
    ("TRAINIUM ?2|TRN2", "Trainium2"), ("TRAINIUM|TRN1N?", "Trainium"), ("INFERENTIA ?2|INF2", "Inferentia2"),
    ("GAUDI ?3", "Gaudi3"), ("GAUDI ?2", "Gaudi2"), ("GAUDI", "Gaudi"),
)  # fmt: skip
_COMPILED = tuple((re.compile(rf"(?<![A-Z0-9])(?:{pattern})(?![A-Z0-9])"), family) for pattern, family in _FAMILIES)
#: The sizes that a family was sold in; a single one need not be said, and another number is no memory size.
_MEMORY: dict[str, tuple[int, ...]] = {"A100": (40, 80), "V100": (16, 32), "H100": (80, 94, 96, 64), "P100": (12, 16)}
_SXM = re.compile(r"(?<![A-Z0-9])(?:SXM\d?|HBM3|HGX)(?![A-Z0-9])")
_MIG = re.compile(r"(?<![A-Z0-9])(?:MIG|\d+G ?\d+GB)(?![A-Z0-9])")


@lru_cache(maxsize=10_000)
def gpu(name: str) -> Gpu | None:
    """The accelerator that a name means: `NVIDIA H100 80GB HBM3`, `NVIDIA-A100-SXM4-80GB`, `a100_80gb`, `H100`.

    None where the name is not known, and for a slice of a GPU (MIG), whose hour is not a GPU-hour.
    """
    words = re.sub(r"[\s_\-./:()]+", " ", name.upper()).strip()
    if _MIG.search(words):
        return None
    family = next((family for pattern, family in _COMPILED if pattern.search(words)), None)
    if family is None:
        return None
    form = "NVL" if re.search(r"\bNVL\b", words) and family == "H100" else None
    form = form or ("PCIE" if re.search(r"\bPCIE\b", words) else "SXM" if _SXM.search(words) else None)
    sizes = [int(size) for size in re.findall(r"(?<![A-Z0-9])(\d+) ?GB?(?![A-Z0-9])", words)]
    memory = next((size for size in sizes if size in _MEMORY.get(family, ())), None)
    if family == "H100":
        memory = memory or (94 if form == "NVL" else 80 if form is not None else None)
    return Gpu(family, memory, form if family in _MEMORY else None)
