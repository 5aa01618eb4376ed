"""The jinja2 environment and the frame that every page shares: style, script and the policy that allows just
these two.
"""

import base64
import hashlib
import re
from collections.abc import Hashable, Iterable
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from grader.render import escape, strings
from grader.render.escape import SafeHtml
from grader.render.files import words
from grader.render.kept_templates import kept_templates
from grader.render.markdown import render_markdown

_CATALOGUES: Final = {"t": strings, "w": words}
_LABEL: Final = re.compile(r"\{\{ ([tw])\.([A-Z_]+) \}\}")


class Labels(Extension):
    """Writes the labels of the catalogues into a template, where they are escaped once and not on each page:
    half of what a student's page looked up were labels.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return a template with `{{ t.LABEL }}` as `{{ "its text" }}`."""
        return _LABEL.sub(lambda m: f"{{{{ {getattr(_CATALOGUES[m[1]], m[2])!r} }}}}", source)


@cache
def environment() -> Environment:
    """Return the environment: everything is escaped, an unknown name is an error, `t` is the catalogue of
    strings, `w` that of the pages of files.
    """
    env = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        loader=PackageLoader("grader.render", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
        extensions=[Labels],
        bytecode_cache=kept_templates(),
    )
    env.globals.update(_CATALOGUES)
    env.filters.update(
        prose=escape.prose,
        sentence=_sentence,
        code=escape.code,
        excerpt=escape.excerpt,
        table_cells=escape.table_cells,
        number=strings.number,
        points=strings.points,
        percent=strings.percent,
        bytesize=strings.size,
        remarks=strings.count_of_remarks,
        markdown=render_markdown,
    )
    return env


def _visible(value: object) -> object:
    """Write hidden characters out wherever a template shows bare text: in a title and in an attribute no
    filter stands.
    """
    return escape.bare(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render_page(template: str, *, script: str = "", **context: object) -> str:
    """Return one self-contained page; `script` names the one static script that it may run, if any."""
    style = _asset("style.css")
    code = _asset(script) if script else ""
    return (
        environment()
        .get_template(template)
        .render(csp=_policy(style, code), style=SafeHtml(style), script=SafeHtml(code), **context)
    )


class Pieces:
    """Pieces of pages that one template makes, alike but for an address: of the cells of ten thousand rows
    some hundred differ in more. Each is drawn once, and the address put between its halves.
    """

    def __init__(self, template: str, names: tuple[str, ...], **same: object) -> None:
        """`names` are what the template calls the values of a piece, `same` is what all of them are given; it
        is given the `address`, too.
        """
        self._template = environment().get_template(template)
        self._names = names
        self._same = same
        self._drawn: dict[tuple[Hashable, ...], list[str]] = {}

    def joined(self, address: str, pieces: Iterable[tuple[Hashable, ...]]) -> SafeHtml:
        """Return pieces by their values, one behind the other; the address is quoted already."""
        return SafeHtml("".join(address.join(self._halves(values)) for values in pieces))

    def _halves(self, values: tuple[Hashable, ...]) -> list[str]:
        if values not in self._drawn:
            given = dict(zip(self._names, values, strict=True))
            drawn = self._template.render(address=SafeHtml(_ADDRESS), **given, **self._same)
            self._drawn[values] = drawn.split(_ADDRESS)
        return self._drawn[values]


_ADDRESS = "\0"
"""Stands for an address; no text of a page holds it."""


def _sentence(text: object, limit: int = escape.PROSE_LIMIT) -> SafeHtml:
    return escape.prose(strings.sentence(str(text)), limit)


@cache
def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy: nothing from anywhere, except this style and this script, by hash."""
    parts = ["default-src 'none'", f"style-src {_hash(style)}"]
    if script:
        parts.append(f"script-src {_hash(script)}")
    return "; ".join([*parts, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


@cache
def _asset(name: str) -> str:
    return resources.files("grader.render").joinpath(name).read_text(encoding="utf-8")
