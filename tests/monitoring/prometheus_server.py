"""A real Prometheus that scrapes one cluster, with the rules of docs/monitoring/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from cluster.cluster import Cluster
from cluster.parts import ROLES
from cluster.ports import free_ports
from cluster.servers.install import find_prometheus
from tests.monitoring.monitoring_files import FOLDER, RULES_FILE
from tests.server_process import ServerProcess


class PrometheusServer(ServerProcess):
    """It scrapes each second; ports of the parts are those that they have when it starts."""

    start_within_s = 60.0

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self._cluster = cluster
        (self.port,) = free_ports(1)

    async def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, params=parameters) as reply,
        ):
            document = await reply.json()
        assert document["status"] == "success", document
        return document["data"]

    async def query(self, expression: str) -> Sequence[Mapping[str, Any]]:
        """The samples that it gives now, but for those that are no number."""
        data = await self.ask("query", query=expression)
        assert data["resultType"] == "vector"
        return [sample for sample in data["result"] if sample["value"][1] != "NaN"]

    def _prepare(self) -> Sequence[str]:
        found = find_prometheus()
        assert found is not None
        example = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        example["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        example["rule_files"] = [str(RULES_FILE)]
        (job,) = example["scrape_configs"]
        job["static_configs"] = self._targets()
        config = self.folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(example))
        return [
            found[0], f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
        ]  # fmt: skip

    def _targets(self) -> list[dict[str, Any]]:
        ours = [part for part in self._cluster.parts if part.kind in ROLES]
        return [
            {
                "targets": [
                    f"{part.host}:{part.ports['ops']}" for part in ours if part.kind is kind
                ],
                "labels": {"role": str(kind)},
            }
            for kind in dict.fromkeys(part.kind for part in ours)
        ]

    async def _answers(self) -> bool:
        try:
            await self.ask("status/buildinfo")
        except (aiohttp.ClientError, OSError):
            return False
        return True
