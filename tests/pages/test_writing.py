"""What somebody sees who writes: posted, held, refused, with and without a token."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Page
from tests.pages.looks import (
    FIELD,
    FOCUS,
    HINT,
    MISTAKE,
    NAMES,
    OUTCOME,
    STATE,
    TEXTS,
    UNSENT,
    opened,
    shown,
    write,
)
from tests.pages.scripted import MINUTES_S, Refusal, Scripted
from tests.pages.site import Site
from tests.support import started

READ_ONLY = "document.getElementById('text').readOnly"
ANSWERED = """performance.getEntriesByType('resource')
    .filter(({ name }) => name.endsWith('/comments')).length"""
SEND = "document.getElementById('send').textContent"
PLACEHOLDER = "document.getElementById('text').placeholder"


async def test_a_guest_writes_under_a_name_that_is_remembered(page: Page, site: Site) -> None:
    await opened(page, site)
    await write(page, "hello", author="Rui")
    await page.until(TEXTS, ["hello"])
    await page.until(NAMES, ["Rui"])
    assert await page.evaluate(FIELD) == ""
    # Until the reply is there it is an echo.
    await page.until("document.querySelectorAll('.comment:not(.pending)').length", 1)
    history = await site.call("GET", "comments")
    assert [comment["text"] for comment in history["comments"]] == ["hello"]
    await page.go_to(site.page())
    await page.until("document.getElementById('author').value", "Rui")


async def test_what_is_missing_is_said_and_gets_the_focus(page: Page, site: Site) -> None:
    await opened(page, site)
    await write(page, "hello")
    await page.until(OUTCOME, "Enter a name first.")
    assert await page.evaluate(FOCUS) == "author"
    await page.type("Rui")
    await page.press("Enter")
    await page.until(TEXTS, ["hello"])
    await page.until(OUTCOME, "")


@pytest.mark.parametrize(
    ("settings", "text", "reason"),
    [
        ({"links": False}, "see https://a.example", "Links are not allowed here."),
        (
            {"repeats": False},
            "again",
            "You have just said the same. Say something new, or wait half a minute.",
        ),
        ({}, "Buy my coins", "It has words that are not allowed here."),
        (
            {},
            "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
            "There are too many marks on one letter.",
        ),
        ({}, "x" * 501, "A comment has 1 to 500 characters."),
    ],
    ids=["links", "duplicate", "blocked", "marks", "length"],
)
async def test_a_refusal_has_a_reason_and_the_text_comes_back(
    page: Page, site: Site, settings: dict[str, bool], text: str, reason: str
) -> None:
    await site.moderate("PATCH", "settings", {"slow_mode_s": 0, **settings})
    await site.moderate("PUT", "filters", {"terms": [{"term": "coins", "action": "block"}]})
    await site.say("again", author="Rui")
    await opened(page, site)
    await write(page, text, author="Rui")
    await page.until(OUTCOME, reason)
    assert await page.evaluate(MISTAKE)
    assert await page.evaluate(FIELD) == text
    await page.until(TEXTS, ["again"])


async def test_a_held_comment_is_explained_and_appears_when_it_is_approved(
    page: Page, site: Site
) -> None:
    await site.moderate("PUT", "filters", {"terms": [{"term": "call", "action": "hold"}]})
    await opened(page, site)
    await write(page, "call me", author="Rui")
    await page.until(f"{OUTCOME}.startsWith('A moderator looks at your comment first.')")
    await page.until(TEXTS, [])
    (held,) = (await site.moderate("GET", "held"))["held"]
    await site.moderate("POST", f"held/{held['id']}", {"decision": "approve"})
    await page.until(TEXTS, ["call me"])


async def test_slow_mode_counts_down_and_lets_nothing_out_meanwhile(page: Page, site: Site) -> None:
    await site.moderate("PATCH", "settings", {"slow_mode_s": 600})
    await opened(page, site)
    await page.until(HINT, "Slow mode: one comment every 10 minutes.")
    await write(page, "one", author="Rui")
    await page.until(f"{HINT}.startsWith('Slow mode: you can comment again in ')")
    await write(page, "two")
    assert await page.evaluate(FIELD) == "two", "it is not sent, and not lost"
    assert (
        await page.evaluate("document.getElementById('send').getAttribute('aria-disabled')")
        == "true"
    )
    await site.moderate("PATCH", "settings", {"slow_mode_s": 0})
    await page.until(TEXTS, ["one"])


async def test_slow_mode_that_ends_early_lets_everybody_write_at_once(
    page: Page, site: Site
) -> None:
    await site.moderate("PATCH", "settings", {"slow_mode_s": 600})
    await opened(page, site)
    await write(page, "one", author="Rui")
    await page.until(f"{HINT}.startsWith('Slow mode: you can comment again in ')")
    await site.moderate("PATCH", "settings", {"slow_mode_s": 0})
    await page.until(SEND, "Send")
    await write(page, "two")
    await page.until(TEXTS, ["one", "two"])


async def test_where_comments_are_closed_nothing_can_be_written_until_they_are_open(
    page: Page, site: Site
) -> None:
    await opened(page, site)
    await site.moderate("PATCH", "settings", {"closed": True})
    await page.until(PLACEHOLDER, "Comments are closed.")
    assert await page.evaluate(READ_ONLY)
    await site.moderate("PATCH", "settings", {"closed": False})
    await page.until(PLACEHOLDER, "Say something…")
    await write(page, "hello", author="Rui")
    await page.until(TEXTS, ["hello"])


async def test_who_is_typing_when_comments_are_closed_keeps_the_place_and_the_text(
    page: Page, site: Site
) -> None:
    await opened(page, site)
    await write(page, "before", author="Rui")
    await page.until(TEXTS, ["before"])
    await page.until(UNSENT, 0)
    await page.type("half a senten")
    await site.moderate("PATCH", "settings", {"closed": True})
    await page.until(HINT, "Comments are closed.")
    assert await page.evaluate(FOCUS) == "text"
    await page.type("ce")
    await page.press("Enter")
    assert await page.evaluate(FIELD) == "half a senten"
    await site.moderate("PATCH", "settings", {"closed": False})
    await page.until(HINT, "")
    await page.type("ce")
    await page.press("Enter")
    await page.until(TEXTS, ["before", "half a sentence"])


async def test_an_enter_that_ends_a_word_of_an_input_method_posts_nothing(
    page: Page, site: Site
) -> None:
    """Safari ends the composition before the key, and tells by its code alone."""
    await opened(page, site)
    await page.evaluate("document.getElementById('text').focus()")
    await page.type("kanji")
    about = {"key": "Enter", "windowsVirtualKeyCode": 229}
    for kind in ("keyDown", "keyUp"):
        await page.call("Input.dispatchKeyEvent", type=kind, **about)
    assert await page.evaluate(OUTCOME) == "", "a name would be asked for"
    await page.press("Enter")
    await page.until(OUTCOME, "Enter a name first.")


@pytest.mark.parametrize(
    "refusals",
    [
        [Refusal(503, "store_unavailable", MINUTES_S, stores=True)],
        [Refusal(500, "internal", stores=True)],
        [Refusal(0, stores=True), Refusal(504, "gateway_timeout", MINUTES_S)],
        [Refusal(0), Refusal(503, "store_unavailable", MINUTES_S)],
        [Refusal(503, "store_unavailable", MINUTES_S, stores=True), Refusal(429, "slow_mode", 1)],
    ],
    ids=["uncertain", "internal", "hung up", "not stored", "refused meanwhile"],
)
async def test_what_may_have_been_saved_is_sent_again_under_its_key(
    page: Page, refusals: list[Refusal]
) -> None:
    async with started(Scripted()) as scripted:
        scripted.refusals.extend(refusals)
        await page.go_to(f"{scripted.url}/embed/v1")
        await page.until(STATE, "live")
        await write(page, "hello", author="Rui")
        answers = [each for each in refusals if each.status]
        for _ in answers:
            await page.until(f"{FIELD} === 'hello' && {MISTAKE} && {SEND} === 'Send'")
            await page.press("Enter")
        await page.until(ANSWERED, len(answers) + 1)
        await page.until(OUTCOME, "")
        assert len(set(scripted.keys)) == len(scripted.stored) == 1
        await page.until(TEXTS, ["hello"])
        await write(page, "hello")
        await page.until(TEXTS, ["hello", "hello"])
        await page.until(UNSENT, 0)
        assert len(set(scripted.keys)) == 2, "that was another one"


async def test_another_text_or_name_has_a_key_of_its_own(page: Page) -> None:
    async with started(Scripted()) as scripted:
        scripted.refusals.append(Refusal(503, "store_unavailable", MINUTES_S, stores=True))
        await page.go_to(f"{scripted.url}/embed/v1")
        await page.until(STATE, "live")
        await write(page, "hello", author="Rui")
        await page.until(FIELD, "hello")
        await write(page, "", author="Zoë")
        await page.until(TEXTS, ["hello", "hello"])
        await page.until(NAMES, ["Rui", "Zoë"])
        await page.until(UNSENT, 0)
        assert len(set(scripted.keys)) == 2


async def test_where_a_token_is_needed_a_guest_is_told_when_it_matters(
    page: Page, tmp_path: Path
) -> None:
    async with started(Site(tmp_path, AUTH="jwt")) as site:
        await opened(page, site)
        await page.evaluate("document.getElementById('text').focus()")
        await page.until(PLACEHOLDER, "Sign in to comment.")


async def test_a_comment_written_during_an_outage_is_sent_once_when_it_is_over(
    page: Page, site: Site
) -> None:
    await opened(page, site)
    await site.stop()
    await write(page, "patience", author="Rui")
    await page.until("document.querySelectorAll('.comment.pending').length", 1)
    await page.until(OUTCOME, "There is no connection. Your comment is sent as soon as it is back.")
    await site.start()
    await page.until("document.querySelectorAll('.comment:not(.pending)').length", 1)
    await page.until(OUTCOME, "")
    history = await site.call("GET", "comments")
    assert [comment["text"] for comment in history["comments"]] == ["patience"]


async def test_everything_works_with_keys_alone(page: Page, site: Site) -> None:
    """In the order of the page: read aloud, the pinned comment, the comments, name, text, send."""
    (seq, *_) = await site.say(*(f"comment {n}" for n in range(40)))
    await site.moderate("PUT", "pin", {"seq": seq})
    await page.look_like(360, 500)
    await opened(page, site)
    await page.until(f"{TEXTS}.length", 40)
    await page.press("Tab")
    assert await page.evaluate(FOCUS) == "aloud"
    await page.press(" ")
    assert await page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    await page.press("Tab")
    await page.press("Enter")
    assert not await page.evaluate(shown("pin"))
    assert await page.evaluate(FOCUS) == "log", "where the page was left when its button went"
    await page.press("PageUp")
    await page.until(shown("fresh"))
    await page.press("Tab")
    assert await page.evaluate(FOCUS) == "fresh"
    await page.press("Enter")
    await page.until(shown("fresh"), wanted=False)
    assert await page.evaluate(FOCUS) == "log"
    await page.press("Tab")
    await page.type("Rui")
    await page.press("Tab")
    await page.type("with")
    await page.press("Enter", shift=True)
    await page.type("keys")
    await page.press("Tab")
    assert await page.evaluate(FOCUS) == "send"
    await page.press("Enter")
    await page.until(f"{TEXTS}.at(-1)", "with\nkeys")
