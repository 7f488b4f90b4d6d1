from __future__ import annotations

from pathlib import Path

import pytest

from service.config import ConfigError, EnvReader, PubSubConfig, ServiceConfig
from wire.roles import Peer, Role


def faults(env: EnvReader) -> str:
    with pytest.raises(ConfigError) as told:
        env.done()
    return str(told.value)


def test_defaults_bind_loopback_and_any_free_port() -> None:
    env = EnvReader({"SERVICE_ID": "w1"})
    config = ServiceConfig.read(env, Role.WRITER)
    env.done()
    assert config == ServiceConfig(
        role=Role.WRITER,
        id="w1",
        public_host="127.0.0.1",
        internal_host="127.0.0.1",
        ops_host="127.0.0.1",
        advertise_host="127.0.0.1",
        internal_port=0,
        ops_port=0,
        tls_dir=Path("tls"),
        log_level="info",
        log_format="auto",
    )


def test_a_peer_may_be_called_elsewhere_than_it_says() -> None:
    env = EnvReader({"SERVICE_ID": "n1", "PEER_DETOURS": "writer/w1=127.0.0.1:9000, node/n2=h:1"})
    assert ServiceConfig.read(env, Role.NODE).detours == {
        "writer/w1": ("127.0.0.1", 9000),
        "node/n2": ("h", 1),
    }
    env.done()


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a_b", "a.", "0.0.0.0", "::1", "[a]"])
def test_a_detour_leads_to_a_host(host: str) -> None:
    env = EnvReader({"SERVICE_ID": "n1", "PEER_DETOURS": f"writer/w1={host}:9000"})
    assert ServiceConfig.read(env, Role.NODE).detours == {}
    assert "PEER_DETOURS: writer/w1=" in faults(env)


def test_failpoints_and_detours_that_cannot_be_are_faults() -> None:
    env = EnvReader({"SERVICE_ID": "n1", "PEER_DETOURS": "w1=h:1", "FAILPOINT": "node.gone:kill"})
    ServiceConfig.read(env, Role.NODE)
    told = faults(env)
    assert "PEER_DETOURS: w1=h:1" in told
    assert "FAILPOINT: node.gone is none of" in told


def test_the_advertised_host_is_the_bound_one_unless_told_otherwise() -> None:
    env = EnvReader({"SERVICE_ID": "w1", "BIND_HOST": "10.0.0.1"})
    assert ServiceConfig.read(env, Role.WRITER).advertise_host == "10.0.0.1"
    env = EnvReader({"SERVICE_ID": "w1", "BIND_HOST": "0.0.0.0", "ADVERTISE_HOST": "w1.example"})
    assert ServiceConfig.read(env, Role.WRITER).advertise_host == "w1.example"


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a_b", "a.", "0.0.0.0", "::", "[::1]", "a:1"])
def test_what_others_would_ignore_is_not_announced(host: str) -> None:
    env = EnvReader({"SERVICE_ID": "w1", "ADVERTISE_HOST": host})
    ServiceConfig.read(env, Role.WRITER)
    assert f"ADVERTISE_HOST={host} must be" in faults(env)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_who_listens_everywhere_and_is_announced_must_say_where(host: str) -> None:
    variables = {"SERVICE_ID": "w1", "BIND_HOST": host}
    env = EnvReader(variables)
    ServiceConfig.read(env, Role.DISPATCHER, announced=True)
    assert f"BIND_HOST={host} is every address, which nobody can call" in faults(env)
    for extra, announced in (({}, False), ({"ADVERTISE_HOST": "w1"}, True)):
        env = EnvReader(variables | extra)
        ServiceConfig.read(env, Role.WRITER, announced=announced)
        env.done()


def test_each_listener_may_have_an_address_of_its_own() -> None:
    variables = {"SERVICE_ID": "w1", "BIND_HOST": "10.0.0.1", "OPS_HOST": "10.0.9.1"}
    env = EnvReader(variables | {"INTERNAL_HOST": "10.0.5.1"})
    config = ServiceConfig.read(env, Role.WRITER, announced=True)
    env.done()
    hosts = (config.public_host, config.internal_host, config.ops_host)
    assert hosts == ("10.0.0.1", "10.0.5.1", "10.0.9.1")
    assert config.advertise_host == "10.0.5.1"  # others call the internal listener


@pytest.mark.parametrize("listener", ["PUBLIC_HOST", "OPS_HOST"])
def test_only_the_address_that_others_call_must_be_one(listener: str) -> None:
    env = EnvReader({"SERVICE_ID": "w1", listener: "0.0.0.0"})
    assert ServiceConfig.read(env, Role.WRITER, announced=True).advertise_host == "127.0.0.1"
    env.done()
    env = EnvReader({"SERVICE_ID": "w1", "INTERNAL_HOST": "0.0.0.0"})
    ServiceConfig.read(env, Role.WRITER, announced=True)
    assert "INTERNAL_HOST=0.0.0.0 is every address" in faults(env)


def test_a_host_that_cannot_be_bound_is_a_fault() -> None:
    env = EnvReader({"SERVICE_ID": "w1", "BIND_HOST": "a..b"})
    ServiceConfig.read(env, Role.WRITER)
    assert faults(env).count("BIND_HOST=a..b must be") == 1


