# SPDX-License-Identifier: MIT
"""The example of a user's own project: the package installed as users do it, and its tests on the emulator."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from foreign import outcomes

from k210 import paths

PROJECT = paths.ROOT / "examples" / "ci-project"
pytestmark = pytest.mark.timeout(400)


def run(*command: str, cwd: Path, timeout: float = 200, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "K210_", "PYTHON"))}
    return subprocess.run(
        command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the package installed as a user does it. What it needs from others it finds in
    this environment, so that nothing has to be fetched."""
    folder = tmp_path_factory.mktemp("user")
    for name in ("scripts", "boards"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
        shutil.copytree(paths.ROOT / name, folder / "checkout" / name, ignore=ignored)
    made = run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"), cwd=folder)
    assert made.returncode == 0, made.stderr
    (site,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "venv" / "bin" / "python"
    install = ["-m", "pip", "install", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    # An older k210 in the other environment must not count as one that is here already.
    done = run(str(python), *install, "--ignore-installed", str(folder / "checkout" / "scripts"), cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(folder / "checkout")
    where = run(str(python), "-c", "import k210; print(k210.__file__)", cwd=folder).stdout
    assert where.startswith(str(site)), where
    return python


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("build", "__pycache__", ".pytest_cache"))
    return folder


def test_its_tests_pass_with_an_installed_package(python: Path, project: Path) -> None:
    result = run(
        str(python), "-m", "pytest", "-p", "no:labgrid", cwd=project,
        K210_QEMU=str(paths.emulator_binary()), K210_FIRMWARE=str(paths.firmware(paths.DEFAULT_BOARD)),
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    found = outcomes(project / "build" / "report" / "junit.xml")
    assert len(found) == 11
    assert set(found.values()) == {"passed"}
    assert "K210 boards" in (project / "build" / "report" / "report.html").read_text()


def test_a_checkout_can_be_named_instead(python: Path, project: Path) -> None:
    result = run(
        str(python), "-m", "pytest", "-p", "no:labgrid", "-k", "is_red", cwd=project, K210_HOME=str(paths.ROOT)
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_said_without_emulator_and_firmware(python: Path, project: Path) -> None:
    result = run(str(python), "-m", "pytest", "-p", "no:labgrid", "-x", cwd=project)
    assert "where is the emulator? K210_QEMU names qemu-system-riscv64, or K210_HOME" in result.stdout
    result = run(
        str(python), "-m", "pytest", "-p", "no:labgrid", "-x", cwd=project, K210_QEMU=str(paths.emulator_binary())
    )
    assert "where is the firmware of maix_bit? K210_FIRMWARE names firmware.bin, or K210_HOME" in result.stdout


def test_installed_package_knows_the_boards(python: Path, project: Path) -> None:
    code = "from k210 import paths; print(paths.board_data('maix_bit')['k210']['lcd']['type'], paths.ROOT)"
    assert run(str(python), "-c", code, cwd=project).stdout.startswith("st7789 ")


def test_ci_files_are_well_formed() -> None:
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "test.yml").read_text())
    assert set(workflow["jobs"]) == {"emulator", "board"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))
    pipeline = yaml.load((PROJECT / ".gitlab-ci.yml").read_text(), Loader)
    assert pipeline["emulator"]["extends"] == ".k210"
