# SPDX-License-Identifier: MIT
"""The C core of sound and film: WAV and AVI files, read, written, damaged."""

from __future__ import annotations

import ctypes as ct
import io
import os
import re
import struct
import subprocess
import wave
from pathlib import Path

import cv2
import media_core as media
import numpy as np
import pytest
from avi_file import Film, chunk, jpeg, parse
from media_core import MediaError
from PIL import Image


def wav(channels: int = 2, width: int = 2, rate: int = 16000, data: bytes = b"") -> bytes:
    """Written by Python's own module."""
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(width)
        f.setframerate(rate)
        f.writeframes(data)
    return out.getvalue()


def pictures(n: int = 4, size: tuple[int, int] = (48, 32)) -> list[bytes]:
    return [jpeg(Image.new("RGB", size, (40 * i % 256, 255 - 30 * i % 256, 90))) for i in range(n)]


def film(**kw: object) -> Film:
    return Film(pictures(), (48, 32), **kw)


# ---- WAV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_samples_are_those_that_python_wrote(channels, width):
    rng = np.random.default_rng(channels * width)
    values = rng.integers(-(1 << 15), 1 << 15, (300, channels))
    if width == 1:
        raw = (values // 256 + 128).astype(np.uint8).tobytes()
        values = values // 256 * 256
    elif width == 2:
        raw = values.astype("<i2").tobytes()
    else:
        raw = b"".join(struct.pack("<i", int(v) * 256 + 77)[:3] for v in values.reshape(-1))
    data = wav(channels, width, 22050, raw)
    info = media.wav_open(data)
    f = info.format
    assert (f.channels, f.bits, f.rate, f.block, f.byte_rate) == (
        channels,
        8 * width,
        22050,
        channels * width,
        22050 * channels * width,
    )
    assert data[info.data_at : info.data_at + info.data_size] == raw
    for volume in (100, 40, 0):
        out = (ct.c_uint32 * 300)()
        media.lib().pcm_to_pairs(out, raw, ct.c_size_t(300), ct.byref(f), volume)
        got = np.frombuffer(out, "<i2").reshape(300, 2)
        want = (values * volume / 100).astype(int)  # towards zero
        assert (got[:, 0] == want[:, 0]).all() and (got[:, 1] == want[:, -1]).all()


def test_header_is_what_python_reads():
    head = (ct.c_uint8 * 44)()
    media.lib().wav_header(head, 2, 44100, 400)
    with wave.open(io.BytesIO(bytes(head) + bytes(400))) as f:
        assert f.getparams()[:4] == (2, 2, 44100, 100)


def test_other_chunks_and_extensible_format():
    fmt = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16) + struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    body = (
        b"WAVE" + chunk(b"LIST", b"INFOodd") + chunk(b"fmt ", fmt) + chunk(b"fact", bytes(4)) + chunk(b"data", b"abcd")
    )
    info = media.wav_open(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert (info.format.format, info.data_size) == (1, 4)


def test_unfinished_recording_ends_with_the_file():
    head = (ct.c_uint8 * 44)()
    media.lib().wav_header(head, 2, 8000, 0)
    assert media.wav_open(bytes(head) + bytes(403)).data_size == 400
    assert media.wav_open(bytes(head)).data_size == 0


def damaged(data: bytes, at: int, value: int, size: str = "<I") -> bytes:
    out = bytearray(data)
    struct.pack_into(size, out, at, value)
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "ends at 0 in the middle of the header"),
        (b"RIFF" + bytes(40), "no WAV file"),
        (damaged(wav(), 20, 85, "<H"), "format 0x0055; only PCM"),
        (damaged(wav(), 22, 3, "<H"), "3 channels"),
        (damaged(wav(), 34, 12, "<H"), "12 bits"),
        (damaged(wav(), 32, 3, "<H"), "blocks of 3 bytes"),
        (damaged(wav(), 24, 0), "0 samples per second"),
        (damaged(wav(), 24, 0x7FFFFFFF), "2147483647 samples per second"),
        (damaged(wav(), 16, 0xFFFFFFF0), "says 4294967280 bytes, the file has 24"),
        (damaged(wav(data=bytes(8)), 40, 1000), "data chunk says 1000 bytes, the file has 8"),
        (wav()[:36], "no data chunk"),
        (wav()[:12] + wav(data=bytes(4))[36:], "no format"),
    ],
)
def test_wav_files_that_lie(data, text):
    with pytest.raises(MediaError, match=text) as e:
        media.wav_open(data)
    assert e.value.code == -22