@pytest.mark.parametrize("word", ["a..b:2181", "z:0", "z:99999", "z:x", "z/chroot", "::1:2181", ""])
def test_a_server_that_cannot_be_called_is_a_fault(word: str) -> None:
    env = EnvReader({"ZOOKEEPER": f"zk_1:2181,zk-2.example.,[::1]:2181,{word or 'a b'}"})
    assert env.servers("ZOOKEEPER", "", 2181)[:2] == ("zk_1:2181", "zk-2.example.")
    assert faults(env) == f"ZOOKEEPER: {word or 'a b'} is not host:port"


def test_all_faults_are_told_at_once() -> None:
    env = EnvReader(
        {
            "SERVICE_ID": "Not_A_Label",
            "INTERNAL_PORT": "70000",
            "OPS_PORT": "http",
            "LOG_LEVEL": "loud",
            "LOG_FORMAT": "xml",
        }
    )
    ServiceConfig.read(env, Role.NODE)
    env.fault("and one of ours")
    told = faults(env)
    for name in ("SERVICE_ID", "INTERNAL_PORT", "OPS_PORT", "LOG_LEVEL", "LOG_FORMAT", "of ours"):
        assert name in told


def test_what_must_be_set_and_is_not_is_named() -> None:
    env = EnvReader({"ZOOKEEPER": ""})
    assert env.text("ZOOKEEPER") == ""
    assert faults(env) == "ZOOKEEPER is not set"


@pytest.mark.parametrize("text", ["x", "nan", "inf", "-inf", "-1", "11", "1e9", "0x5", "5s"])
def test_a_number_out_of_its_bounds_is_a_fault(text: str) -> None:
    env = EnvReader({"N": text})
    assert env.number("N", 5, 0, 10) == 5
    assert "N=" in faults(env)


@pytest.mark.parametrize(("text", "value"), [("", 5.0), ("0", 0.0), ("10", 10.0), ("2.5", 2.5)])
def test_a_number_within_its_bounds_is_taken(text: str, value: float) -> None:
    env = EnvReader({"N": text})
    assert env.number("N", 5, 0, 10) == value
    env.done()


def test_an_integer_is_whole() -> None:
    env = EnvReader({"N": "2.5", "M": "3"})
    assert (env.integer("N", 5, 0, 10), env.integer("M", 5, 0, 10)) == (2, 3)
    assert faults(env) == "N must be a whole number"


def test_words_are_split_at_commas_and_empty_ones_dropped() -> None:
    env = EnvReader({"W": " a ,b,, c"})
    assert env.words("W") == ("a", "b", "c")
    assert env.words("X") == ()
    env.done()


def test_a_choice_is_one_of_its_words() -> None:
    env = EnvReader({"C": "b", "D": "z"})
    assert env.choice("C", "a", ("a", "b")) == "b"
    env.choice("D", "a", ("a", "b"))
    assert faults(env) == "D=z must be one of a, b"


def test_processes_are_named_with_their_addresses() -> None:
    env = EnvReader({"WRITER_ADDRESSES": "w1=10.0.0.1:80, w2=[::1]:81,,"})
    assert env.peers("WRITER_ADDRESSES", Role.WRITER) == (
        Peer(Role.WRITER, "w1", "10.0.0.1", 80),
        Peer(Role.WRITER, "w2", "::1", 81),
    )
    assert env.peers("OTHERS", Role.WRITER) == ()
    env.done()


@pytest.mark.parametrize(
    "word",
    [
        "w1",
        "w1=",
        "w1=host",
        "w1=host:",
        "w1=:80",
        "W1=host:80",
        "w1=host:x",
        "w1=host:\u0662",
        "w1=a..b:80",
        "w1=a_b:80",
        "w1=0.0.0.0:80",
        "w1=host:0",
        "w1=host:65536",
    ],
)
def test_a_process_without_a_name_or_an_address_is_a_fault(word: str) -> None:
    env = EnvReader({"WRITER_ADDRESSES": f"ok=host:1,{word}"})
    assert [peer.id for peer in env.peers("WRITER_ADDRESSES", Role.WRITER)] == ["ok"]
    assert "is not id=host:port" in faults(env)


def test_redis_is_told_by_a_url() -> None:
    env = EnvReader({"REDIS_URL": "rediss://:word@redis.example:6380", "CHANNELS": "8"})
    assert PubSubConfig.read(env) == PubSubConfig("rediss://:word@redis.example:6380", 8)
    env.done()


@pytest.mark.parametrize(
    "url",
    [
        "redis",
        "http://h:1",
        "redis://h",
        "redis://:6379",
        "redis://h:port",
        "redis://h:99999",
        "redis://a..b:6379",
        "redis://h:1?db=0",
        "redis://h:1/0?no_such_argument=1",
        "redis://h:1?",
        "redis://h:1#x",
    ],
)
def test_a_url_that_leads_to_no_redis_is_a_fault_and_its_password_is_not_told(url: str) -> None:
    env = EnvReader({"REDIS_URL": url.replace("//", "//:secret@"), "CHANNELS": "0"})
    PubSubConfig.read(env)
    told = faults(env)
    assert "REDIS_URL must be" in told
    assert "CHANNELS" in told
    assert "secret" not in told
