"""axe-core finds nothing, in both themes and in each state of the viewers' page."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.browser import Page
from tests.pages.looks import OUTCOME, TEXTS, found, opened, shown, write
from tests.pages.site import Site


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_viewers_page_is_accessible_in_all_its_states(
    page: Page, site: Site, axe: str, dark: bool
) -> None:
    await page.look_like(360, 640, dark=dark)
    await opened(page, site)
    await page.until(shown("empty"))
    assert await found(page, axe) == [], "nothing to read"
    await _fill(site)
    await page.until(f"{TEXTS}.length", 31)
    assert await found(page, axe) == [], "full"
    await page.evaluate("document.getElementById('log').scrollTop = 100")
    await page.until(shown("fresh"))
    await page.evaluate("[...document.querySelectorAll('#pin .plain')].at(-1).click()")
    await write(page, "Buy my coins", author="Rui")
    await page.until(f"{OUTCOME} !== ''")
    assert await found(page, axe) == [], "refused, scrolled up, the pinned comment whole"
    await site.moderate("PATCH", "settings", {"closed": True})
    await page.until("document.getElementById('text').readOnly")
    await page.evaluate("document.getElementById('aloud').click()")
    assert await found(page, axe) == [], "closed, read aloud"
    assert page.troubles[1:] == [], "but for the refusal"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_root_is_accessible_and_leads_to_the_pages(
    page: Page, site: Site, axe: str, dark: bool
) -> None:
    await page.look_like(360, 640, dark=dark)
    await page.note_troubles()
    await page.go_to(f"{site.url}/")
    await page.until("document.querySelectorAll('main a').length", 4)
    assert await found(page, axe) == []
    assert page.troubles == []


async def _fill(site: Site) -> None:
    await site.moderate("PUT", "filters", {"terms": [{"term": "coins", "action": "block"}]})
    mo = site.token("moderator", sub="mo-1", name="Mo")
    pinned = await site.call("POST", "comments", {"text": "Welcome. " * 40}, token=mo)
    await site.moderate("PUT", "pin", {"seq": pinned["seq"]})
    for n in range(30):
        await site.say(f"comment {n}", author=f"viewer {n}")
    await site.moderate("PATCH", "settings", {"slow_mode_s": 5})


async def test_who_wants_no_motion_gets_none(page: Page, site: Site) -> None:
    moving = "document.getAnimations().length"
    reduced = {"name": "prefers-reduced-motion", "value": "reduce"}
    await opened(page, site)
    await site.stop()
    await page.until("document.getElementById('state').dataset.state", "recovering")
    await page.until(moving, 1)
    await page.call("Emulation.setEmulatedMedia", features=[reduced])
    await page.until(moving, 0)
    await site.start()


def test_the_scripts_are_typed(packages: Path) -> None:
    """`tsc --strict` over the JSDoc types of the pages' modules, and of the client's with them."""
    root = Path(__file__).resolve().parents[2]
    compiler = packages / "typescript/bin/tsc"
    done = subprocess.run(
        ["node", str(compiler), "-p", "pages"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
