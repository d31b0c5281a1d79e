"""Why something costs another amount than before: more of it, or a higher price, and which few things explain most.

Every slice of the money (one combination of dimensions) is split by itself, so that a move to a dearer model counts as
less of the one and more of the other, and no price effect hides it:

    volume = (units after - units before) x cost of a unit before
    length = (tokens a unit after - before) x units after x cost of a token before
    price  = what is left of the change

This is the usual variance analysis of cost accounting (quantity at the old price, price at the new quantity). What
began or ended is volume. Money of which no quantity is known is neither: it is `other`. Where before is billed and
after is not yet, the difference of the two prices is no news either: it is kept apart as `estimate`. All of them add up
to the change exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

#: Dimensions by which a change is explained, the most telling first: where several explain the same, a run says more
#: than its team.
DIMENSIONS = ("run", "agent", "project", "model", "team", "line")
#: A more telling dimension is taken although another explains more, as long as it explains this share of it.
_AS_GOOD = Decimal("0.8")
#: What explains this share of a cause is named with it.
_GOOD_PART = Decimal("0.3")
_LINE = DIMENSIONS.index("line")
#: A line of a bill says nothing of who: it explains only what has none of these.
_WHO = tuple(DIMENSIONS.index(name) for name in ("run", "agent", "project", "team"))
#: What explains less than this share of all movement is not worth a line.
_WORTH = Decimal("0.02")
#: To which volume and length are rounded, so that all four parts add up to the last digit.
_TICK = Decimal("1e-12")
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """Dollars, and what they were paid for: `units` (calls or GPU-hours; None: not counted) of `tokens` in all (None:
    what has no tokens)."""

    cost: Decimal
    units: Decimal | None = None
    tokens: Decimal | None = None

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cost + other.cost, _sum(self.units, other.units), _sum(self.tokens, other.tokens))


@dataclass(frozen=True, slots=True)
class Slice:
    """Money that has the same value of every dimension, before and after. `kind`: call, gpu or charge; `of`: values of
    `DIMENSIONS`, in their order; `owner`: who answers for it; `estimate`: of what it cost after, what it is estimated
    above the price that was billed before."""

    kind: str
    of: tuple[str | None, ...]
    owner: str | None
    before: Amount
    after: Amount
    estimate: Decimal = _NONE

    @property
    def comparable(self) -> Amount:
        """After, at the kind of price that before has."""
        return Amount(self.after.cost - self.estimate, self.after.units, self.after.tokens)

    @property
    def change(self) -> Decimal:
        """Without what is only an estimate above the bill."""
        return self.after.cost - self.estimate - self.before.cost


@dataclass(frozen=True, slots=True)
class Effects:
    """A change in four parts that add up to it."""

    volume: Decimal = _NONE
    length: Decimal = _NONE
    price: Decimal = _NONE
    other: Decimal = _NONE

    def __add__(self, more: Effects) -> Effects:
        return Effects(self.volume + more.volume, self.length + more.length, self.price + more.price,
                       self.other + more.other)

    @property
    def total(self) -> Decimal:
        return self.volume + self.length + self.price + self.other

    @property
    def largest(self) -> str:
        """The name of the part that moves most in the direction of the change."""
        sign = 1 if self.total >= 0 else -1
        return max(("volume", "length", "price", "other"), key=lambda name: sign * getattr(self, name))


@dataclass(frozen=True, slots=True)
class Cause:
    """One value of one dimension that explains part of a change; `after` is at the kind of price of before. `most`: the
    value of a more telling dimension that moved most within it, where that is a good part of it. `also`: the other
    dimensions that have one value throughout, `kind` "" where it holds several kinds of money, `owner` None where there
    are several."""

    dimension: str
    value: str
    kind: str
    owner: str | None
    also: tuple[tuple[str, str], ...]
    before: Amount
    after: Amount
    effects: Effects
    most: tuple[str, str, Decimal] | None = None

    @property
    def change(self) -> Decimal:
        return self.after.cost - self.before.cost

    @property
    def began(self) -> bool:
        return not self.before.cost and bool(self.after.cost)

    @property
    def ended(self) -> bool:
        return bool(self.before.cost) and not self.after.cost


@dataclass(frozen=True, slots=True)
class Explained:
    """A change with its causes, the largest first. `estimate`: of after, what is estimated above the price that before
    was billed at. `rest`: what the causes leave; `rest_slices`: of how many slices that is, the largest of which
    changed by `rest_most`."""

    before: Decimal
    after: Decimal
    estimate: Decimal
    effects: Effects
    causes: tuple[Cause, ...]
    rest: Decimal
    rest_slices: int
    rest_most: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before


def effects(before: Amount, after: Amount) -> Effects:
    """The parts of one slice's change."""
    change = after.cost - before.cost
    if not before.cost or not after.cost:
        return Effects(volume=change)
    if not before.units or not after.units:
        return Effects(other=change)
    volume = ((after.units - before.units) * before.cost / before.units).quantize(_TICK)
    length = _NONE
    if before.tokens and after.tokens:
        longer = after.tokens / after.units - before.tokens / before.units
        length = (longer * after.units * before.cost / before.tokens).quantize(_TICK)
    return Effects(volume, length, change - volume - length)


