#!/usr/bin/python3
"""The training loop of semblance-bench-training, written in Python with PyTorch as is usual.

The same network, loss (Proxy-NCA with the positive kept, both scales 3), optimizer (AdamW, the same parameter groups), batch size,
and changes to the images (mirror, shift with reflection) on pixels that are in memory, resized. Images are uint8 and
[N, C, H, W] in one tensor; a batch is cut, mirrored and shifted from it in the training thread, which was faster than a DataLoader
with one or two worker processes on two cores.

Prints {"images_per_second": ..., "loss": ...}: of the measured steps, and of the last of them.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn


class SmallConvnet(nn.Module):
    """Stages of two 3x3 convolutions with batch norm and ReLU, then max pooling; the last map is flattened."""

    def __init__(self, side, dimension, channels=(32, 64, 128)):
        super().__init__()
        layers, inputs = [], 3
        for outputs in channels:
            for _ in range(2):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(inputs * (side >> len(channels)) ** 2, dimension)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, as in torchvision."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += shortcut
        return self.relu(out)


class Resnet18(nn.Module):
    """The network of torchvision with a linear head of `dimension`."""

    def __init__(self, dimension):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        blocks, inputs = [], 64
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)]
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(inputs, dimension)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.head(self.avgpool(self.blocks(x)).flatten(1))


class Images:
    """Random images in memory, and batches of them, shuffled, mirrored and shifted."""

    def __init__(self, count, side, classes, shift):
        self.side, self.shift = side, shift
        pixels = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
        # The images are reflected once here, so that a shifted crop is a slice.
        self.pixels = F.pad(pixels.float(), (shift,) * 4, mode="reflect").to(torch.uint8)
        self.labels = torch.randint(0, classes, (count,))

    def batches(self, batch_size):
        while True:
            for rows in torch.randperm(len(self.pixels)).split(batch_size):
                if len(rows) == batch_size:
                    yield self.batch(rows), self.labels[rows]

    def batch(self, rows):
        crops = torch.empty((len(rows), 3, self.side, self.side), dtype=torch.uint8)
        shifts = torch.randint(0, 2 * self.shift + 1, (len(rows), 2)).tolist()
        for crop, row, (x, y) in zip(crops, rows.tolist(), shifts):
            crop.copy_(self.pixels[row, :, y : y + self.side, x : x + self.side])
        mirrored = torch.rand(len(rows)) < 0.5
        crops[mirrored] = crops[mirrored].flip(3)
        return crops


class Loop:
    """Network, proxies and optimizer, and a step of training."""

    def __init__(self, flags):
        self.memory_format = torch.channels_last if flags.channels_last else torch.contiguous_format
        net = Resnet18(flags.dimension) if flags.network == "resnet18" else SmallConvnet(flags.side, flags.dimension)
        self.net = net.to(memory_format=self.memory_format).train()
        self.proxies = nn.Parameter(F.normalize(torch.randn(flags.classes, flags.dimension)))
        decayed = [p for p in net.parameters() if p.dim() > 1]
        others = [p for p in net.parameters() if p.dim() == 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": 1e-4},
                {"params": others, "weight_decay": 0.0},
                {"params": [self.proxies], "lr": 0.1, "weight_decay": 0.0},
            ],
            lr=1e-3,
        )
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 255
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255

    def step(self, pixels, labels):
        images = pixels.to(torch.float32, memory_format=self.memory_format).sub_(self.mean).div_(self.std)
        embeddings = F.normalize(self.net(images))
        # Embeddings and proxies have length 3, so -d(x, p) is 18 times their cosine, up to a constant.
        loss = F.cross_entropy(18 * embeddings @ F.normalize(self.proxies).t(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def parse_flags():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=("small_convnet", "resnet18"), required=True)
    parser.add_argument("--side", type=int, required=True, help="of the images, in pixels")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--images", type=int, required=True, help="in memory")
    parser.add_argument("--shift", type=int, required=True, help="pixels")
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--warm_up", type=int, required=True, help="steps before the measured ones")
    parser.add_argument("--steps", type=int, required=True, help="that are measured")
    parser.add_argument("--channels_last", action="store_true", help="the memory format; default: PyTorch's")
    return parser.parse_args()


def main():
    flags = parse_flags()
    torch.set_num_threads(flags.threads)
    torch.manual_seed(1)
    loop = Loop(flags)
    batches = Images(flags.images, flags.side, flags.classes, flags.shift).batches(flags.batch)
    for _ in range(flags.warm_up):
        loop.step(*next(batches))
    start = time.perf_counter()
    for _ in range(flags.steps):
        loss = loop.step(*next(batches))
    seconds = time.perf_counter() - start
    print(json.dumps({"images_per_second": flags.steps * flags.batch / seconds, "loss": loss}))


if __name__ == "__main__":
    main()
