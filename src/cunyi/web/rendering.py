"""Templates: one environment a language, with the components of the pages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cunyi.web.language import CHINESE, catalogue

_HERE = Path(__file__).parent
_HAN = re.compile("[\u3400-\u9fff]")


def component_names() -> list[str]:
    """The components there are: every folder with a template."""
    return sorted(path.parent.name for path in (_HERE / "components").glob("*/template.html"))


def component_folder(name: str) -> Path:
    """Where a component's template and fixtures lie."""
    return _HERE / "components" / name


@cache
def environment(language: str) -> Environment:
    """The templates of one language. `component(name, it)` renders a component with its data as `it`."""
    made = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals["language"] = language

    def component(name: str, it: Any) -> Markup:
        template = made.get_template(f"components/{name}/template.html")
        # Safe: rendered by an autoescaping template.
        return Markup(template.render(it=it))

    made.globals["component"] = component
    made.globals["lang_of"] = lambda text: CHINESE if _HAN.search(text) else language
    return made


def render(template: str, language: str, **values: Any) -> str:
    """A page or fragment as HTML."""
    return environment(language).get_template(template).render(**values)
