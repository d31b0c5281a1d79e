"""Assessments made by hand for the tests of every face: a rich one with awkward names, an empty one, a large one.

Figures are invented, but they add up as the accounting's do: breakdowns to the spend, findings to the saving.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from outlay.accounting.assessment import (
    Assessment,
    Breakdown,
    Counted,
    Drift,
    Gap,
    Gpu,
    GpuPart,
    Heatmap,
    Line,
    OutputCost,
    QuickQuestion,
    Suggestion,
    TrendDay,
    Untagged,
)
from outlay.facts.finding import Claim, Confidence, Finding
from outlay.facts.window import Window

WINDOW = Window(datetime(2026, 8, 1), datetime(2026, 8, 31))
HOSTILE = "<script>alert('x')</script>&\"quoted\""
TERMINAL_ESCAPE = "run-\x1b[31mred\x07"
WIDE_NAME = "実験-評価-七"
LONG_NAME = "sft-70b-lr-sweep-with-a-name-that-somebody-let-a-script-write-2026-08-14T02-10-33Z-attempt-00017"


def usd(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def finding(
    code: str,
    subject: str,
    title: str,
    so_far: str,
    month: str,
    *,
    owner: str | None = "Dana Okafor",
    team: str | None = "Foundation",
    confidence: Confidence = Confidence.HIGH,
    evidence: tuple[tuple[str, str], ...] = (("period", "30 days"),),
    action: str = "Stop it; a checkpoint is kept.",
    command: str = "scancel 4711",
    assumption: str = "",
) -> Finding:
    claim = Claim(f"run:{subject}", usd(so_far), usd(month), usd(so_far) * 2, usd(month) * 2)
    return Finding(
        code=code,
        capability="F2",
        subject=subject,
        title=title,
        owner=owner,
        team=team,
        evidence=evidence,
        period=WINDOW,
        claims=(claim,),
        confidence=confidence,
        action=action,
        command=command,
        assumption=assumption,
    )


def counted(of: Finding, *, overlap: str = "0", state: str = "open") -> Counted:
    return Counted(of, of.so_far - usd(overlap), of.month - usd(overlap), state)


def _findings() -> tuple[Counted, ...]:
    return (
        counted(
            finding(
                "zombie-run",
                "run:slurm/north/4711",
                "14 training runs are abandoned and still hold 27 GPUs.",
                "38,912",
                "66,364",
                evidence=(
                    ("runs", "14, of 5 owners"),
                    ("last checkpoint", "6 to 23 days ago"),
                    ("GPU-hours since", "13,058"),
                ),
                command="scancel 4711 4712 4713 4720 4721 4733 4738 4740 4741 4750 4755 4761 4766 4790",
            )
        ),
        counted(
            finding(
                "frontier-on-simple",
                "calls:openai/frontier-1/tickets",
                "A frontier model answers tickets that a small model answers as well.",
                "24,020",
                "24,300",
                owner="Mei-Ling Zhou",
                team="Support AI",
                confidence=Confidence.MEDIUM,
                evidence=(("calls", "2.1M"), ("right on 400 tickets", "98.3% against 98.5%")),
                action="Route the simple third to `small-1`.",
                command="outlay costs --by model --where task=tickets",
                assumption="the 400 tickets stand for all",
            ),
            overlap="12,400",
        ),
        counted(
            finding(
                "unread-replication",
                "resource:datasets-prod",
                "datasets-prod is copied to two regions that nobody reads.",
                "15,610",
                "15,820",
                owner="Jonas Lind",
                team="Vision",
                evidence=(("size", "310 TB a region"), ("last read", "5 Jun")),
                action="Turn replication off.",
                command="aws s3api delete-bucket-replication --bucket datasets-prod",
            )
        ),
        counted(
            finding(
                "idle-endpoint",
                "endpoint:demo-summarise",
                "Endpoint demo-summarise had 11 requests in 30 days.",
                "7,890",
                "8,001",
                owner="Jonas Lind",
                team="Vision",
                evidence=(("requests", "11 in 30 days"), ("GPUs", "4 H100")),
                action="Scale it to zero; the first call then waits 40 s.",
                command="kubectl scale deploy/demo-summarise --replicas=0",
            )
        ),
        counted(
            finding(
                "no-max-tokens",
                f"calls:{HOSTILE}",
                f"Answers of {HOSTILE} have no limit.",
                "1,210",
                "4,310",
                owner=None,
                team=None,
                confidence=Confidence.LOW,
                evidence=(("P95", "900 to 1,870 tokens in 5 weeks"), ("task", HOSTILE)),
                action="Set max_tokens to 1,000.",
                command="",
            )
        ),
        counted(
            finding(
                "uncached-prefix",
                LONG_NAME,
                f"{LONG_NAME} resends a 3,100-token prefix that the provider would cache.",
                "0.35",
                "0.0042",
                owner="Tomás Rivera",
                team="Search",
                evidence=(("shared by", "96% of calls"),),
                action="Move the timestamp out of the first line.",
                command="",
            )
        ),
        counted(
            finding(
                "old-checkpoints",
                "bucket:ckpt",
                "1,912 checkpoints are older than 30 days.",
                "9,000",
                "10,560",
                owner="Aisha Karim",
                confidence=Confidence.MEDIUM,
                command="",
            ),
            state="accepted",
        ),
        counted(
            finding("idle-gpu", "pool:standby", "Standby nodes are idle.", "2,000", "2,100", command=""),
            state="ignored",
        ),
    )


def _trend(wasted: Decimal) -> tuple[TrendDay, ...]:
    source = random.Random(7)
    days = []
    for offset in range(30):
        weekday = (offset + 5) % 7
        cost = Decimal(11_000 + source.randrange(3000) - (3500 if weekday >= 5 else 0) + (5200 if offset == 13 else 0))
        share = wasted * (65 + offset) / sum(65 + each for each in range(30))
        days.append(TrendDay(date(2026, 8, 1) + timedelta(days=offset), cost, share))
    return tuple(days)


def breakdown(dimension: str, total: Decimal, labels: tuple[str, ...], rest: str | None = None) -> Breakdown:
    """Shares fall by half from line to line; the rest takes what is left."""
    lines, left = [], total
    for index, label in enumerate(labels):
        cost = left if rest is None and index == len(labels) - 1 else (left / 2).quantize(Decimal("0.01"))
        left -= cost
        detail = "3 teams" if index == 1 else ""
        lines.append(Line(label, cost, float(cost / total), detail, estimated=index == 0))
    other = None if rest is None else Line(rest, left, float(left / total))
    return Breakdown(dimension, tuple(lines), other, total)


def heatmap(devices: int = 64, buckets: int = 120, seed: int = 3) -> Heatmap:
    """Eight devices a node: mostly busy, two nodes idle, one free at night, one without readings for a while."""
    source = random.Random(seed)
    names = tuple(f"north-1/n{index // 8 + 1:02}/gpu{index % 8}" for index in range(devices))
    rows = []
    for index in range(devices):
        node = index // 8
        row: list[float | None] = []
        for bucket in range(buckets):
            value: float | None = 86 + source.random() * 12
            if node % 8 == 4 or (node % 8 == 6 and source.random() < 0.8):
                value = source.random() * 4
            elif node % 8 == 7:
                value = -1.0 if bucket % 4 in (0, 3) else 20 + source.random() * 60
            elif node % 8 == 5 and 60 <= bucket < 74:
                value = None
            elif bucket in (30, 31) and node < 4:
                value = 10 + source.random() * 30
            row.append(value)
        rows.append(tuple(row))
    return Heatmap(WINDOW.since, 2_592_000 // buckets, names, tuple(rows))


def _questions() -> tuple[QuickQuestion, ...]:
    return (
        QuickQuestion("Is GPU utilisation over 60%?", "no", "53% of allocated GPU-hours; goal over 60%", False),
        QuickQuestion("Is inference spend above training?", "no", "$109,930 against $201,400", True),
        QuickQuestion("Are there more than 20 experiments a week?", "yes", "51 a week", False),
        QuickQuestion("Does anyone see live figures?", "unknown", "no live source is connected", None),
        QuickQuestion("Do frontier models classify?", "yes", "1 task, $24,020", False),
        QuickQuestion(
            "Are system prompts over 500 tokens?", "yes", "1 prompt of 812 tokens, 500,000 calls a day", False
        ),
        QuickQuestion("Are outputs without max_tokens?", "yes", "3.1% of calls", False),
    )


def _gpu() -> Gpu:
    return Gpu(
        parts=(
            GpuPart("used", usd("24,410"), usd("72,742")),
            GpuPart("idle", usd("18,250"), usd("54,385")),
            GpuPart("unallocated", usd("3,150"), usd("9,387")),
            GpuPart("unknown", usd("270"), usd("804.60")),
        ),
        utilisation=0.53,
        heatmap=heatmap(),
    )


def rich() -> Assessment:
    """Everything that an assessment can hold, with names from hostile files."""
    findings = _findings()
    live = [each for each in findings if each.state != "ignored"]
    wasted = sum((each.so_far for each in live), Decimal(0))
    trend = _trend(wasted)
    spent = sum((each.cost for each in trend), Decimal(0))
    runs = (LONG_NAME, HOSTILE, TERMINAL_ESCAPE, WIDE_NAME, "pretrain-7b-v3")
    top = breakdown(
        "line",
        spent,
        (
            "Reserved GPUs, north-1, 64 H100",
            "On-demand GPUs, training and batch",
            "LLM calls, frontier-1",
            "Self-hosted endpoints",
            "LLM calls, all other models",
            "Object storage",
            "Replication of datasets-prod",
            "Data transfer out",
            "Vector store",
            "Managed notebooks",
        ),
    )
    return Assessment(
        sample=True,
        as_of=datetime(2026, 8, 31),
        window=WINDOW,
        currency="USD",
        cost_basis="effective",
        spent=spent,
        estimated=usd("58,870"),
        wasted=wasted,
        saving_month=sum((each.month for each in live), Decimal(0)),
        overlap_month=usd("12,400"),
        month_rate=usd("401,233"),
        previous=spent - usd("31,020"),
        trend=trend,
        outputs=(
            OutputCost(
                "ticket resolved", "team Support AI", usd("204,311"), usd("98,069.28"), usd("0.48"), usd("408,622")
            ),
            OutputCost("prediction", "project recommender", usd("812,000,000"), usd("61,204"), usd("0.0000754"), None),
            OutputCost("report written", "team Evals", usd("0"), usd("11,480"), None, None),
        ),
        top=top.lines,
        breakdowns=(
            breakdown("team", spent, ("Foundation", "Search", "Support AI", "Vision", "Evals", "untagged")),
            breakdown("stage", spent, ("training", "inference", "data")),
            breakdown("model", spent, ("frontier-1", "mid-1", "small-1", "embed-2"), "9 more"),
            breakdown("run", spent, runs, "1,204 more"),
            breakdown("agent", spent, ("triage", "repo-review", "nightly-docs"), "no agent"),
        ),
        gpu=_gpu(),
        untagged=Untagged(
            usd("25,108"),
            0.0702,
            (
                Suggestion(
                    "i-0f3a (p5.48xlarge)", usd("14,020"), "team Vision", "its volume is mounted by 3 Vision runs"
                ),
                Suggestion(HOSTILE, usd("7,880"), "team Search", f"same key as {HOSTILE}"),
            ),
        ),
        questions=_questions(),
        findings=findings,
        gaps=(
            Gap("11 GPUs on six nodes report no use", usd("31,300"), "`outlay import dcgm.json`, about 1 h"),
            Gap("No agent traces were imported", None, "outlay import spans.jsonl"),
            Gap("Two teams define no valuable output", usd("48,200"), "One sentence from Vision and from Evals"),
        ),
        drift=Drift(billed=usd("310,204"), metered=usd("304,620"), unmetered=usd("9,174")),
        other_currencies={"EUR": usd("1,204.18"), "unknown": usd("310")},
        unpriced=(Line("x-large-preview", Decimal(0), 0.0, "4.1M tokens in 12,004 calls"),),
        rejected=17,
        sources=("FOCUS 1.2 bill", "OpenAI usage", "Slurm accounting", f"GPU samples {HOSTILE}"),
    )


def empty() -> Assessment:
    """A store with nothing in it."""
    zero = Decimal(0)
    return replace(
        rich(),
        sample=False,
        spent=zero,
        estimated=zero,
        wasted=zero,
        saving_month=zero,
        overlap_month=zero,
        month_rate=zero,
        previous=None,
        trend=(),
        outputs=(),
        top=(),
        breakdowns=(),
        gpu=None,
        untagged=Untagged(zero, 0.0, ()),
        questions=(),
        findings=(),
        gaps=(),
        drift=Drift(zero, zero, zero),
        other_currencies={},
        unpriced=(),
        rejected=0,
        sources=(),
    )


def large(devices: int = 128, buckets: int = 120, findings: int = 60) -> Assessment:
    """Many devices whose readings never repeat, and many findings: the size that a report must bear."""
    source = random.Random(11)
    noisy = heatmap(devices, buckets)
    cells = tuple(tuple(source.uniform(0, 100) for _ in range(buckets)) for _ in range(devices))
    many = tuple(
        counted(finding("idle-gpu", f"run:{index}", f"Run number {index} is idle.", "900", f"{9000 - index}"))
        for index in range(findings)
    )
    month = sum((each.month for each in many), Decimal(0))
    base = rich()
    assert base.gpu is not None
    return replace(
        base,
        gpu=replace(base.gpu, heatmap=replace(noisy, cells=cells)),
        findings=many,
        saving_month=month,
        overlap_month=Decimal(0),
    )
