# SPDX-License-Identifier: MIT
"""Flash contents: arguments, the boot image, kfpkg reading."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from k210.errors import K210Error
from k210.image import FlashPart, boot_image, build_image, check_layout, load_argument, load_arguments, write_parts

SIZE = 1 << 20


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def kfpkg(path: Path, files: list[dict], **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flash-list.json", json.dumps({"version": "0.1.0", "files": files}))
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return path


def test_boot_image_has_flag_length_and_digest() -> None:
    image = boot_image(b"program")
    assert image[:5] == b"\x00\x07\x00\x00\x00"
    assert image[5:12] == b"program"
    assert image[12:] == hashlib.sha256(image[:12]).digest()


def test_defaults_by_suffix(tmp_path: Path) -> None:
    program = load_argument(str(write(tmp_path / "a.bin", b"p")))
    model = load_argument(str(write(tmp_path / "a.kmodel", b"m")))
    assert [(p.address, p.bootable) for p in program + model] == [(0, True), (0x300000, False)]


def test_address_in_the_argument(tmp_path: Path) -> None:
    file = write(tmp_path / "a.kmodel", b"m")
    assert load_argument(f"{file}@0x200000")[0].address == 0x200000
    assert load_argument(f"{file}@4096")[0].address == 4096


def test_file_with_an_at_sign_in_its_name(tmp_path: Path) -> None:
    file = write(tmp_path / "me@home.kmodel", b"m")
    assert load_argument(str(file))[0].address == 0x300000


@pytest.mark.parametrize(
    ("name", "data", "argument", "message"),
    [
        ("a.bin", b"", "a.bin", "is empty"),
        ("a.dat", b"1", "a.dat", "where in flash"),
        ("a.kmodel", b"1", "a.kmodel@here", "not an address"),
        ("a.kmodel", b"1", "a.kmodel@-4", "negative"),
        ("a.kmodel", b"1", "b.kmodel", "cannot read"),
        ("a.kfpkg", b"1", "a.kfpkg", "not a kfpkg"),
        ("a.kfpkg", b"1", "a.kfpkg@0x1000", "leave out"),
    ],
)
def test_bad_arguments(tmp_path: Path, name: str, data: bytes, argument: str, message: str) -> None:
    write(tmp_path / name, data)
    with pytest.raises(K210Error, match=message):
        load_argument(str(tmp_path / argument))


def test_kfpkg_entries(tmp_path: Path) -> None:
    files = [
        {"address": 0, "bin": "a.bin", "sha256Prefix": True},
        {"address": "0x2000", "bin": "b.bin", "sha256Prefix": False},
        {"address": 0x3000, "bin": "c.bin", "sha256Prefix": False, "reverse4Bytes": True},
    ]
    path = kfpkg(tmp_path / "x.kfpkg", files, a_bin=b"prog", b_bin=b"data", c_bin=b"1234567")
    parts = load_argument(str(path))
    assert [p.address for p in parts] == [0, 0x2000, 0x3000]
    assert parts[0].flash_bytes() == boot_image(b"prog")
    assert parts[1].flash_bytes() == b"data"
    assert parts[2].flash_bytes() == b"4321\x00765"


def test_kfpkg_with_bare_hexadecimal_addresses(tmp_path: Path) -> None:
    path = tmp_path / "x.kfpkg"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flash-list.json", '{"files": [{"address": 0x00A00000, "bin": "a.bin"}]}')
        archive.writestr("a.bin", b"data")
    assert [part.address for part in load_argument(str(path))] == [0xA00000]


@pytest.mark.parametrize(
    "files",
    [
        [{"address": 0, "bin": "missing"}],
        [{"address": -1, "bin": "a.bin"}],
        [{"address": None, "bin": "a.bin"}],
        [{"bin": "a.bin"}],
        ["a.bin"],
        7,
    ],
)
def test_kfpkg_with_a_bad_list(tmp_path: Path, files: list) -> None:
    with pytest.raises(K210Error, match=r"x\.kfpkg"):
        load_argument(str(kfpkg(tmp_path / "x.kfpkg", files, a_bin=b"1")))


def test_kfpkg_that_lies(tmp_path: Path) -> None:
    """Cut off, other content than its checksums say, a member that unpacks to more than any flash holds."""
    path = kfpkg(tmp_path / "x.kfpkg", [{"address": 0, "bin": "a.bin"}], a_bin=b"A" * 1000)
    whole = path.read_bytes()
    place = whole.index(b"A" * 100)
    for damaged in (whole[: len(whole) // 2], whole[:-30], whole[:place] + b"B" + whole[place + 1 :]):
        path.write_bytes(damaged)
        with pytest.raises(K210Error, match=r"x\.kfpkg is not a kfpkg"):
            load_argument(str(path))
    packed = tmp_path / "y.kfpkg"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("flash-list.json", json.dumps({"files": [{"address": 0, "bin": "a.bin"}]}))
        archive.writestr("a.bin", bytes(40 << 20))
    with pytest.raises(K210Error, match="a.bin has 41943040 bytes, no flash is larger"):
        load_argument(str(packed))
    data = bytearray(packed.read_bytes())
    data[1000:1500] = b"\x55" * 500
    packed.write_bytes(data)
    with pytest.raises(K210Error, match=r"y\.kfpkg"):
        load_argument(str(packed))


def test_overlap_names_both_with_ranges() -> None:
    parts = [FlashPart("one", 0x100, bytes(0x100)), FlashPart("two", 0x1FF, b"x")]
    with pytest.raises(K210Error, match=r"one \(0x000100-0x0001ff\) and two \(0x0001ff-0x0001ff\) overlap"):
        check_layout(parts, SIZE)


def test_touching_parts_do_not_overlap() -> None:
    check_layout([FlashPart("one", 0, bytes(0x100)), FlashPart("two", 0x100, bytes(SIZE - 0x100))], SIZE)


def test_header_and_digest_count_for_overlap() -> None:
    program = FlashPart("program", 0, bytes(0x100), bootable=True)
    check_layout([program, FlashPart("two", 0x100 + 37, b"x")], SIZE)
    with pytest.raises(K210Error, match="overlap"):
        check_layout([program, FlashPart("two", 0x100 + 36, b"x")], SIZE)


def test_small_part_inside_a_long_one() -> None:
    parts = [FlashPart("long", 0, bytes(0x1000)), FlashPart("in", 0x10, b"x"), FlashPart("late", 0x800, b"x")]
    with pytest.raises(K210Error, match="long .* and in .* overlap"):
        check_layout(parts, SIZE)
    with pytest.raises(K210Error, match="long .* and late .* overlap"):
        check_layout([parts[0], parts[2]], SIZE)


def test_past_the_end() -> None:
    with pytest.raises(K210Error, match=r"big \(0x0fffff-0x100000\) goes past the end of the flash"):
        check_layout([FlashPart("big", SIZE - 1, b"12")], SIZE)


def test_image_is_erased_elsewhere() -> None:
    flash = build_image([FlashPart("x", 16, b"data")], 64)
    assert bytes(flash) == b"\xff" * 16 + b"data" + b"\xff" * 44


def test_write_parts_keeps_the_rest_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "flash.img"
    write_parts(file, [FlashPart("x", 0, b"first")], 64)
    write_parts(file, [FlashPart("y", 8, b"second")], 64)
    assert file.read_bytes() == b"first" + b"\xff" * 3 + b"second" + b"\xff" * 50
    with pytest.raises(K210Error, match="the board's flash has 0x80"):
        write_parts(file, [], 128)


def test_several_arguments_are_checked_against_each_other(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.kmodel", bytes(16)), write(tmp_path / "2.kmodel", bytes(16))
    with pytest.raises(K210Error, match=r"1\.kmodel .* and 2\.kmodel .* overlap"):
        load_arguments([f"{one}@0x100", f"{two}@0x10f"], SIZE)
