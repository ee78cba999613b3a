#!/usr/bin/env python3
"""Makes the .pth files of this folder. Usage: make_pth.py FOLDER; needs PyTorch (they were made with 1.13)."""

import collections
import sys

import torch


class Stage(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(2)


class Net(torch.nn.Module):
    """The small convnet with one stage of two channels, and a classifier."""

    def __init__(self):
        super().__init__()
        self.stage1 = Stage()
        self.fc = torch.nn.Linear(2, 3)


def numbers(*shape):
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)


def main():
    folder = sys.argv[1]
    net = Net()
    with torch.no_grad():
        net.stage1.conv1.weight.copy_(numbers(2, 1, 3, 3) / 8)
        net.stage1.bn1.running_mean.copy_(torch.tensor([0.5, -0.5]))
        net.stage1.bn1.num_batches_tracked.fill_(7)
        net.fc.weight.fill_(1)
        net.fc.bias.fill_(0)
    torch.save(net.state_dict(), f"{folder}/small_convnet.pth")
    torch.save(net.state_dict(), f"{folder}/small_convnet_legacy.pth", _use_new_zipfile_serialization=False)

    base = numbers(3, 4)
    tensors = collections.OrderedDict(
        transposed=base.t(),
        row=base[1],
        parameter=torch.nn.Parameter(numbers(2)),
        scalar=torch.tensor(-(2**40)),
        empty=torch.zeros(0, 3),
    )
    checkpoint = {"epoch": 3, "loss": 0.25, "names": ["a", None, True], "state_dict": tensors, "momentum": torch.ones(2, dtype=torch.double)}
    torch.save(checkpoint, f"{folder}/checkpoint.pth")
    torch.save(checkpoint, f"{folder}/checkpoint_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"half": torch.ones(2, dtype=torch.half)}, f"{folder}/half.pth")


if __name__ == "__main__":
    main()
