"""What a viewer could follow, and what only has dots in it."""

from __future__ import annotations

import pytest

from screening.links import has_link

LINKS = """
http://x.y
see https://a.b/c now
HTTPS://EXAMPLE.COM
http://localhost
https://1.2.3.4
tg://resolve
www.example.com
WWW.x
example.com
Example.COM/path?x=1#y
example.com:8080
a.example.co.uk
my-site.io
sub.my_site.io
4chan.org
x.com
t.co/1
(example.org)
go to example.com.
example.com, now
look...example.com
spiegel.de!
t.me/x
bit.ly/abc
youtu.be/xyz
free.win/x
script.sh/x
mail a@b.com or see http://x.y
пример.рф
xn--e1afmkfd.xn--p1ai
"""
HIDDEN = [
    "example\uff0ecom",
    "example\u3002com",
    "example\uff61com",
    "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d",  # full-width letters
    "exa\u200bmple.c\u200bom",
    "\U0001d41a\U0001d41b.com",  # mathematical letters
    "\u0435\u0445\u0430mple.com",  # Cyrillic letters: another domain, and one all the same
    "\nexample.com\n",
]
NO_LINKS = """
hello
v1.2.3
3.14
1.2.3.4
12:30
$5.99
e.g.
i.e. this
p.s. hi
a.m.
U.S.A.
wow...nice
Mr.Smith
hello.world
yes.it is
ok.so what
good.Me too
end.In short
what?!.no
v2.de
12.in
10.ru
README.md
main.py
node.js
file.tar.gz
youtu.be
and/or
wait.what/ever
ann@example.com
mail ann.b@mail.example.com now
me@example.com.
ann@t.co/x
@ann
com
net.
www
www.
http://
http:// x
...
"""


@pytest.mark.parametrize("text", [*LINKS.strip().splitlines(), *HIDDEN])
def test_links(text: str) -> None:
    assert has_link(text)
    assert has_link(f"hey {text} there")


@pytest.mark.parametrize("text", ["", *NO_LINKS.strip().splitlines()])
def test_dots_that_are_no_links(text: str) -> None:
    assert not has_link(text)
    assert not has_link(f"hey {text} there")


def test_a_long_text_is_searched_to_its_end() -> None:
    assert not has_link("a." * 5_000)
    assert has_link("a-" * 5_000 + "a.com")
    assert has_link("a." * 5_000 + "com")
