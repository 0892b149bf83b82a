# SPDX-License-Identifier: MIT
"""ImageWriter, ImageReader and dump_roi."""

import struct

from k210.board import Board

WRITE = """
import image, time
kinds = [image.Image(size=(20, 10)), image.Image(size=(20, 10)).to_grayscale(), image.Image(size=(20, 10)).to_bitmap(),
         image.Image(size=(20, 10)).compress()]
kinds[0].set_pixel(3, 2, (255, 0, 0))
w = image.ImageWriter("/flash/s.bin")
for k in kinds:
    w.add_frame(k)
    time.sleep_ms(150)
print(w.size())
w.close()
w.close()
print(len(kinds[3].to_bytes()))
"""

READ = """
import image, time
r = image.ImageReader("/flash/s.bin")
print(r.size())
times = []
while True:
    img = r.next_frame(copy_to_fb=False, loop=False)
    if img is None:
        break
    times.append(time.ticks_ms())
    print(img)
    if len(times) == 1:
        print(img.get_pixel(3, 2))
print([b - a >= 149 for a, b in zip(times, times[1:])])
print(r.next_frame(True))
r.close()
"""


def test_pictures_come_back_as_they_were(board: Board) -> None:
    size, jpeg = map(int, board.exec(WRITE).split())
    data = board.get("/flash/s.bin")
    assert data[:16] == b"OMV IMG STR V1.0" and len(data) == size and size % 16 == 0
    assert struct.unpack_from("<4I", data, 16) == (0, 20, 10, 2)
    assert struct.unpack_from("<I", data, 32 + 2 * (2 * 20 + 3)) != (0,)
    images = [
        '{"w":20, "h":10, "type"="rgb565", "size":400}',
        '{"w":20, "h":10, "type"="grayscale", "size":200}',
        '{"w":20, "h":10, "type"="binary", "size":40}',
        f'{{"w":20, "h":10, "type"="jpeg", "size":{jpeg}}}',
    ]
    out = board.exec(READ).splitlines()
    assert out == [str(size), images[0], "(255, 0, 0)", *images[1:], "[True, True, True]", images[0]]


BAD = """
import image
def attempt(data, frames=1):
    with open("/flash/b.bin", "wb") as f:
        f.write(data)
    try:
        r = image.ImageReader("/flash/b.bin")
        for i in range(frames):
            print(r.next_frame(loop=False))
    except OSError as e:
        print(e)
import struct
M = b"OMV IMG STR V1.0"
attempt(b"")
attempt(b"OMV IMG STR V2.0")
attempt(M)
attempt(M + b"12")
attempt(M + struct.pack("<4I", 0, 0, 10, 2))
attempt(M + struct.pack("<4I", 0, 32767, 32767, 2))
attempt(M + struct.pack("<4I", 0, 8, 8, 0xFFFFFFFF))
attempt(M + struct.pack("<4I", 0, 8, 1, 1) + b"12345678", 2)
w = image.ImageWriter("/flash/b.bin")
w.close()
try:
    w.add_frame(image.Image())
except OSError as e:
    print(e)
"""


def test_streams_that_lie(board: Board) -> None:
    assert board.exec(BAD).replace("[Errno 22] EINVAL: ", "").splitlines() == [
        "this is no image stream: no OMV IMG STR V1.0 at its start",
        "this is no image stream: no OMV IMG STR V1.0 at its start",
        "None",
        "image stream: the file ends in the middle of a picture",
        "image stream: a picture of 0x10",
        "image stream: a picture of 2147352578 bytes, the file has 0",
        "image stream: a picture of 4294967295 bytes, the file has 0",
        '{"w":8, "h":1, "type"="grayscale", "size":8}',
        "None",
        "the image stream is closed",
    ]


def test_dump_roi(board: Board) -> None:
    code = """
import image
img = image.Image(size=(4, 3))
img.set_pixel(1, 1, (255, 0, 0))
print(img.dump_roi(0, 1, 3, 9))
img.to_grayscale().dump_roi((1, 1, 2, 1))
img.dump_roi(9, 9, 2, 2)
"""
    assert board.exec(code).splitlines() == ["0x0000 0x00f8 0x0000 ", "0x0000 0x0000 0x0000 ", "None", " 77   0 "]
