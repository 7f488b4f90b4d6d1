"""The configuration of a Cassandra server: cassandra.yaml, its logging, the options of its JVM."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parents[2] / "compose" / "cassandra.yaml.in"
_RING = 2**64
_FIRST_TOKEN = -(2**63)
_LOGBACK = """\
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder>
      <pattern>%date{"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",UTC} %-5level %logger{0} %msg%n</pattern>
    </encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"""
# Cassandra on Java 17 reaches into these; without them it ends in the first second.
_EXPORTED = (
    "java.base/java.lang.ref",
    "java.base/jdk.internal.misc",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.attach/sun.tools.attach",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.unsupported/sun.misc",
)
_OPENED = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.compiler/com.sun.tools.javac",
    "jdk.management/com.sun.management.internal",
)


class _Template(string.Template):
    delimiter = "@"


def token(number: int, count: int) -> int:
    """Where the share of server `number` (from 1) of `count` equal ones begins."""
    return _FIRST_TOKEN + (number - 1) * (_RING // count)


def render(
    *,
    hosts: Sequence[str],
    number: int,
    cql_port: int,
    storage_port: int,
    folder: Path,
) -> str:
    """The text of cassandra.yaml for server `number` (from 1) of a ring of `hosts`.

    `folder` is for what it stores; JSON's strings are YAML's too, whatever a path holds.
    """
    return _Template(TEMPLATE.read_text()).substitute(
        token=token(number, len(hosts)),
        seeds=json.dumps(",".join(hosts)),
        host=hosts[number - 1],
        cql_port=cql_port,
        storage_port=storage_port,
        **{name: json.dumps(str(folder / name)) for name in _FOLDERS},
    )


_FOLDERS = ("data", "commitlog", "saved_caches", "hints", "cdc_raw")


def write(folder: Path, yaml: str) -> None:
    """Put the configuration into `folder`."""
    (folder / "triggers").mkdir(parents=True, exist_ok=True)
    (folder / "cassandra.yaml").write_text(yaml)
    (folder / "logback.xml").write_text(_LOGBACK)


def jvm_options(folder: Path, heap_mib: int, agent: Path) -> list[str]:
    """Options of a JVM for a server configured in `folder`; `agent` is jamm, which measures
    objects.
    """
    opened = [f"--add-opens={name}=ALL-UNNAMED" for name in _OPENED]
    exported = [f"--add-exports={name}=ALL-UNNAMED" for name in _EXPORTED]
    # Below a gibibyte the serial collector's pauses are short, and it takes the least memory.
    collector = "-XX:+UseSerialGC" if heap_mib < 1024 else "-XX:+UseG1GC"
    return [
        *exported,
        *opened,
        f"-javaagent:{agent}",
        f"-Xms{heap_mib}m",
        f"-Xmx{heap_mib}m",
        "-Xss256k",
        "-XX:MaxDirectMemorySize=256m",
        collector,
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Djdk.attach.allowAttachSelf=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Djna.nosys=true",
        f"-Dcassandra.config={(folder / 'cassandra.yaml').as_uri()}",
        f"-Dcassandra.storagedir={folder}",
        f"-Dcassandra.logdir={folder}",
        f"-Dcassandra.triggers_dir={folder / 'triggers'}",
        f"-Dlogback.configurationFile={(folder / 'logback.xml').as_uri()}",
        "-Dcassandra-foreground=yes",
        # All servers of the ring are known from the start: no waiting for others to turn up.
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dcassandra.ring_delay_ms=2000",
        "-Dcassandra.consistent.rangemovement=false",
        "-Dcassandra.superuser_setup_delay_ms=0",
        "-Dcassandra.shutdown_announce_in_ms=0",
    ]
