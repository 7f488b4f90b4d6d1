"""Takes the pictures of docs/pictures again: `python -m tests.pages.pictures`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.browser import Browser, Page, running_browser
from tests.pages.looks import FRESH, OUTCOME, TEXTS, opened, shown, write
from tests.pages.site import Site
from tests.support import started

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SAID = [
    ("Maya", "Good evening everyone, the stream is crystal clear from Lisbon."),
    ("Tomás Oliveira", "Same here. What time does the launch window open?"),
    ("ann", "In about 12 minutes if the weather holds 🌤️"),
    ("أمينة الزهراء", "مساء الخير من الدار البيضاء! هل الصوت جيد؟"),
    ("דנה", "שלום לכולם — the countdown is at T-11"),
    ("Max-Sebastian-von-und-zu-Hohenlohe-Waldenburg-Schillingsfürst", "x" * 90),
    ("Robert'); --", "<img src=x onerror=alert(1)> is just what I typed"),
    ("Maya", "Ignition sequence started"),
    ("Priya", "Goosebumps every single time. My kids are up past their bedtime, and no regrets."),
    ("Maya", "Liftoff! 🚀"),
]
WELCOME = (
    "Welcome! Please keep it friendly: we read along, and pin the best questions. Advertisements"
    " and links to other streams are removed."
)


async def take(browser: Browser, site: Site, name: str, width: int, height: int) -> None:
    """One picture; its name says the theme and what is done before."""
    page = await browser.open("about:blank", apart=True)
    await page.look_like(width, height, dark="dark" in name)
    await opened(page, site)
    await page.until(f"{TEXTS}.length", len(SAID) + 1)
    await page.until(shown("viewers"))
    if "refused" in name:
        await write(page, "Buy my coins", author="Bob")
        await page.until(f"{OUTCOME} !== ''")
    elif "reading" in name:
        await _read_back(page, site)
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(PICTURES / f"{name}.png")
    await browser.call("Target.closeTarget", targetId=page.target_id)


async def _read_back(page: Page, site: Site) -> None:
    await page.evaluate("document.getElementById('log').scrollTop = 60")
    await page.until(shown("fresh"))
    seqs = await site.say("Look at that plume", author="Kenji")
    seqs += await site.say("Max Q", author="Rui")
    await page.until(FRESH, "2 new comments")
    for seq in seqs:
        await site.moderate("DELETE", f"comments/{seq}")


async def main() -> None:
    """All pictures of the viewers' page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with started(Site(folder)) as site, running_browser(folder / "profile") as browser:
            for author, text in SAID:
                await site.say(text, author=author)
            moderator = site.token("moderator", sub="mo-1", name="Ann")
            pinned = await site.call("POST", "comments", {"text": WELCOME}, token=moderator)
            await site.moderate("PUT", "pin", {"seq": pinned["seq"]})
            terms = [{"term": "coins", "action": "block"}]
            await site.moderate("PUT", "filters", {"terms": terms})
            await site.moderate("PATCH", "settings", {"slow_mode_s": 10})
            await take(browser, site, "embed-360-light", 360, 640)
            await take(browser, site, "embed-360-dark-refused", 360, 640)
            await take(browser, site, "embed-768-light-reading", 768, 560)
            await take(browser, site, "embed-1440-dark", 1440, 700)


if __name__ == "__main__":
    asyncio.run(main())
