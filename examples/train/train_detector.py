# SPDX-License-Identifier: MIT
"""Trains the digit detector on generated pictures and writes it as ONNX."""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import pictures
import torch
from boxes import decode, mean_average_precision
from network import ANCHORS, CELL, CLASSES, HEIGHT, WIDTH, detector
from torch import distributed, multiprocessing, nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build/train"
ONNX = ROOT / "examples/models/digit_detector.onnx"
TRAIN_SEED, CHECK_SEED = 1, 2  # evaluate.py takes others
MAX_DIGITS = 64
# Outputs beyond this are punished: the KPU has 256 steps for all of them.
SPAN = 7.0


class Pictures:
    """Generated pictures, kept in a file: the first pass over them is slow, the others are quick."""

    def __init__(self, seed: int, count: int) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        self.seed, self.count = seed, count
        shape = (count, HEIGHT * WIDTH * 3)
        self.pixels = self._open(f"pixels-{seed}-{count}.raw", np.uint8, shape)
        self.labels = self._open(f"labels-{seed}-{count}.raw", np.float32, (count, MAX_DIGITS + 1, 5))

    def _open(self, name: str, dtype: type, shape: tuple[int, ...]) -> np.memmap:
        path = WORK / name
        return np.memmap(path, dtype, "r+" if path.exists() else "w+", shape=shape)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        labels = self.labels[index]
        if labels[MAX_DIGITS, 0] == 0:  # the last row tells that the picture is there
            scene = pictures.make(self.seed, index)
            n = min(len(scene.digits), MAX_DIGITS)
            labels[:MAX_DIGITS] = -1
            labels[:n, 0], labels[:n, 1:] = scene.digits[:n], scene.boxes[:n]
            self.pixels[index] = np.asarray(scene.picture).ravel()
            labels[MAX_DIGITS] = 1
        pixels = self.pixels[index].reshape(HEIGHT, WIDTH, 3).copy()
        return pixels, labels[:MAX_DIGITS].copy()


class Augmented:
    """The same pictures shifted, recoloured, darkened, so that no two passes are the same."""

    def __init__(self, base: Pictures) -> None:
        self.base = base

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        pixels, labels = self.base[index]
        rng = np.random.default_rng()
        if rng.random() < 0.5:
            pixels = pixels[:, :, rng.permutation(3)]
        if rng.random() < 0.25:
            pixels = 255 - pixels
        if rng.random() < 0.5:
            gain, lift = rng.uniform(0.6, 1.25), rng.uniform(-25, 25)
            table = np.clip(np.arange(256) * gain + lift, 0, 255).astype(np.uint8)
            pixels = table[pixels]
        dx, dy = rng.integers(-12, 13, 2)
        pixels = np.roll(pixels, (dy, dx), (0, 1))
        there = labels[:, 0] >= 0
        labels[there, 1:] += (dx, dy, dx, dy)
        # What went over the edge comes in at the other side, in two parts: nothing to learn from.
        beyond = (labels[:, 1:3] < 0).any(1) | (labels[:, 3] > WIDTH) | (labels[:, 4] > HEIGHT)
        labels[there & beyond, 0] = -2
        return np.ascontiguousarray(pixels), labels


