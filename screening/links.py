"""Links in a text: what a page or an app of a viewer may make one of.

An address with a scheme (`https://`) or `www.` is one. So is a bare domain if its end says so:

- `_SURE`: top-level domains that mean little else, and all country codes, count wherever a word
  ends. A country code needs a label of two letters or more before it: "v2.de" is no domain.
- `_WORDS`: those that are words of a sentence ("yes.it is") or endings of files ("main.py") count
  only with a path: "bit.ly" does, "youtu.be" alone does not, "youtu.be/x" does.

An address of e-mail is no link. What is compared is the folded text: full-width dots, other fonts
and invisible characters hide nothing. Look-alikes stay, since a domain spelled with them is another
domain, and a link too.
"""

from __future__ import annotations

from screening.normal_form import folded
from screening.patterns import PatternSet

_SURE = (
    "com net org edu gov mil int info biz app dev xyz online site website tech blog cloud store "
    "shop club vip icu casino bet poker games wiki agency page stream email digital media "
    "network wtf lol porn sex xxx cam zone рф укр бел 中国 台灣 香港 한국"
)
_COUNTRIES = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br "
    "bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz "
    "ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu "
    "gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr "
    "kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt "
    "mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps "
    "pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz "
    "tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf "
    "ws ye yt za zm zw"
)
# Of sentences in the languages that are written most in chats, and of files.
_WORDS = (
    "am as at be by do in is it me my no so to us ma na ne ni se si la al id im re pm ps et es "
    "md py sh rs cc ms mm sc zip mov live win top fun pro link click space today news chat "
    "video world"
)

_CHAR = r"[\pL\pN_-]"
_DOT = "[.。]"
_START = rf"(?:^|\.\.|[^\pL\pN\pM@._-])(?:{_CHAR}+{_DOT})*"
_LABEL = rf"{_CHAR}+{_DOT}"
_TWO_LETTERS = rf"{_CHAR}*\pL{_CHAR}*\pL{_CHAR}*{_DOT}"
_END = r"(?:$|[^\pL\pN\pM@._-]|[.-](?:$|[^\pL\pN]))"


def _any(names: str, but: str = "") -> str:
    return f"(?:{'|'.join(sorted(set(names.split()) - set(but.split())))})"


_LINK = PatternSet(
    [
        r"(?:^|[^\pL\pN])[a-z][a-z0-9+-]*://[^\s]",
        rf"(?:^|[^\pL\pN\pM@._-])www{_DOT}[\pL\pN]",
        rf"{_START}{_LABEL}(?:{_any(_SURE)}|xn--[a-z0-9-]+){_END}",
        rf"{_START}{_TWO_LETTERS}{_any(_COUNTRIES, _WORDS)}{_END}",
        rf"{_START}{_LABEL}{_any(_COUNTRIES + ' ' + _WORDS)}(?::[0-9]+)?/[^\s]",
    ],
    8 << 20,
)


def has_link(text: str) -> bool:
    """Whether somebody could follow a link in it. Linear time."""
    plain = folded(text)
    return ("." in plain or "://" in plain or "。" in plain) and bool(_LINK.matches(plain))
