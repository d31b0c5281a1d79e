"""Parts and pages as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import escape

from outlay.web.templating import environment

if TYPE_CHECKING:
    from outlay.server.ticks import Shown
    from outlay.settings import Settings
    from outlay.web.part import Page, Part, Query, View


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed into the page's form and is wrong, and why; empty where nothing is."""

    reason: str = ""
    problem: str = ""
    typed: tuple[tuple[str, str], ...] = ()


def render_part(part: Part, model: Any, view: View, query: Query) -> str:
    """The inside of a part's element."""
    template = environment(view.settings.currency).get_template(part.template)
    return template.render(m=model, query=dict(query), now=view.now, settings=view.settings).strip()


def render_page(
    page: Page, pages: tuple[Page, ...], shown: dict[str, Shown | None], query: Query, settings: Settings, *,
    person: Any, csrf: str, form: Form = Form(),
) -> str:
    """The whole page. `person` has `name`, `role` and `may`: what this person may do."""
    template = environment(settings.currency).get_template(page.template)
    return template.render(
        page=page, pages=[each for each in pages if each.key and not each.inside], shown=shown, query=dict(query),
        live=f"/live{page.path}{'?' + urlencode(query) if query else ''}", settings=settings, person=person, csrf=csrf,
        form=form)


def partial(shown: Shown) -> str:
    """The message that puts a part into an open page; why there is none, where it never could be asked."""
    inside = shown.html if shown.html or not shown.error else f'<p class="sub">{escape(shown.error)}</p>'
    return f'<hx-partial hx-target="#{shown.code}" hx-swap="innerMorph">{inside}</hx-partial>'
