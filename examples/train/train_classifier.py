# SPDX-License-Identifier: MIT
"""Trains the classifier for handwritten digits of 8x8 pixels (scikit-learn's) and writes it as ONNX."""

import argparse
import copy
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from train_detector import ROOT, WORK
from torch import nn
from torch.nn import functional

ONNX = ROOT / "examples/models/digit_classifier.onnx"


def handwritten() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels 0 to 255 and digits: the first half to learn from, the second half, other people's hands, to test.
    This is the split of scikit-learn's example "Recognizing hand-written digits"."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = np.rint(data.images * (255 / 16)).astype(np.uint8)
    half = len(pixels) // 2
    return pixels[:half], data.target[:half], pixels[half:], data.target[half:]


def classifier() -> nn.Sequential:
    """Takes one plane of 8x8, ink 1 on ground 0; gives ten probabilities. The last two layers run on the CPU."""
    layers: list[nn.Module] = []
    channels = 1
    for out, pool in ((24, False), (32, True), (48, False), (64, False)):
        layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU6()]
        if pool:
            layers.append(nn.MaxPool2d(2))
        channels = out
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels * 16, 10), nn.Softmax(1))


def distorted(x: torch.Tensor) -> torch.Tensor:
    """Turned, sheared, scaled and shifted a little; thicker or thinner."""
    n = len(x)
    a = torch.randn(n) * 0.12
    scale = 1 + torch.randn(n, 2) * 0.08
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = torch.cos(a) * scale[:, 0], -torch.sin(a) + torch.randn(n) * 0.1
    theta[:, 1, 0], theta[:, 1, 1] = torch.sin(a), torch.cos(a) * scale[:, 1]
    theta[:, :, 2] = torch.randn(n, 2) * 0.1
    grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
    y = functional.grid_sample(x, grid, align_corners=False)
    y = y.clamp(min=0) ** torch.exp(torch.randn(n, 1, 1, 1) * 0.25)
    return (y * (1 + 0.1 * torch.randn(n, 1, 1, 1)) + torch.randn_like(y) * 0.03).clamp(0, 1)


def train(passes: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    pixels, digits, test_pixels, test_digits = handwritten()
    x, y = torch.from_numpy(pixels)[:, None].float() / 255, torch.from_numpy(digits).long()
    net = classifier()
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.05)
    for number in range(passes):
        optimizer.param_groups[0]["lr"] = 3e-3 * (0.01 + 0.99 * (1 + math.cos(math.pi * number / passes)) / 2)
        net.train()
        for part in torch.randperm(len(x)).split(64):
            loss = functional.cross_entropy(net[:-1](distorted(x[part])), y[part], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mean.update_parameters(net)
        if (number + 1) % 25 == 0:
            tested = mean.module.eval()
            with torch.inference_mode():
                guess = tested(torch.from_numpy(test_pixels)[:, None].float() / 255).argmax(1).numpy()
            print(
                f"pass {number + 1}: loss {loss.item():.3f}, test {100 * (guess == test_digits).mean():.2f} %",
                flush=True,
            )
    return mean.module.eval()


def export(net: nn.Sequential) -> None:
    """ONNX with the batch normalization folded into the convolutions."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    parts: list[nn.Module] = []
    for layer in copy.deepcopy(net):
        if isinstance(layer, nn.BatchNorm2d):
            parts[-1] = fuse_conv_bn_eval(parts[-1], layer)
        elif not isinstance(layer, nn.Dropout):
            parts.append(layer)
    ONNX.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        nn.Sequential(*parts),
        (torch.zeros(1, 1, 8, 8),),
        str(ONNX),
        input_names=["picture"],
        output_names=["probabilities"],
        opset_version=13,
        dynamo=False,
    )


def save_calibration(folder: Path, count: int) -> None:
    """Pictures for `k210 model compile --calibration`, out of those to learn from."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(handwritten()[0][:count]):
        Image.fromarray(pixels).save(folder / f"{index:04}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    export(train(args.passes, args.seed))
    save_calibration(WORK / "handwritten", 128)
    print(f"wrote {ONNX}")


if __name__ == "__main__":
    main()
