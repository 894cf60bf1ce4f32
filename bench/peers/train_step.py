#!/usr/bin/env python3
"""One training step (forward, backward, clip, Adam) of the LDR to HDR network in plain PyTorch: seconds, median.

    bench/peers/train_step.py BASE BLOCKS BATCH TILE STEPS
"""

import json
import os
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Residual(nn.Module):
    def __init__(self, features, dilation):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(features, features, 3, padding=dilation, dilation=dilation) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(features), nn.BatchNorm2d(features)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


def network(base, blocks):
    layers = [nn.Conv2d(3, base, 3, 1, 1), nn.ReLU(), nn.Conv2d(base, 2 * base, 3, 2, 1), nn.ReLU(),
              nn.Conv2d(2 * base, 4 * base, 3, 2, 1), nn.ReLU(),
              *(Residual(4 * base, 2 - i % 2) for i in range(blocks)),
              nn.ConvTranspose2d(4 * base, 2 * base, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(2 * base, base, 4, 2, 1), nn.ReLU(),
              nn.Conv2d(base, 3, 3, 1, 1), nn.Softplus()]
    return nn.Sequential(*layers)


def main():
    base, blocks, batch, tile, steps = map(int, sys.argv[1:])
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(1)
    model = network(base, blocks).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    x, t = (torch.rand(batch, 3, tile, tile).to(memory_format=torch.channels_last) for _ in range(2))
    times = []
    for _ in range(steps + 2):
        started = time.perf_counter()
        optimiser.zero_grad()
        p = model(x)
        loss = 0.5 * F.l1_loss(p, t) + 0.5 * F.l1_loss(torch.log1p(p.clamp(min=0) + 1e-6), torch.log1p(t.clamp(min=0) + 1e-6))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        loss.item()
        times.append(time.perf_counter() - started)
    print(json.dumps({"step_seconds": statistics.median(times[2:])}))


if __name__ == "__main__":
    main()