def explain(slices: Iterable[Slice], most: int = 4) -> Explained:
    """The change of all slices together, and at most `most` causes; no slice is in two of them.

    Taken again and again is the value (of any dimension) that moves most in what is left; a more telling dimension that
    explains four fifths of that is taken instead.
    """
    everything = [each for each in slices if each.before.cost or each.after.cost]
    left = [each for each in everything if each.change]
    worth = _WORTH * sum((abs(each.change) for each in left), _NONE)
    causes: list[Cause] = []
    while left and len(causes) < most:
        found = _next(left)
        if found is None:
            break
        place, value = found
        chosen = [each for each in left if _has(each, place, value)]
        if abs(sum((each.change for each in chosen), _NONE)) < worth:
            break
        causes.append(_cause(place, value, chosen))
        left = [each for each in left if not _has(each, place, value)]
    causes.sort(key=lambda cause: -cause.change)
    return Explained(
        sum((each.before.cost for each in everything), _NONE), sum((each.after.cost for each in everything), _NONE),
        sum((each.estimate for each in everything), _NONE),
        _effects(everything), tuple(causes), sum((each.change for each in left), _NONE), len(left),
        max((abs(each.change) for each in left), default=_NONE))


def _next(left: Sequence[Slice]) -> tuple[int, str] | None:
    """The place of the dimension, and the value, to be taken out next; None where nothing has a name.

    A run is named only where it is nearly all of what something lasting moved by: of a job that runs every night under
    a new number, one run ended and another began, and neither is news.
    """
    lasting = _moves(left, range(1, len(DIMENSIONS)))
    best = max((abs(move) for move in lasting.values()), default=_NONE)
    if not best:
        return None
    chosen = min((key[0], -abs(move), key[1]) for key, move in lasting.items() if abs(move) >= _AS_GOOD * best)
    place, value = chosen[0], chosen[2]
    whole = lasting[place, value]
    inside = [each for each in left if _has(each, place, value)]
    run, move = max(_moves(inside, (0,)).items(), key=lambda each: each[1] / whole, default=((0, ""), _NONE))
    others = sum((abs(each.change) for each in inside if each.of[0] != run[1]), _NONE)
    return run if move / whole >= _AS_GOOD and others <= (1 - _AS_GOOD) * abs(move) else (place, value)


def _moves(slices: Iterable[Slice], places: Iterable[int]) -> dict[tuple[int, str], Decimal]:
    """By how much each value of these dimensions moved."""
    wanted = tuple(places)
    moves: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for each in slices:
        for place in wanted:
            value = each.of[place]
            if value is not None and _has(each, place, value):
                moves[place, value] += each.change
    return moves


def _has(each: Slice, place: int, value: str) -> bool:
    return each.of[place] == value and (place != _LINE or not any(each.of[who] for who in _WHO))


def _cause(place: int, value: str, chosen: Sequence[Slice]) -> Cause:
    first, *others = chosen
    before, after = first.before, first.comparable
    for each in others:
        before, after = before + each.before, after + each.comparable
    kinds, owners = {each.kind for each in chosen}, {each.owner for each in chosen}
    also = []
    for at, name in enumerate(DIMENSIONS):
        values = {each.of[at] for each in chosen}
        if at != place and len(values) == 1 and (only := values.pop()) is not None:
            also.append((name, only))
    return Cause(DIMENSIONS[place], value, kinds.pop() if len(kinds) == 1 else "",
                 owners.pop() if len(owners) == 1 else None, tuple(also), before, after, _effects(chosen),
                 _most(place, chosen, {name for name, _ in also}))


def _most(place: int, chosen: Sequence[Slice], said: set[str]) -> tuple[str, str, Decimal] | None:
    """What moved most in the direction of all of them, by a dimension that tells more and is not said anyhow."""
    whole = sum((each.change for each in chosen), _NONE)
    finer = [at for at, name in enumerate(DIMENSIONS[:place]) if name not in said]
    moves = [(move / whole, at, value) for (at, value), move in _moves(chosen, finer).items()] if whole else []
    share, at, value = max(moves, default=(_NONE, 0, ""), key=lambda move: (move[0], -move[1]))
    return (DIMENSIONS[at], value, share * whole) if share >= _GOOD_PART else None


def _effects(slices: Iterable[Slice]) -> Effects:
    total = Effects()
    for each in slices:
        total += effects(each.before, each.comparable)
    return total


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other
