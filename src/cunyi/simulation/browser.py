"""A browser without a window: it keeps cookies, follows where it is led, and sends the forms that the pages hold."""

from __future__ import annotations

import http.client
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

_FORM = re.compile(r"<form\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
_KEPT_OPEN_S = 4.0
_LONGEST_WAIT_S = 60.0
_REDIRECTS = (301, 302, 303, 307)
_MOST_STEPS = 5

Fields = dict[str, list[str]]


class NoAnswerError(Exception):
    """The node gave no whole answer (无应答): it was killed, or the connection was cut. Nothing was acknowledged."""


class RefusedError(Exception):
    """A page said no (被拒绝) where yes was expected; `said` are its words."""

    def __init__(self, path: str, status: int, said: str) -> None:
        super().__init__(f"{status} {path}: {said}")
        self.status, self.said = status, said


class Form:
    """A form of a page with what stands in it (表单), to be changed and sent."""

    def __init__(self, action: str, fields: Fields, buttons: Sequence[tuple[str, str]]) -> None:
        self.action, self.fields, self.buttons = action, fields, buttons

    def fill(self, values: Mapping[str, str | Sequence[str]]) -> Form:
        """The same form with other words in some fields."""
        changed = {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}
        return Form(self.action, self.fields | changed, self.buttons)

    def press(self, value: str) -> Form:
        """The form as the button of this value sends it. LookupError where there is no such button."""
        name = next(name for name, own in self.buttons if own == value)
        return self.fill({name: value})


class Page:
    """What a node answered (页面)."""

    def __init__(self, path: str, status: int, html: str) -> None:
        self.path, self.status, self.html = path, status, html

    def forms(self, action: str) -> list[Form]:
        """Every form whose action is, or begins with, `action` where that ends in a slash or a star stands in it."""
        wanted = re.compile(re.escape(action).replace(r"\*", "[^/]+") + "$")
        found = []
        for match in _FORM.finditer(self.html):
            attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(match.group()[5:-1])}
            if not wanted.match(urlsplit(attributes.get("action", self.path)).path):
                continue
            end = self.html.find("</form>", match.end())
            reading = _FormReader()
            reading.feed(self.html[match.end() : end])
            for name, value in self._outside(attributes.get("id", "")):
                reading.fields[name].append(value)
            found.append(Form(attributes.get("action") or self.path, dict(reading.fields), reading.buttons))
        return found

    def form(self, action: str) -> Form:
        """The first form of this action. LookupError where the page has none."""
        found = self.forms(action)
        if not found:
            raise LookupError(f"{self.path} has no form for {action}: {self.words()[:300]}")
        return found[0]

    def boxes_outside(self, form_id: str) -> list[tuple[str, str]]:
        """Name and value of every box to tick that belongs to a form without standing in it."""
        found = []
        for match in re.finditer(r"<input\b[^>]*>", self.html):
            attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(match.group()[6:-1])}
            if attributes.get("form") == form_id and attributes.get("type") == "checkbox":
                found.append((attributes["name"], attributes.get("value", "on")))
        return found

    def words(self) -> str:
        """The text of the page between its head and its end, for telling what went wrong."""
        body = self.html[self.html.find("<main") :]
        return " ".join(unescape(re.sub(r"<[^>]+>|\s+", " ", body)).split())

    def trouble(self) -> str:
        """What the page says is wrong, empty where nothing is."""
        found = re.findall(r'<[^>]*(?:role="alert"|field-error)[^>]*>(.*?)</(?:p|div|ul)>', self.html, re.DOTALL)
        return "；".join(
            " ".join(unescape(re.sub(r"<[^>]+>|\s+", " ", each)).split()) for each in found if each.strip()
        )

    def _outside(self, form_id: str) -> list[tuple[str, str]]:
        if not form_id:
            return []
        found = []
        for match in re.finditer(r"<input\b[^>]*>", self.html):
            attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(match.group()[6:-1])}
            if attributes.get("form") == form_id and (attributes.get("type") != "checkbox" or "checked" in attributes):
                found.append((attributes.get("name", ""), attributes.get("value", "")))
        return [pair for pair in found if pair[0]]


