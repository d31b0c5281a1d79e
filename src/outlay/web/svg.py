"""The pieces that every chart is made of: numbers, text and paths of SVG, escaped."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape


def num(value: float) -> str:
    """A coordinate with at most two decimals: a hundredth of a pixel is below what is seen."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A filled rectangle of one of the stylesheet's fills (`f-d` work, `f-w` waste, `f-n` nothing, `f-3` unknown)."""
    return f'<rect class="{kind}" x="{num(x)}" y="{num(y)}" width="{num(max(width, 0))}" height="{num(height)}"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A label; `words` may come from a user's file."""
    css = f' class="{kind}"' if kind else ""
    return f'<text{css} x="{num(x)}" y="{num(y)}">{escape(words)}</text>'


def line(kind: str, points: Sequence[tuple[float, float]]) -> str:
    """A polyline through `points`; a single point becomes a dot, so that one day is seen too."""
    if len(points) == 1:
        (x, y), *_ = points
        return f'<path class="{kind}" d="M{num(x)} {num(y)}h0"/>'
    path = "L".join(f"{num(x)} {num(y)}" for x, y in points)
    return f'<path class="{kind}" d="M{path}"/>'


def drawing(width: float, height: float, body: Sequence[str], label: str = "", kind: str = "") -> Markup:
    """One SVG element; with `label` an image that says that sentence, without one decoration hidden from readers."""
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    css = f' class="{kind}"' if kind else ""
    size = f'width="{num(width)}" height="{num(height)}" viewBox="0 0 {num(width)} {num(height)}"'
    return Markup(f"<svg{css} {size} {said}>{''.join(body)}</svg>")


def shorten(words: str, width: float, per_character: float = 6.4) -> str:
    """`words` cut to about `width` pixels of 12 px type; the full text stands in the chart's table twin."""
    room = max(int(width / per_character), 1)
    return words if len(words) <= room else f"{words[: room - 1]}\N{HORIZONTAL ELLIPSIS}"
