"""Waiting in tests of pages: for what the page becomes, never for a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from playwright.sync_api import Error, Page

_LATEST_S = 30.0


def until(page: Page, script: str, argument: object = None) -> None:
    """Waits until a script of the page is true; a page that is just being left is asked again.

    `Page.wait_for_function` asks again by `eval`, which the pages' content security policy forbids.
    """
    deadline = time.monotonic() + _LATEST_S
    while True:
        try:
            if page.evaluate(script, argument):
                return
        except Error as error:
            if "Execution context was destroyed" not in str(error):
                raise
        assert time.monotonic() < deadline, script
        page.wait_for_timeout(50)


def arrived(page: Page) -> None:
    """Waits until the page that is shown has its styles and scripts; before that nothing has its size and taps do nothing."""
    page.wait_for_load_state("load")


def pressed(page: Page, selector: str) -> None:
    """Presses what leads to another page, and waits until that is there."""
    with page.expect_navigation():
        page.click(selector)


@contextmanager
def kept(page: Page, words: str = "") -> Iterator[None]:
    """What is typed inside is kept by the node before the next step; `words` of it, where it is kept in several steps."""
    # What is typed before the page's scripts are there is not kept.
    page.wait_for_load_state("load")
    sent = urlencode({"": words})[1:]
    with page.expect_response(
        lambda answer: (
            answer.url.endswith("/keep") and answer.status == 200 and sent in (answer.request.post_data or "")
        )
    ):
        yield
