# SPDX-License-Identifier: MIT
"""k210 pack, through its command line."""

import json
import zipfile
from pathlib import Path

import pytest

from k210.cli import main
from k210.image import load_argument


def make(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    path.write_bytes(bytes(range(256)) * (size // 256) + bytes(size % 256))
    return path


def test_archive_holds_list_and_files(tmp_path: Path) -> None:
    program, model = make(tmp_path, "app.bin", 1000), make(tmp_path, "net.kmodel", 2000)
    output = tmp_path / "out.kfpkg"
    assert main(["pack", "-o", str(output), str(model), f"{program}@0"]) == 0
    with zipfile.ZipFile(output) as archive:
        assert archive.testzip() is None
        listing = json.loads(archive.read("flash-list.json"))
        assert listing["version"] == "0.1.0"
        assert listing["files"] == [
            {"address": 0, "bin": "app.bin", "sha256Prefix": True},
            {"address": 0x300000, "bin": "net.kmodel", "sha256Prefix": False},
        ]
        assert archive.read("app.bin") == program.read_bytes()
        assert archive.read("net.kmodel") == model.read_bytes()


def test_archive_reads_back_as_the_same_parts(tmp_path: Path) -> None:
    program, model = make(tmp_path, "app.bin", 1000), make(tmp_path, "net.kmodel", 2000)
    output = tmp_path / "out.kfpkg"
    main(["pack", "-o", str(output), str(program), f"{model}@0x200000"])
    parts = load_argument(str(output))
    assert [(p.address, p.data, p.bootable) for p in parts] == [
        (0, program.read_bytes(), True),
        (0x200000, model.read_bytes(), False),
    ]


def test_same_parts_give_the_same_bytes(tmp_path: Path) -> None:
    model = make(tmp_path, "net.kmodel", 2000)
    for name in ("a", "b"):
        main(["pack", "-o", str(tmp_path / name), str(model)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_equal_names_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    one, two = make(tmp_path, "net.kmodel", 300), make(tmp_path / "sub", "net.kmodel", 500)
    output = tmp_path / "out.kfpkg"
    assert main(["pack", "-o", str(output), f"{one}@0x100000", f"{two}@0x200000"]) == 0
    assert [len(p.data) for p in load_argument(str(output))] == [300, 500]


def test_refuses_an_overlap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = make(tmp_path, "one.kmodel", 0x2000), make(tmp_path, "two.kmodel", 0x1000)
    output = tmp_path / "out.kfpkg"
    assert main(["pack", "-o", str(output), f"{one}@0x300000", f"{two}@0x301000"]) != 0
    message = capsys.readouterr().err
    assert "one.kmodel (0x300000-0x301fff)" in message
    assert "two.kmodel (0x301000-0x301fff)" in message
    assert not output.exists()


def test_refuses_what_goes_past_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make(tmp_path, "net.kmodel", 0x1001)
    output = tmp_path / "out.kfpkg"
    assert main(["pack", "-o", str(output), f"{model}@0xfff000"]) != 0
    message = capsys.readouterr().err
    assert "net.kmodel (0xfff000-0x1000000)" in message
    assert "0x000000-0xffffff" in message
    assert not output.exists()


def test_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make(tmp_path, "net.kmodel", 16)
    assert main(["pack", "-o", str(tmp_path / "no" / "out.kfpkg"), str(model)]) != 0
    assert "cannot write" in capsys.readouterr().err
