"""What strangers type is text, whatever it looks like; and what slips in does not run."""

from __future__ import annotations

import json

import pytest

from tests.browser import Page
from tests.pages.looks import NAMES, STATE, TEXTS, opened, write
from tests.pages.moderating import sign_in
from tests.pages.site import Site
from tests.support import eventually

HOSTILE = [
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "</p></div><iframe srcdoc='<script>parent.hit = 1</script>'></iframe>",
    "<svg/onload=window.hit=1>",
    "javascript:window.hit=1",
    "data:text/html,<script>hit=1</script>",
    "{{constructor.constructor('window.hit = 1')()}} ${window.hit = 1} @assets",
    "\u202eevil\u202c \u2066isolated",
    "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=//evil.example'>",
    "&lt;b&gt; &amp; &#x27;",
    "\"onmouseover='window.hit=1'",
    "__proto__", "constructor", "toString",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
]  # fmt: skip
RAN = "window.hit ?? 0"
# What a link to a page may have behind its path.
STRANGE = [
    "?x=<script>window.hit=1</script>",
    "?javascript:window.hit=1#javascript:window.hit=1",
    "#<img src=x onerror=window.hit=1>",
    "#:~:text=Live",
    "?video=v2&url=//evil.example&token=x&__proto__[hit]=1",
    "?%00%ff%E2%80%AE#%00%ff",
    f"?{'a' * 4000}#{'b' * 100_000}",
]


async def test_hostile_names_and_texts_are_shown_and_run_nothing(page: Page, site: Site) -> None:
    for text in HOSTILE:
        await site.say(text, author=text[:64])
    await site.moderate("PUT", "pin", {"seq": 1})
    await opened(page, site)
    await page.until(TEXTS, HOSTILE)
    assert await page.evaluate(NAMES) == [text[:64].strip() for text in HOSTILE]
    await write(page, HOSTILE[0], author=HOSTILE[1])
    await page.until(f"{TEXTS}.length", len(HOSTILE) + 1)
    assert await page.evaluate(RAN) == 0
    assert (
        await page.evaluate("document.querySelectorAll('a, iframe, img, base, style').length") == 0
    )
    assert await page.evaluate("document.querySelectorAll('.feed script, .pin script').length") == 0
    assert page.troubles == []
    asked = {url for url in page.answers if not url.startswith(site.url)}
    assert asked <= {"about:blank"}, "nothing was fetched from elsewhere"


@pytest.mark.parametrize("name", ["embed", "moderate"])
async def test_what_an_address_says_besides_is_nothing_to_the_page(
    page: Page, site: Site, name: str
) -> None:
    await site.say("hello")
    await page.note_troubles()
    token = site.token("moderator", sub="mo-1", name="Mo")
    for at, more in enumerate(STRANGE):
        await page.go_to("about:blank")  # else another fragment alone loads nothing
        await page.go_to(f"{site.page(name)}{more}")
        if name == "moderate" and at == 0:
            await sign_in(page, token)
        await page.until(STATE, "live")
        await page.until(TEXTS, ["hello"])
        assert await page.evaluate(RAN) == 0
        assert await page.evaluate("Object.prototype.hit ?? 0") == 0
    assert page.troubles == []
    asked = {url for url in page.answers if not url.startswith(site.url)}
    assert asked <= {"about:blank"}


async def test_an_address_that_is_too_long_is_refused_before_there_is_a_page(
    page: Page, site: Site
) -> None:
    await page.go_to(f"{site.page()}?{'a' * 100_000}")
    assert await page.evaluate("document.scripts.length") == 0
    assert await page.evaluate("document.getElementById('log') === null")


async def test_names_do_not_turn_what_stands_beside_them(page: Page, site: Site) -> None:
    await site.say("\u0634\u0643\u0631\u0627", author="\u0623\u0645\u064a\u0646\u0629 123")
    await opened(page, site)
    await page.until(f"{TEXTS}.length", 1)
    assert await page.evaluate("document.querySelector('.comment .name').tagName") == "BDI"
    left_to_right = (
        "document.querySelector('.comment .name').getBoundingClientRect().left"
        " < document.querySelector('.comment time').getBoundingClientRect().left"
    )
    assert await page.evaluate(left_to_right)


async def test_nothing_that_is_typed_is_wider_than_its_row(page: Page, site: Site) -> None:
    await page.look_like(360, 640)
    await site.say("x" * 500, "\ufdfd" * 80, "e\u0301\u0302\u0303" * 120, author="W" * 64)
    await opened(page, site)
    await page.until(f"{TEXTS}.length", 3)
    for element in ("document.documentElement", "document.getElementById('log')"):
        assert not await page.evaluate(f"{element}.scrollWidth > {element}.clientWidth")


async def test_an_injected_script_or_style_is_refused_by_the_policy(page: Page, site: Site) -> None:
    await opened(page, site)
    await page.evaluate(
        "window.refused = []; document.addEventListener('securitypolicyviolation',"
        " (event) => refused.push(event.effectiveDirective)); 0"
    )
    tries = (
        "const s = document.createElement('script'); s.append('hit = 1'); document.body.append(s)",
        "document.body.setAttribute('onclick', 'window.hit = 1'); document.body.click()",
        "document.head.append(document.createElement('style'))",
        "import('data:text/javascript,window.hit=1').catch(() => 0)",
    )
    for each in tries:
        await page.evaluate(f"(() => {{ try {{ {each} }} catch {{}} }})()")
    refused = ["require-trusted-types-for", "script-src-elem", "style-src-elem"]
    await page.until("[...new Set(refused)].sort()", refused)
    assert await page.evaluate(RAN) == 0
    assert await page.evaluate("document.styleSheets.length") == 3


async def test_markup_and_other_origins_are_refused_by_the_policy(page: Page, site: Site) -> None:
    await opened(page, site)
    throws = "(() => {{ try {{ {}; return '' }} catch (error) {{ return error.name }} }})()"
    markup = "document.body.innerHTML = '<b>x</b>'"
    assert await page.evaluate(throws.format(markup)) == "TypeError"
    guarded = {"allowUnsafeEvalBlockedByCSP": False}
    assert await page.evaluate(throws.format("eval('1')"), **guarded) == "EvalError"
    fetched = "fetch('https://evil.example/').then(() => '', (error) => error.name)"
    assert await page.evaluate(fetched) == "TypeError"
    image = json.dumps("https://evil.example/x.png")
    await page.evaluate(f"new Image().src = {image}")
    await eventually(lambda: sum("Content Security Policy" in each for each in page.troubles) >= 2)
