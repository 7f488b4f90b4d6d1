"""Certificates for processes that somebody else starts."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cluster.ca import CA_DAYS, DevelopmentCa
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


def test_a_ca_whose_certificate_is_elsewhere_is_not_replaced(tmp_path: Path) -> None:
    make(tmp_path)
    before = (tmp_path / "ca" / "ca.key").read_bytes()
    (tmp_path / "ca" / "ca.pem").unlink()
    with pytest.raises(ClusterError, match=r"put ca\.pem there"):
        make(tmp_path)
    assert (tmp_path / "ca" / "ca.key").read_bytes() == before


def refusal(folder: Path) -> str:
    """What it says, of a CA that it leaves as it is, with all that this has vouched for."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ClusterError) as told:
        make(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return str(told.value)


def keep(ca: DevelopmentCa, folder: Path) -> None:
    """As if the command had made this CA."""
    folder.mkdir(exist_ok=True)
    key = ca.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.key").write_bytes(key)
    (folder / "ca.pem").write_bytes(ca.pem)


@pytest.mark.parametrize("left_days", [121, 0, -5])
def test_a_ca_near_its_end_is_not_replaced(tmp_path: Path, left_days: int) -> None:
    make(tmp_path)
    began = dt.datetime.now(dt.UTC) - dt.timedelta(CA_DAYS - left_days)
    keep(DevelopmentCa.new(now=began), tmp_path / "ca")
    told = refusal(tmp_path)
    assert f"to {began + dt.timedelta(CA_DAYS):%Y-%m-%d}, which is not long enough" in told
    assert '"A new CA"' in told


def test_a_ca_with_a_third_of_a_years_life_left_still_vouches(tmp_path: Path) -> None:
    keep(
        DevelopmentCa.new(now=dt.datetime.now(dt.UTC) - dt.timedelta(CA_DAYS - 123)),
        tmp_path / "ca",
    )
    assert all(make(tmp_path).values())


def test_a_ca_that_is_not_valid_yet_is_not_replaced(tmp_path: Path) -> None:
    keep(DevelopmentCa.new(now=dt.datetime.now(dt.UTC) + dt.timedelta(5000)), tmp_path / "ca")
    assert "which is not long enough" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_ca_that_cannot_be_read_is_not_replaced(
    tmp_path: Path, name: str, content: bytes
) -> None:
    make(tmp_path)
    (tmp_path / "ca" / name).write_bytes(content)
    assert "put back ca.pem and ca.key as they were" in refusal(tmp_path)


def test_a_key_of_another_kind_or_with_a_password_is_not_replaced(tmp_path: Path) -> None:
    make(tmp_path)
    rsa_key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "ca" / "ca.key").write_bytes(
        rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    assert "cannot be used" in refusal(tmp_path)
    sealed = DevelopmentCa.new().key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )
    (tmp_path / "ca" / "ca.key").write_bytes(sealed)
    assert "assword" in refusal(tmp_path)


def test_a_key_of_another_certificate_vouches_for_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    pem = (tmp_path / "ca" / "ca.pem").read_bytes()
    keep(DevelopmentCa.new(), tmp_path / "ca")
    (tmp_path / "ca" / "ca.pem").write_bytes(pem)
    assert "is the key of another certificate" in refusal(tmp_path)


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
