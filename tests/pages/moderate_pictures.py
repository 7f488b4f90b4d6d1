"""Takes the moderators' page's pictures of docs/ again: `python -m tests.pages.moderate_pictures`.
With `all FOLDER` also those that nobody needs but who looks whether it is still good.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.browser import Browser, running_browser
from tests.pages.moderating import GONE, KIND, ROWS, WAITING, entered, keys, pane, said_by
from tests.pages.pictures import PICTURES, SAID, WELCOME
from tests.pages.site import Site
from tests.support import started

TERMS = [
    {"term": "coins", "action": "block"},
    {"term": "[0-9]{6,}", "kind": "pattern", "action": "hold"},
    {"term": "followers", "action": "hold"},
]


LINKED = {"moderate-1280-light": (1280, 720)}
LOOKED_AT = {
    "moderate-360-dark-held": (360, 640),
    "moderate-768-light": (768, 700),
    "moderate-768-dark-terms": (768, 700),
    "moderate-1440-dark": (1440, 900),
    "moderate-1440-light-audit": (1440, 900),
    "moderate-360-light": (360, 640),
}


async def take(
    browser: Browser, site: Site, folder: Path, name: str, size: tuple[int, int]
) -> None:
    """One picture; its name says the theme and the pane."""
    page = await browser.open("about:blank", apart=True)
    await page.look_like(*size, dark="dark" in name)
    await entered(page, site)
    await page.until(f"{ROWS}.length > 10")
    await page.until(f"{WAITING}.length", 2)
    await page.until("document.getElementById('viewers').innerText.trim()", "1 watching")
    for each in ("terms", "audit"):
        if each in name:
            await pane(page, each)
    if "held" in name:
        await pane(page, "held")
        await keys(page, "h")
    else:
        await keys(page, "j", "k", "k", "d")
        await page.until(KIND, "done")
        await page.until(f"{GONE}.length", 1)
    await page.screenshot(folder / f"{name}.png")
    if "held" not in name:
        await keys(page, "u")
        await page.until(f"{GONE}.length", 0)
    await browser.call("Target.closeTarget", targetId=page.target_id)


async def main(arguments: list[str]) -> None:
    """See the module."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with started(Site(folder)) as site, running_browser(folder / "profile") as browser:
            for author, text in SAID:
                await said_by(site, author, text)
            await said_by(site, "Kenji", "Follow my channel, every day a new one!")
            await said_by(site, "Priya", "Welcome to orbit!", "What a night.")
            moderator = site.token("moderator", sub="mo-1", name="Mo")
            pinned = await site.call("POST", "comments", {"text": WELCOME}, token=moderator)
            await site.moderate("PUT", "pin", {"seq": pinned["seq"]})
            await site.moderate("PUT", "filters", {"terms": TERMS})
            await said_by(site, "Kenji", "Call 555123456 for a free ticket")
            await said_by(site, "Rui", "Do more followers mean more launches?")
            for picture, size in LINKED.items():
                await take(browser, site, PICTURES, picture, size)
            if arguments[:1] == ["all"]:
                for picture, size in LOOKED_AT.items():
                    await take(browser, site, Path(arguments[1]), picture, size)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
