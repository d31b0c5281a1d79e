"""How shares, counts and times are written for people, the same in every face."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from outlay.accounting.money import MINUS
from outlay.facts.window import Window

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def percent(share: float) -> str:
    """A share of 1: whole from 10% on, one decimal below (`41%`, `7.8%`); what is under 0.1% says so."""
    size = abs(share) * 100
    sign = MINUS if share < 0 else ""
    if size == 0:
        return "0%"
    if size < 0.1:
        return f"<{sign}0.1%"
    return f"{sign}{size:.0f}%" if size >= 9.95 else f"{sign}{size:.1f}%"


def signed_percent(share: float) -> str:
    """A change as a share of 1, always signed: `+4.2%`, `-1.8%` with a true minus."""
    return f"+{percent(share)}" if share > 0 else percent(share)


def quantity(count: Decimal | int | float) -> str:
    """A count: exact below 100,000 (at most two decimals), else `412K`, `4.1M`, `2.0B`."""
    size = abs(Decimal(str(count)))
    sign = MINUS if count < 0 else ""
    for unit, letter in ((Decimal(10**9), "B"), (Decimal(10**6), "M")):
        if size >= unit * Decimal("0.9995"):
            scaled = size / unit
            return f"{sign}{scaled:,.0f}{letter}" if scaled >= 100 else f"{sign}{scaled:.1f}{letter}"
    if size >= 100_000:
        return f"{sign}{size / 1000:,.0f}K"
    text = f"{size:,.2f}".rstrip("0").rstrip(".") if size < 100 else f"{size:,.0f}"
    return f"{sign}{text}"


def exact(count: int) -> str:
    """An exact count with separators."""
    return f"{count:,}"


def hours(amount: Decimal) -> str:
    """Hours in a column: whole, with separators; what that would round to nothing reads `<1`."""
    return "<1" if 0 < amount < Decimal("0.5") else f"{amount:,.0f}"


def day(when: date) -> str:
    """`18 Aug`; the year stands once, in the window."""
    return f"{when.day} {when:%b}"


def instant(when: datetime) -> str:
    """`18 Aug 14:32`, UTC."""
    return f"{day(when)} {when:%H:%M}"


def moment(when: datetime) -> str:
    """`18 Aug 2026 14:32`, UTC: where the year is not yet said."""
    return f"{day(when)} {when.year} {when:%H:%M}"


def duration(hours: float) -> str:
    """`30 days`, `36 h`, `1 h 28 min`."""
    minutes = round(hours * 60)
    if minutes >= 2880 and minutes % 1440 == 0:
        return f"{minutes // 1440} days"
    whole, rest = divmod(minutes, 60)
    if not rest or whole >= 48:
        return f"{round(hours):,} h"
    return f"{whole} h {rest} min" if whole else f"{rest} min"


def age(seconds: float) -> str:
    """How old something is, in its largest unit: `12 s`, `8 min`, `6 h`, `31 days`."""
    for unit, size, until in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if seconds / size < until:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86400)} days"


def lasted(seconds: float) -> str:
    """How long something took: `0.4 s`, `12 s`, `8 min`, `1 h 28 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else duration(seconds / 3600)


def gpu_name(gpu_type: str) -> str:
    """`H100` of `NVIDIA H100 80GB HBM3`: what people call it."""
    makers = ("nvidia", "tesla", "amd", "instinct")
    words = [word for word in gpu_type.replace("-", " ").split() if word.lower() not in makers]
    return words[0].upper() if words else gpu_type


def period(window: Window) -> str:
    """`1 Aug to 30 Aug 2026` where it is whole days (the last one included), else with the times of both ends."""
    since, until = window.since, window.until
    if since.time() == until.time() == datetime.min.time() and until > since:
        last = date.fromordinal(until.date().toordinal() - 1)
        if last == since.date():
            return f"{day(last)} {last.year}"
        first = day(since) if since.year == last.year else f"{day(since)} {since.year}"
        return f"{first} to {day(last)} {last.year}"
    first = instant(since) if since.year == until.year else moment(since)
    return f"{first} to {moment(until)}"


def printable(words: str) -> str:
    """Text of a user's file as it may be shown: control characters and those that turn the writing's direction become
    a replacement character, so that no name can command a terminal or hide what stands beside it."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", words)


def plural(count: int, noun: str) -> str:
    """`1 finding`, `14 findings`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
