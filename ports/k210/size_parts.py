# SPDX-License-Identifier: MIT
"""Which part of the sources the firmware's bytes come from, read from the linker's map."""

import re
from collections import Counter
from pathlib import Path

KEPT = (".text", ".rodata", ".data", ".bss", ".noinit")

# Where a file of the image module belongs, by the groups of modules/image/image_config.h.
IMAGE_GROUPS = {
    "filters": "arith binary filter tone py_image_filter",
    "statistics": "stats py_image_stats",
    "shapes": "blobs edges hough rects region segments py_image_find",
    "geometry": "geometry",
    "matching": "displacement template",
    "features": "haar keypoints lbp_hog selective",
    "cascades": "cascades",
    "barcodes": "bars_decode bars_scan",
    "qrcodes": "quirc_port",
    "apriltags": "apriltag_port tag_pose lib_heap",
    "datamatrices": "dmtx_port",
}
IMAGE_FILES = {name: group for group, names in IMAGE_GROUPS.items() for name in names.split()}

# Parts by the start of an object's path, the first that fits.
PARTS = [
    ("KPU: kmodel v5", r"kpu/kmodel_v5"),
    ("KPU: kmodel v4", r"kpu/kmodel_v4"),
    ("KPU: kmodel v3", r"kpu/kmodel_v3"),
    ("KPU: layers of the CPU", r"kpu/kpu_ops"),
    ("KPU: everything else", r"kpu/"),
    ("sensor, lcd", r"(sensor|lcd)/"),
    ("Maix", r"maix/"),
    ("crypto", r"crypto/"),
    ("network", r"network/"),
    ("machine and board", r"(machine_|modmachine|pins_|board_start|config\.)"),
    ("drivers", r"hal/"),
    ("file systems", r"(lib/(littlefs|oofatfs)|extmod/vfs|fatfs|sdcard)"),
    ("MicroPython: modules", r"(extmod|drivers|lib|shared)/"),
    ("MicroPython: core", r"py/"),
    ("frozen scripts, names", r"frozen_content|frozen_mpy"),
    ("C library", r".*\.a\("),
]


def _part(name: str) -> str:
    if name.startswith("image/"):
        return f"image: {IMAGE_FILES.get(Path(name).stem, 'basics')}"
    for part, pattern in PARTS:
        if re.match(pattern, name):
            return part
    return "port"


def object_sizes(map_file: Path) -> Counter[str]:
    """Bytes of each object file that the linker kept."""
    sizes: Counter[str] = Counter()
    text = map_file.read_text(errors="replace").partition("Linker script and memory map")[2]
    build = str(map_file.resolve().parent) + "/"
    inside = False
    # A long section name stands on a line of its own.
    for line in re.sub(r"\n (\.?\S+)\n +0x", r"\n \1 0x", text).splitlines():
        if line[:1] not in ("", " "):
            inside = line.split()[0] in KEPT
            continue
        found = re.match(r" (\S+) +0x[0-9a-f]+ +0x([0-9a-f]+) (\S.*)$", line)
        if inside and found:
            name = found[3].removeprefix(build)
            # What user modules are called lies under the links of build/modules.
            sizes[re.sub(r"^.*/(\w+\.a\()", r"\1", name)] += int(found[2], 16)
    return sizes


def part_sizes(map_file: Path) -> Counter[str]:
    parts: Counter[str] = Counter()
    for name, size in object_sizes(map_file).items():
        parts[_part(name)] += size
    return parts
