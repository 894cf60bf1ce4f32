"""DeepLabV3+ as PyTorch modules whose state dict has upstream's keys, written from the paper and notes on its layout."""

import torch
import torch.nn.functional as F
from torch import nn


def unit(i, o, k=1, stride=1, pad=0, dilation=1, groups=1, act=nn.ReLU):
    layers = [nn.Conv2d(i, o, k, stride, pad, dilation, groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, act()) if act else nn.Sequential(*layers)


class Inverted(nn.Module):
    def __init__(self, i, o, t, stride, dilation):
        super().__init__()
        hidden = i * t
        layers = [unit(i, hidden, act=nn.ReLU6)] if t != 1 else []
        layers += [unit(hidden, hidden, 3, stride, 0, dilation, hidden, nn.ReLU6), nn.Conv2d(hidden, o, 1, bias=False),
                   nn.BatchNorm2d(o)]
        self.conv, self.pad, self.add = nn.Sequential(*layers), dilation, stride == 1 and i == o

    def forward(self, x):
        y = self.conv(F.pad(x, [self.pad] * 4))
        return x + y if self.add else y


class MobileNet(nn.Module):
    def __init__(self, output_stride):
        super().__init__()
        blocks, width, reached, dilation = [unit(3, 32, 3, 2, act=nn.ReLU6)], 32, 2, 1
        for t, c, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                           (6, 320, 1, 1)):
            before = dilation
            if reached == output_stride:
                dilation, s = dilation * s, 1
            else:
                reached *= s
            for k in range(n):
                blocks.append(Inverted(width, c, t, s if k == 0 else 1, before if k == 0 else dilation))
                width = c
        self.low_level_features = nn.Sequential(*blocks[:4])
        self.high_level_features = nn.ModuleDict({str(4 + k): b for k, b in enumerate(blocks[4:])})

    def forward(self, x):
        low = x = self.low_level_features(x)
        for block in self.high_level_features.values():
            x = block(x)
        return low, x


class Bottleneck(nn.Module):
    def __init__(self, i, width, stride, dilation):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        if stride != 1 or i != 4 * width:
            self.downsample = unit(i, 4 * width, 1, stride, act=None)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    def __init__(self, output_stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        dilated = {8: (1, 1, 2, 4), 16: (1, 1, 1, 2)}[output_stride]
        i = 64
        for k, (n, dilation) in enumerate(zip((3, 4, 6, 3), dilated)):
            before = dilated[k - 1] if k else 1
            stride = 1 if k == 0 or dilation != before else 2
            blocks = []
            for b in range(n):
                blocks.append(Bottleneck(i, 64 << k, stride if b == 0 else 1, before if b == 0 else dilation))
                i = 256 << k
            setattr(self, f"layer{k + 1}", nn.Sequential(*blocks))

    def forward(self, x):
        low = self.layer1(F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1))
        return low, self.layer4(self.layer3(self.layer2(low)))


class Pyramid(nn.Module):
    def __init__(self, i, rates):
        super().__init__()
        mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), *unit(i, 256))
        self.convs = nn.ModuleList([unit(i, 256), *(unit(i, 256, 3, 1, r, r) for r in rates), mean])
        self.project = unit(1280, 256)

    def forward(self, x):
        parts = [conv(x) for conv in self.convs]
        parts[-1] = parts[-1].expand_as(parts[0])
        return self.project(torch.cat(parts, 1))


class Head(nn.Module):
    def __init__(self, i, low, classes, rates):
        super().__init__()
        self.project, self.aspp = unit(low, 48), Pyramid(i, rates)
        self.classifier = nn.Sequential(*unit(304, 256, 3, 1, 1), nn.Conv2d(256, classes, 1))

    def forward(self, low, x):
        low, x = self.project(low), self.aspp(x)
        x = F.interpolate(x, size=low.shape[2:], mode="bilinear", align_corners=False)
        return self.classifier(torch.cat([low, x], 1))


class DeepLabV3Plus(nn.Module):
    def __init__(self, resnet, classes, output_stride):
        super().__init__()
        rates = (6, 12, 18) if output_stride == 16 else (12, 24, 36)
        self.backbone = (ResNet if resnet else MobileNet)(output_stride)
        self.classifier = Head(2048 if resnet else 320, 256 if resnet else 24, classes, rates)

    def forward(self, image):
        mean, deviation = (torch.tensor(v, dtype=image.dtype).view(3, 1, 1)
                           for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        x = self.classifier(*self.backbone((image - mean) / deviation))
        return F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False)
