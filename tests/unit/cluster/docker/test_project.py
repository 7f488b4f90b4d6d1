"""Which containers and volumes belong to a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from cluster.docker.project import keep_project, project_name
from cluster.folder import ClusterFolder


def made(home: Path) -> tuple[ClusterFolder, str]:
    folder = ClusterFolder(home, "x")
    name = project_name(folder)
    folder.path.mkdir(parents=True)
    keep_project(folder, name)
    return folder, name


def test_a_folder_keeps_its_name_also_when_it_is_moved(tmp_path: Path) -> None:
    folder, name = made(tmp_path)
    assert project_name(folder) == name
    folder.path.rename(tmp_path / "y")
    assert project_name(ClusterFolder(tmp_path, "y")) == name
    assert made(tmp_path)[1] != name, "a new one where it was is another"


def test_a_copy_has_another_name_wherever_it_is(tmp_path: Path) -> None:
    folder, name = made(tmp_path)
    shutil.copytree(folder.path, tmp_path / "y")
    assert project_name(ClusterFolder(tmp_path, "y")) != name
    folder.path.rename(tmp_path / "z")
    shutil.copytree(tmp_path / "z", folder.path)
    assert project_name(folder) != name
    assert project_name(ClusterFolder(tmp_path, "z")) == name


def test_a_folder_from_before_names_were_kept_has_the_name_of_its_path(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path, "x")
    (folder.path / "compose").mkdir(parents=True)
    assert project_name(folder) == project_name(folder)
