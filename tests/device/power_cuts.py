# SPDX-License-Identifier: MIT
"""A board that loses its power again and again while a script writes, appends, renames and deletes files.

The script's steps are known beforehand, and it says on the serial line how many it has done. So after each cut
it is known what every file holds: all but those of the step that was cut are as they were.
"""

import hashlib
import os
import random
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

from k210.board import Board
from k210.emulator import Config

NAMES = (
    "a.txt",
    "b.txt",
    "a longer name.dat",
    "sub/c.bin",
    "sub/d.bin",
    "sub/e-with-a-long-name.bin",
    "tmp",
    "log.csv",
)
SIZES = (0, 1, 40, 255, 256, 512, 1000, 4096, 5000, 9000)
STEPS = 40
DONE = re.compile(rb"#(\d+)\r\n")

# A step is (what, name, value, size). The pause lets the number leave the chip before the next step begins.
WORK = """
import os, time
os.chdir({where!r})
def content(value, size):
    return (b"%08x" % value * (size // 8 + 1))[:size]
for n, (what, name, value, size) in enumerate({steps!r}):
    print("#%d" % n)
    time.sleep_ms(3)
    if what == "remove":
        os.remove(name)
    elif what == "rename":
        os.rename(name, value)
    else:
        with open(name, "wb" if what == "write" else "ab") as f:
            data = content(value, size)
            for at in range(0, size, 1500):
                f.write(data[at:at + 1500])
print("#%d" % (n + 1))
"""

LOOK = """
import os, hashlib, binascii
os.chdir({where!r})
if "sub" not in os.listdir():
    os.mkdir("sub")
for folder in ("", "sub/"):
    for name in os.listdir(folder[:-1] or "."):
        if folder + name != "sub":
            with open(folder + name, "rb") as f:
                data = f.read()
            print(folder + name, len(data), binascii.hexlify(hashlib.sha256(data).digest()).decode(), sep="|")
"""

Step = tuple[str, str, int | str, int]
Files = dict[str, bytes]


def content(value: int, size: int) -> bytes:
    return (b"%08x" % value * (size // 8 + 1))[:size]


def make_steps(files: Files, rng: random.Random) -> list[Step]:
    """Steps that make sense one after the other, beginning with these files."""
    files = dict(files)
    steps: list[Step] = []
    while len(steps) < STEPS:
        what = rng.choice(("write", "write", "append", "rename", "rename", "remove"))
        name = rng.choice(NAMES)
        if what in ("rename", "remove") and name not in files:
            continue
        step: Step = (what, name, rng.getrandbits(32), rng.choice(SIZES))
        if what == "rename":
            other = rng.choice([n for n in NAMES if n != name])
            step = (what, name, other, 0)
        elif what == "append" and len(files.get(name, b"")) > 20_000:
            continue
        steps.append(step)
        apply(files, step)
    return steps


def apply(files: Files, step: Step) -> None:
    what, name, value, size = step
    if what == "remove":
        del files[name]
    elif what == "rename":
        files[str(value)] = files.pop(name)
    else:
        before = files.get(name, b"") if what == "append" else b""
        files[name] = before + content(int(value), size)


@dataclass(frozen=True)
class Seen:
    """A file that is there after a cut."""

    size: int
    digest: str


def seen(files: Files) -> dict[str, Seen]:
    return {name: Seen(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}


def may_be(before: Files, step: Step, journal: bool) -> dict[str, Files]:
    """What a cut in this step may leave, by name. A file system without a journal may also leave a file that
    was open for writing empty, a rename without its old target, and one file under both names."""
    what, name, value, _ = step
    after = dict(before)
    apply(after, step)
    allowed = {"before": before, "after": after}
    if what in ("write", "append") and (not journal or name not in before):
        allowed["empty"] = {**before, name: b""}
    if what == "append" and name in before:
        allowed.pop("empty", None)
    if what == "rename" and not journal:
        allowed["no target"] = {n: data for n, data in before.items() if n != value}
        allowed["both"] = {**before, str(value): before[name]}
    return allowed


class PowerCuts:
    """where: "/flash" (littlefs has a journal) or "/sd" (FAT has none). most: seconds until a cut."""

    def __init__(self, where: str, config: Config, seed: int, most: float = 1.5) -> None:
        self.where = where
        self.config = config
        self.rng = random.Random(seed)
        self.most = most
        self.files: Files = {}
        self.running: Step | None = None  # the step in which the power went
        self.cuts = self.steps = 0
        self.left: Counter[str] = Counter()  # how the cuts in the middle of a step left the files

    def cut(self) -> None:
        """The board starts, its files are looked at, the script runs, the power goes."""
        with Board.start(self.config) as board:
            self._check(board)
            if self.left["both"]:
                return
            steps = make_steps(self.files, self.rng)
            board.exec("pass")
            begin = board.log_position()
            board._transport.exec_raw_no_follow(WORK.format(where=self.where, steps=steps))
            time.sleep(self.rng.uniform(0, self.most))
            assert board.emulator
            os.kill(board.emulator.pid, signal.SIGKILL)
            board.emulator.wait()
            log = board.serial_bytes(begin)
        assert b"Traceback" not in log, log.decode(errors="replace")
        done = max((int(n) for n in DONE.findall(log)), default=-1)
        for step in steps[: max(done, 0)]:
            apply(self.files, step)
        self.running = steps[done] if 0 <= done < len(steps) else None
        self.cuts += 1
        self.steps += max(done, 0)

    def look(self) -> None:
        """Only the check."""
        with Board.start(self.config) as board:
            self._check(board)

    def _check(self, board: Board) -> None:
        start = board.serial_log()
        assert "cannot be mounted" not in start and "neither littlefs" not in start, start
        found = {}
        for line in board.exec(LOOK.format(where=self.where)).splitlines():
            name, size, digest = line.split("|")
            found[name] = Seen(int(size), digest)
        allowed = {"before": self.files}
        if self.running:
            allowed = may_be(self.files, self.running, journal=self.where == "/flash")
        how = next((how for how, files in allowed.items() if found == seen(files)), "")
        assert how, f"cut {self.cuts} in {self.running}: {self._differences(found)}"
        self.files = dict(allowed[how])
        if self.running:
            self.left[how] += 1
        self.running = None

    def _differences(self, found: dict[str, Seen]) -> list[str]:
        was = seen(self.files)
        names = sorted({*found, *was})
        return [f"{n} was {was.get(n)}, is {found.get(n)}" for n in names if was.get(n) != found.get(n)]
