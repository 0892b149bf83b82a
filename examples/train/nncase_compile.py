# SPDX-License-Identifier: MIT
"""Compiles a network with nncase 1.9 as well, to compare. nncase has no build for Python 3.11 or later:
python3.10 -m venv build/train/nncase && build/train/nncase/bin/pip install nncase==1.9.0.20230322 "numpy<2" onnx pillow
build/train/nncase/bin/python examples/train/nncase_compile.py NET.onnx NET.kmodel PICTURES WIDTH HEIGHT CHANNELS"""

import argparse
from pathlib import Path

import nncase
import numpy as np
import onnx
from PIL import Image


def calibration(folder: Path, width: int, height: int, channels: int) -> np.ndarray:
    """All pictures as bytes, N C H W."""
    found = []
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".png", ".jpg")):
        with Image.open(path) as picture:
            seen = picture.convert("RGB" if channels == 3 else "L").resize((width, height), Image.BILINEAR)
            found.append(np.asarray(seen).reshape(height, width, channels).transpose(2, 0, 1))
    return np.ascontiguousarray(np.stack(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("size", type=int, nargs=3, metavar=("WIDTH", "HEIGHT", "CHANNELS"))
    args = parser.parse_args()
    width, height, channels = args.size
    options = nncase.CompileOptions()
    options.target = "k210"
    options.preprocess = True
    options.input_type, options.input_range = "uint8", [0, 1]
    options.input_shape, options.input_layout = [1, channels, height, width], "NCHW"
    options.mean, options.std = [0.0] * channels, [1.0] * channels
    compiler = nncase.Compiler(options)
    network = onnx.shape_inference.infer_shapes(onnx.load(args.network))  # nncase wants them all
    compiler.import_onnx(network.SerializeToString(), nncase.ImportOptions())
    data = calibration(args.pictures, width, height, channels)
    learn = nncase.PTQTensorOptions()
    learn.samples_count = len(data)
    learn.set_tensor_data(data.tobytes())
    compiler.use_ptq(learn)
    compiler.compile()
    args.model.write_bytes(compiler.gencode_tobytes())
    print(f"{args.model}: {args.model.stat().st_size} bytes")


if __name__ == "__main__":
    main()
