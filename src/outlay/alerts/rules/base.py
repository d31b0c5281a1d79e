"""What a rule is: a class with a code, its documentation and one method that gives conditions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from outlay.alerts.condition import Condition
from outlay.alerts.inputs import Inputs


class Rule(ABC):
    """Something that people want to know of. Its docstring is its documentation: when it holds, how loud it is, what
    it leaves alone, what ends it."""

    #: Stable name, such as `budget-burn`.
    code: ClassVar[str]
    #: One line for lists.
    title: ClassVar[str]
    #: Fields of `Inputs` without which it can say nothing.
    needs: ClassVar[tuple[str, ...]]
    #: Kinds of source whose silence looks like the condition: while one of them is silent nothing is said.
    rests_on: ClassVar[tuple[str, ...]] = ()
    #: Minutes for which it must not hold before the alert is resolved.
    calm_minutes: ClassVar[int] = 10

    @abstractmethod
    def conditions(self, inputs: Inputs) -> Iterable[Condition]:
        """What holds now. What the rule needs is there."""