# ---- AVI, read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rec", [False, True])
def test_film_with_sound(rec):
    sound = bytes(range(200)) * 8
    f = film(
        sound=sound, channels=1, sample_rate=8000, scale=1001, rate=30000, rec=rec, extra=chunk(b"JUNK", bytes(33))
    )
    info, file = media.avi_open(f.bytes())
    assert (info.w, info.h, info.scale, info.rate, info.frames) == (48, 32, 1001, 30000, 4)
    assert (info.sound.format, info.sound.channels, info.sound.rate, info.sound.bits) == (1, 1, 8000, 16)
    assert media.chunks(info, file, info.video) == f.pictures
    assert b"".join(media.chunks(info, file, info.audio)) == sound
    assert [media.lib().avi_due_us(ct.byref(info), n) for n in (0, 1, 30, 30000)] == [0, 33366, 1001000, 1001000000]


def test_film_of_opencv(tmp_path):
    """The container is FFmpeg's, or OpenCV's own: neither is ours."""
    for backend in (cv2.CAP_FFMPEG, cv2.CAP_OPENCV_MJPEG):
        path = tmp_path / f"{backend}.avi"
        writer = cv2.VideoWriter(str(path), backend, cv2.VideoWriter_fourcc(*"MJPG"), 12, (64, 48))
        if not writer.isOpened():
            assert backend != cv2.CAP_OPENCV_MJPEG
            continue
        for i in range(5):
            writer.write(np.full((48, 64, 3), (i * 50, 100, 200), np.uint8))
        writer.release()
        info, file = media.avi_open(path.read_bytes())
        assert (info.w, info.h, info.audio) == (64, 48, -1)
        assert info.rate / info.scale == pytest.approx(12)
        frames = [
            cv2.imdecode(np.frombuffer(c, np.uint8), cv2.IMREAD_COLOR) for c in media.chunks(info, file, info.video)
        ]
        assert [round(float(f[..., 0].mean()) / 50) for f in frames] == [0, 1, 2, 3, 4]


def test_second_riff_is_part_of_the_film():
    """OpenDML: what goes past a gigabyte is in RIFFs of its own."""
    first, second = film().bytes(), film()
    movi = chunk(b"LIST", b"movi" + b"".join(second.chunks()))
    info, file = media.avi_open(first + b"RIFF" + struct.pack("<I", len(movi) + 4) + b"AVIX" + movi)
    assert len(media.chunks(info, file, info.video)) == 8


def test_recording_that_was_cut_off():
    data = bytearray(film().bytes())
    struct.pack_into("<I", data, 4, 0)
    struct.pack_into("<I", data, data.index(b"movi") - 4, 0)
    cut = bytes(data[: data.index(b"idx1") - 20])
    info, file = media.avi_open(cut)
    assert info.unfinished and len(media.chunks(info, file, info.video)) == 3


def test_sound_that_cannot_be_played_is_left_out():
    info, _ = media.avi_open(film(sound=bytes(800), sound_format=85).bytes())
    assert (info.audio, info.sound.format) == (-1, 85)


def lie(name: bytes, offset: int, value: int) -> bytes:
    data = film().bytes()
    return damaged(data, data.index(name) + offset, value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"RIFF" + bytes(4), "middle of the header"),
        (b"RIFF" + bytes(20), "no AVI file"),
        (film(codec=b"XVID").bytes(), "'XVID'; only MJPG"),
        (film(codec=b"\x00\x01AB").bytes(), r"'\?\?AB'"),
        (lie(b"hdrl", -4, 0xFFFFFF00), "list at 12 says 4294967040 bytes"),
        (lie(b"strh", 4, 0x7FFFFFFF), "says 2147483647 bytes"),
        (lie(b"strf", 12, 0), "pictures are 0x32"),
        (lie(b"strf", 12, 100000), "pictures are 100000x32"),
        (film(replace={"scale": 0, "us": 0}).bytes(), "takes 0/1000000 s"),
        (film(replace={"scale": 1, "rate": 0xFFFFFFFF}).bytes(), "takes 1/4294967295 s"),
        (film().bytes().replace(b"movi", b"mova"), "no list 'movi'"),
        (film().bytes().replace(b"vids", b"txts"), "no stream"),
    ],
)
def test_films_that_lie(data, text):
    with pytest.raises(MediaError, match=text) as e:
        media.avi_open(data)
    assert e.value.code == -22


def test_chunk_that_is_longer_than_the_file():
    info, file = media.avi_open(lie(b"00dc", 4, 0xFFFFFFFE))
    with pytest.raises(MediaError, match="says 4294967294 bytes, the file has"):
        media.chunks(info, file, info.video)


# ---- AVI, written -------------------------------------------------------------------------------