def loss_of(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Overlap of boxes, objectness, digit; output and labels of a batch."""
    batch, _, rows, columns = output.shape
    e = output.view(batch, len(ANCHORS), 5 + CLASSES, rows, columns)
    anchors = torch.tensor(ANCHORS) * CELL
    cx = (torch.arange(columns) + torch.sigmoid(e[:, :, 0])) * CELL
    cy = (torch.arange(rows)[:, None] + torch.sigmoid(e[:, :, 1])) * CELL
    w = torch.exp(e[:, :, 2].clamp(max=4)) * anchors[:, 0, None, None]
    h = torch.exp(e[:, :, 3].clamp(max=4)) * anchors[:, 1, None, None]
    boxes = torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)

    known = labels[:, :, 0] >= 0
    who, which = known.nonzero(as_tuple=True)
    digit, box = labels[who, which, 0].long(), labels[who, which, 1:]
    size, centre = box[:, 2:] - box[:, :2], (box[:, 2:] + box[:, :2]) / 2
    common = torch.minimum(size[:, None], anchors).prod(2)
    alike = common / (size.prod(1)[:, None] + anchors.prod(1) - common)
    column = (centre[:, 0] / CELL).long().clamp(0, columns - 1)
    row = (centre[:, 1] / CELL).long().clamp(0, rows - 1)

    wanted = torch.zeros(batch, len(ANCHORS), rows, columns)
    counted = torch.ones_like(wanted)
    with torch.no_grad():  # a good box beside the responsible one is no mistake; half a digit at the edge neither
        for i in range(batch):
            target = labels[i, labels[i, :, 0] != -1, 1:]
            if len(target):
                flat = boxes[i].reshape(-1, 1, 4)
                low, high = torch.maximum(flat[..., :2], target[:, :2]), torch.minimum(flat[..., 2:], target[:, 2:])
                inter = (high - low).clamp(min=0).prod(2)
                area = (flat[..., 2:] - flat[..., :2]).prod(2) + (target[:, 2:] - target[:, :2]).prod(1)
                best = (inter / (area - inter)).amax(1)
                counted[i][(best > 0.55).view_as(counted[i])] = 0
            for cut in labels[i, labels[i, :, 0] == -2, 1:]:
                x1, y1, x2, y2 = (cut / CELL).tolist()
                for ox in (-columns, 0, columns):
                    for oy in (-rows, 0, rows):
                        ys = slice(max(0, int(y1 + oy)), max(0, int(math.ceil(y2 + oy))))
                        xs = slice(max(0, int(x1 + ox)), max(0, int(math.ceil(x2 + ox))))
                        counted[i, :, ys, xs] = 0
    chosen = []
    for rank in range(2):  # the best anchor, and the second if it is nearly as good
        order = alike.topk(2, 1).indices[:, rank]
        value = alike.gather(1, order[:, None])[:, 0]
        keep = (value > 0.6) if rank else torch.ones_like(value, dtype=torch.bool)
        chosen.append((who[keep], order[keep], row[keep], column[keep], digit[keep], box[keep]))
    b, a, r, c, digit, box = (torch.cat(parts) for parts in zip(*chosen, strict=True))
    wanted[b, a, r, c] = 1
    counted[b, a, r, c] = 1
    positives = max(1, len(b))

    mine = boxes[b, a, r, c]
    low, high = torch.maximum(mine[:, :2], box[:, :2]), torch.minimum(mine[:, 2:], box[:, 2:])
    inter = (high - low).clamp(min=0).prod(1)
    union = (mine[:, 2:] - mine[:, :2]).prod(1) + (box[:, 2:] - box[:, :2]).prod(1) - inter
    hull = (torch.maximum(mine[:, 2:], box[:, 2:]) - torch.minimum(mine[:, :2], box[:, :2])).prod(1)
    overlap_loss = (1 - inter / union + (hull - union) / hull).sum() / positives
    logits = e[b, a, :, r, c]
    digit_loss = functional.cross_entropy(logits[:, 5:], digit, reduction="sum", label_smoothing=0.02) / positives
    raw = functional.binary_cross_entropy_with_logits(e[:, :, 4], wanted, reduction="none") * counted
    seen_loss = (raw * (1 + 1.5 * wanted)).sum() / positives
    span_loss = functional.relu(output.abs() - SPAN).square().sum() / positives
    return 2 * overlap_loss + seen_loss + digit_loss + 0.1 * span_loss


def as_input(pixels: torch.Tensor) -> torch.Tensor:
    x = pixels.permute(0, 3, 1, 2).float() / 255
    return x.contiguous(memory_format=torch.channels_last)


def settle(net: nn.Module, data: Augmented, batches: int = 30) -> None:
    """Measures anew what batch normalization needs: averaged weights have other means and variances."""
    torch.optim.swa_utils.update_bn(
        (as_input(torch.from_numpy(np.stack([data[i * 16 + k][0] for k in range(16)]))) for i in range(batches)), net
    )


def score(net: nn.Module, data: Pictures) -> float:
    net.eval()
    found, truth = [], []
    with torch.inference_mode():
        for start in range(0, len(data), 16):
            items = [data[i] for i in range(start, min(start + 16, len(data)))]
            output = net(as_input(torch.from_numpy(np.stack([p for p, _ in items])))).numpy()
            for one, (_, labels) in zip(output, items, strict=True):
                there = labels[:, 0] >= 0
                found.append(decode(one, 0.05))
                truth.append((labels[there, 1:], labels[there, 0].astype(int)))
    return mean_average_precision(found, truth)


def export(net: nn.Module, path: Path) -> None:
    """ONNX with the batch normalization folded into the convolutions."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    net = copy.deepcopy(net).eval().to(memory_format=torch.contiguous_format)
    parts: list[nn.Module] = []
    for layer in net:
        if isinstance(layer, nn.BatchNorm2d):
            parts[-1] = fuse_conv_bn_eval(parts[-1], layer)
        else:
            parts.append(layer)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        nn.Sequential(*parts),
        (torch.zeros(1, 3, HEIGHT, WIDTH),),
        str(path),
        input_names=["picture"],
        output_names=["boxes"],
        opset_version=13,
        dynamo=False,
    )


