"""Pages from templates; everything that is put into one is made printable and escaped."""

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from host_agent.printable import printable

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = "data", "templates"


def render(template: str, **values: Any) -> str:
    """Return a page; a value that the template lacks is an error."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> "jinja2.Environment":
    # It takes as long to load as all of a short command: only for who wants a page.
    import jinja2  # noqa: PLC0415

    def source(name: str) -> str | None:
        place = resources.files("host_agent").joinpath(*_TEMPLATES, name)
        return place.read_text(encoding="utf-8") if place.is_file() else None

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