class _FormReader(HTMLParser):
    """Reads the fields of a form as a browser would send them untouched; what a template holds is not there yet."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = defaultdict(list)
        self.buttons: list[tuple[str, str]] = []
        self._select = ""
        self._option: tuple[str, bool] | None = None
        self._chosen: str | None = None
        self._area: str | None = None
        self._text = ""
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One field after the other."""
        own = {name: value or "" for name, value in attrs}
        if tag == "template":
            self._templates += 1
        if self._templates or "disabled" in own:
            return
        name = own.get("name", "")
        if tag == "input" and name:
            kind = own.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in own:
                    self.fields[name].append(own.get("value", "on"))
            elif kind not in ("submit", "button", "file"):
                self.fields[name].append(own.get("value", ""))
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select, self._chosen = name, None
        elif tag == "option" and self._select and ("selected" in own or self._chosen is None):
            self._chosen = own.get("value", "")
        elif tag == "button" and name:
            self.buttons.append((name, own.get("value", "")))

    def handle_data(self, data: str) -> None:
        """The words of a text area."""
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        """A field is complete."""
        if tag == "template":
            self._templates -= 1
        elif tag == "textarea" and self._area:
            self.fields[self._area].append(self._text.removeprefix("\n"))
            self._area = None
        elif tag == "select" and self._select:
            self.fields[self._select].append(self._chosen or "")
            self._select = ""


class Browser:
    """One person's browser at one node (浏览器). `timed` is told the name of each step and how long it took in seconds."""

    def __init__(self, port: int, timed: Callable[[str, float], None] = lambda name, seconds: None) -> None:
        self._port, self._timed = port, timed
        self._cookies: dict[str, str] = {}
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def get(self, path: str, *, step: str = "") -> Page:
        """A page, after following where it leads."""
        return self._follow("GET", path, {}, step, {})

    def send(self, form: Form, *, step: str = "", expect: Sequence[int] = (200, 201, 204)) -> Page:
        """Sends a form. RefusedError where the answer has another status than expected."""
        page = self._follow("POST", form.action, form.fields, step, {})
        if page.status not in expect:
            raise RefusedError(form.action, page.status, page.trouble() or page.words()[:300])
        return page

    def post(self, path: str, fields: Fields, *, step: str = "") -> Page:
        """What a script of a page sends while somebody types."""
        return self._follow("POST", path, fields, step, {"X-Requested-With": "cunyi"})

    def forget(self) -> None:
        """The browser is closed: connection and session are gone."""
        self._drop()
        self._cookies.clear()

    def _follow(self, method: str, path: str, fields: Fields, step: str, more: dict[str, str]) -> Page:
        started = time.perf_counter()
        for _ in range(_MOST_STEPS):
            status, headers, body = self._ask(method, path, fields, more)
            if status not in _REDIRECTS:
                break
            to = urlsplit(headers.get("location", "/"))
            method, path, fields = "GET", to.path + (f"?{to.query}" if to.query else ""), {}
        if step:
            self._timed(step, time.perf_counter() - started)
        return Page(path, status, body.decode("utf-8", "replace"))

    def _ask(self, method: str, path: str, fields: Fields, more: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        reused = self._connection is not None
        connection = self._connected()
        headers = dict(more)
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        body = None
        if method == "POST":
            body = urlencode(fields, doseq=True).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            if reused and method == "GET" and isinstance(error, ConnectionError):
                # The server had closed it meanwhile; a browser asks once more.
                return self._ask(method, path, fields, more)
            raise NoAnswerError(f"{method} {path}: {error}") from error
        self._used = time.monotonic()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.split(";", 1)[0].strip('"')
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def _connected(self) -> http.client.HTTPConnection:
        # The server closes an idle connection after five seconds; a browser opens a new one then.
        if self._connection is not None and time.monotonic() - self._used > _KEPT_OPEN_S:
            self._drop()
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_LONGEST_WAIT_S)
            self._used = time.monotonic()
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
