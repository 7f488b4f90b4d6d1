"""What a test looks for on the viewers' page, as expressions."""

from __future__ import annotations

from tests.browser import Page
from tests.pages.site import Site

TEXTS = "[...document.querySelectorAll('.comment .said')].map((e) => e.textContent)"
UNSENT = "document.querySelectorAll('.comment.pending').length"
NAMES = "[...document.querySelectorAll('.comment .name')].map((e) => e.textContent)"
STATE = "document.getElementById('state').dataset.state"
OUTCOME = "document.getElementById('outcome').innerText.trim()"
HINT = "document.getElementById('hint').textContent"
FIELD = "document.getElementById('text').value"
FOCUS = "document.activeElement.id"
FRESH = "document.getElementById('fresh').hidden ? '' : document.getElementById('fresh').innerText"
AT_END = """(({ scrollTop, scrollHeight, clientHeight }) =>
    scrollHeight - scrollTop - clientHeight < 2)(document.getElementById('log'))"""
MISTAKE = "document.querySelector('.note.bad') !== null"

FOUND = """axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]))"""


def shown(element_id: str) -> str:
    """Whether an element can be seen."""
    return f"document.getElementById('{element_id}').checkVisibility()"


async def opened(page: Page, site: Site, video: str = "v1") -> Page:
    """The viewers' page, live."""
    await page.note_troubles()
    await page.go_to(site.page(video=video))
    await page.until(STATE, "live")
    return page


async def write(page: Page, text: str, author: str = "") -> None:
    """Write a comment and send it, with keys."""
    if author:
        await page.evaluate("document.getElementById('author').select()")
        await page.type(author)
    await page.evaluate("document.getElementById('text').focus()")
    await page.type(text)
    await page.press("Enter")


async def found(page: Page, axe: str) -> object:
    """What it objects to: rules, and the elements that break them."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(f"{axe};0")
    return await page.evaluate(FOUND)