def average_gradients(net: nn.Module, processes: int) -> None:
    """One gradient for all processes."""
    flat = torch.cat([p.grad.flatten() for p in net.parameters()])
    distributed.all_reduce(flat)
    flat /= processes
    start = 0
    for p in net.parameters():
        p.grad = flat[start : start + p.numel()].view_as(p).contiguous()
        start += p.numel()


def train(rank: int, args: argparse.Namespace) -> None:
    """One of args.processes that train together; each one computes its own part of every batch.
    (On two cores two processes do more than two threads: they wait for each other once per step.)"""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=args.meeting, rank=rank, world_size=args.processes)
    torch.manual_seed(0)
    data, check = Augmented(Pictures(TRAIN_SEED, args.pictures)), Pictures(CHECK_SEED, 200)
    net = detector().to(memory_format=torch.channels_last)
    with torch.no_grad():  # at first nothing is a digit
        net[-1].bias.view(len(ANCHORS), 5 + CLASSES)[:, 4] = -4
    if args.resume:
        net.load_state_dict(torch.load(args.resume, weights_only=True))
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.997))
    optimizer = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=0.01)
    whole = args.batch * args.processes
    steps, step, done = args.passes * (args.pictures // whole), 0, 0.0
    started, running = time.monotonic(), 0.0
    while done < 1:
        at = step % (args.pictures // whole)
        if at == 0:
            order = torch.randperm(args.pictures, generator=torch.Generator().manual_seed(step)).tolist()
        mine = order[at * whole + rank * args.batch :][: args.batch]
        items = [data[i] for i in mine]
        pixels, labels = (torch.from_numpy(np.stack(part)) for part in zip(*items, strict=True))
        warm = min(1.0, (step + 1) / 150)
        rate = args.rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        optimizer.param_groups[0]["lr"] = rate
        net.train()
        with torch.autocast("cpu", torch.bfloat16):
            output = net(as_input(pixels))
        loss = loss_of(output.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        average_gradients(net, args.processes)
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        mean.update_parameters(net)
        step += 1
        # The clock of the first process says when time is up.
        progress = torch.tensor([max(step / steps, (time.monotonic() - started) / 60 / args.minutes)])
        distributed.broadcast(progress, 0)
        done = progress.item()
        if rank:
            continue
        running += (loss.item() - running) * max(0.02, 1 / step)
        if step % 50 == 0:
            print(f"step {step}, {100 * done:.1f} %: loss {running:.3f}", flush=True)
        if step % args.every == 0 or done >= 1:
            settle(mean.module, data, min(30, args.pictures // 16))
            torch.save(mean.module.state_dict(), WORK / "detector.pt")
            value = score(mean.module, check)
            print(f"step {step}: mAP@0.5 {value:.4f} on {len(check)} pictures", flush=True)
    if rank == 0:
        export(mean.module, ONNX)
        print(f"wrote {ONNX}")
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000, help="how many to generate; 0.25 MB each in build/train")
    parser.add_argument("--passes", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=600, help="end after so long, whatever the passes")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8, help="pictures per process and step")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--every", type=int, default=250, help="steps between two looks at the accuracy")
    parser.add_argument("--resume", type=Path, help="weights to start from")
    parser.add_argument("--export", action="store_true", help="only write build/train/detector.pt as ONNX")
    args = parser.parse_args()
    if args.export:
        net = detector()
        net.load_state_dict(torch.load(WORK / "detector.pt", weights_only=True))
        settle(net, Augmented(Pictures(TRAIN_SEED, args.pictures)))
        export(net, ONNX)
        return
    meeting = WORK / "meeting"
    meeting.unlink(missing_ok=True)
    args.meeting = f"file://{meeting}"
    multiprocessing.spawn(train, (args,), args.processes)


if __name__ == "__main__":
    main()
