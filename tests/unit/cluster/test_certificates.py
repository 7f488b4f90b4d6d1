"""Certificates for processes that somebody else starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509

from cluster.certificates import make_certificates, read_wanted
from cluster.errors import ClusterError
from service.tls import TlsFiles
from wire.roles import Role

WORDS = ("writer/w1", "dispatcher/d1", "node/n1=n1.example,10.0.0.1,FD00::1", "gateway=*.example")


def make(folder: Path, *words: str) -> dict[str, bool]:
    """Folder below `folder` -> whether it was made just now."""
    made = make_certificates(folder, read_wanted(words or WORDS))
    return {str(each.folder.relative_to(folder)): each.new for each in made}


def names(folder: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in san}


def test_each_process_gets_a_folder_that_it_can_start_with(tmp_path: Path) -> None:
    assert make(tmp_path) == dict.fromkeys(("writer/w1", "dispatcher/d1", "node/n1", "gateway"), 1)
    for role, name in ((Role.WRITER, "w1"), (Role.DISPATCHER, "d1"), (Role.NODE, "n1")):
        assert TlsFiles(tmp_path / role / name, (role, name)).problem is None
    assert {"n1.example", "10.0.0.1", "fd00::1"} < names(tmp_path / "node" / "n1")
    assert names(tmp_path / "gateway") == {"*.example"}
    key = tmp_path / "ca" / "ca.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert not [path for path in tmp_path.rglob("ca.key") if path != key]


def test_what_is_good_stays_and_what_is_new_or_has_other_names_is_made(tmp_path: Path) -> None:
    make(tmp_path)
    assert not any(make(tmp_path).values())
    assert make(tmp_path, "node/n1=n1.example", "node/n2", "writer/w1") == {
        "node/n1": True,
        "node/n2": True,
        "writer/w1": False,
    }


def test_a_ca_whose_key_is_elsewhere_is_not_replaced(tmp_path: Path) -> None:
    make(tmp_path)
    before = (tmp_path / "ca" / "ca.pem").read_bytes()
    os.rename(tmp_path / "ca" / "ca.key", tmp_path / "ca.key")
    with pytest.raises(ClusterError, match=r"put ca\.key there"):
        make(tmp_path)
    assert (tmp_path / "ca" / "ca.pem").read_bytes() == before


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("n1", "must be writer/ID"),
        ("single/s1", "must be writer/ID"),
        ("node/", "must be writer/ID"),
        ("node/N1", "must be writer/ID"),
        ("node/../x", "must be writer/ID"),
        ("gateway/x", "must be writer/ID"),
        ("node/n1=", "nothing is no DNS name"),
        ("node/n1=a_b", "a_b is no DNS name"),
        ("node/n1=*.example", "is no DNS name"),
        ("gateway=a,", "nothing is no DNS name"),
    ],
)
def test_what_cannot_be_a_certificate_is_told(word: str, why: str) -> None:
    with pytest.raises(ClusterError) as told:
        read_wanted([word])
    assert why in str(told.value)


def test_two_for_one_process_are_refused() -> None:
    with pytest.raises(ClusterError, match="node/n1 is named twice"):
        read_wanted(["node/n1", "node/n1=a"])