def record(
    frames: list[bytes], sound: bytes = b"", channels: int = 0, rate: int = 0, room: int = 1 << 30, entries: int = 100
) -> tuple[media.Writer, media.File]:
    file = media.File(room=room)
    index = (ct.c_uint32 * entries)()
    w = media.Writer(ct.addressof(file.c), 48, 32, 50000, channels, rate)
    w.index, w.room = ct.addressof(index), entries
    w.keep = index
    media.call("avi_write_start", ct.byref(w))
    each = len(sound) // len(frames)
    for i, frame in enumerate(frames):
        media.call("avi_write_chunk", ct.byref(w), False, frame, len(frame))
        if sound:
            media.call("avi_write_chunk", ct.byref(w), True, sound[i * each : (i + 1) * each], each)
    return w, file


def test_film_that_others_play(tmp_path):
    frames, sound = pictures(6), bytes(range(240)) * 4
    w, file = record(frames, sound, 1, 8000)
    media.call("avi_write_finish", ct.byref(w))
    p = parse(bytes(file.data))
    assert (p.frames, p.sound, p.format) == (frames, sound, (1, 1, 8000, 16000, 2, 16))
    assert p.avih[0] == 50000 and p.avih[4] == 6 and p.video[:4] == (50000, 1000000, 0, 6)
    path = tmp_path / "film.avi"
    path.write_bytes(file.data)
    for backend in (cv2.CAP_FFMPEG, cv2.CAP_OPENCV_MJPEG):
        if backend == cv2.CAP_OPENCV_MJPEG:  # knows no sound
            w, file = record(frames)
            media.call("avi_write_finish", ct.byref(w))
            path.write_bytes(file.data)
        film = cv2.VideoCapture(str(path), backend)
        assert film.isOpened(), backend
        assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(20)
        assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 6
        for frame in frames:
            ok, got = film.read()
            want = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
            assert ok and abs(got.astype(int) - want).max() <= 4
    info, again = media.avi_open(bytes(file.data))
    assert media.chunks(info, again, 0) == frames and not info.unfinished


def test_recording_without_an_end_can_be_played():
    frames = pictures(3)
    info, again = media.avi_open(bytes(record(frames, bytes(24), 2, 8000)[1].data))
    assert info.unfinished and media.chunks(info, again, 0) == frames
    assert b"".join(media.chunks(info, again, 1)) == bytes(24)


def test_full_disk():
    frames = pictures(5)
    whole = len(record(frames[:3])[1].data)
    with pytest.raises(MediaError, match=r"disk full\?") as e:
        record(frames, room=whole + 100)
    assert e.value.code == -5
    # What was written before stays a film, also without room for the index.
    w, file = record(frames[:3], room=whole + 100)
    with pytest.raises(MediaError, match="disk full"):
        media.call("avi_write_chunk", ct.byref(w), False, frames[3], len(frames[3]))
    with pytest.raises(MediaError):
        file.room = whole + 4
        media.call("avi_write_finish", ct.byref(w))
    info, again = media.avi_open(bytes(file.data[:whole]))
    assert media.chunks(info, again, 0) == frames[:3] and info.frames == 3


def test_limits_of_a_recording():
    w, _ = record(pictures(2), entries=2)
    with pytest.raises(MediaError, match="no room in the index for picture 2"):
        media.call("avi_write_chunk", ct.byref(w), False, b"x", 1)
    w.room, w.pos = 100, 0x7FF00000 - 30
    with pytest.raises(MediaError, match="reached 2146435042 bytes") as e:
        media.call("avi_write_chunk", ct.byref(w), False, b"x", 1)
    assert e.value.code == -27


# ---- damaged files ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("media")
    small = [b"\xff\xd8" + bytes(9), b"", b"\xff\xd8" + bytes(20)]
    files = {
        "plain.avi": Film(small, (8, 8)).bytes(),
        "sound.avi": Film(small, (8, 8), sound=bytes(120), extra=chunk(b"JUNK", bytes(5))).bytes(),
        "rec.avi": Film(small, (8, 8), sound=bytes(60), channels=1, bits=8, rec=True).bytes(),
        "a.wav": wav(data=bytes(100)),
        "b.wav": wav(1, 3, data=bytes(99)),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


def fuzz(*args: object) -> int:
    fuzzer = media.build(media.BUILD / "fuzz_media", [*media.CORE, media.FUZZ], ["-O1", *media.SANITIZE])
    done = subprocess.run([fuzzer, *map(str, args)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"(\d+) opened", done.stdout).group(1))


def test_damaged_files(seeds):
    """Under ASan and UBSan; K210_FUZZ_RUNS says how often for a longer run."""
    assert fuzz("--once", *seeds) == len(seeds)
    assert fuzz("--cut", *seeds) > len(seeds)
    runs = int(os.environ.get("K210_FUZZ_RUNS", "20000"))
    assert 0 < fuzz("--runs", runs, *seeds) < runs * len(seeds)
