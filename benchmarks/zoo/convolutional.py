"""Convolutional networks on digits, as pictures of 8 × 8 to 3 × 32 × 32."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Case
from zoo.perceptrons import he, initialised

FAMILY = "convolution"
LN10 = math.log(10)


def unit(fan_in, fan_out, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    """Convolution, batch norm, activation."""
    conv = nn.Conv2d(fan_in, fan_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(fan_out), activation() if activation else nn.Identity())


def head(width, classes=10):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def plain(depth=4, width=24, activation=nn.ReLU):
    layers = [nn.Conv2d(1, width, 3, padding=1), activation()]
    for _ in range(depth - 1):
        layers += [nn.Conv2d(width, width, 3, padding=1), activation()]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * width, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(16 * 4, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def vgg(plan, width=16):
    layers, fan_in = [], 3
    for item in plan:
        if item == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers.append(unit(fan_in, item * width))
            fan_in = item * width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(fan_in * 4, 64), nn.ReLU(), nn.Linear(64, 10))


class Basic(nn.Module):
    def __init__(self, fan_in, fan_out, stride=1, zero_last=False):
        super().__init__()
        self.first = unit(fan_in, fan_out, stride=stride)
        self.second = unit(fan_out, fan_out, activation=None)
        self.skip = nn.Identity() if fan_in == fan_out and stride == 1 else unit(fan_in, fan_out, 1, stride, 1, None)
        if zero_last:
            nn.init.zeros_(self.second[1].weight)

    def forward(self, x):
        return torch.relu(self.skip(x) + self.second(self.first(x)))


class PreActivation(nn.Module):
    def __init__(self, fan_in, fan_out, stride=1):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(fan_in), nn.BatchNorm2d(fan_out)])
        self.first = nn.Conv2d(fan_in, fan_out, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(fan_out, fan_out, 3, 1, 1, bias=False)
        self.skip = nn.Identity() if fan_in == fan_out and stride == 1 else nn.Conv2d(fan_in, fan_out, 1, stride)

    def forward(self, x):
        hidden = torch.relu(self.norms[0](x))
        return self.skip(x) + self.second(torch.relu(self.norms[1](self.first(hidden))))


def resnet(block, width=16, blocks=(2, 2, 2), he_init=False):
    layers, fan_in = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()], width
    for stage, count in enumerate(blocks):
        for number in range(count):
            fan_out = width * 2**stage
            layers.append(block(fan_in, fan_out, 2 if stage and not number else 1))
            fan_in = fan_out
    module = nn.Sequential(*layers, head(fan_in))
    return initialised(module, he) if he_init else module


class Fixup(nn.Module):
    def __init__(self, width, num_blocks):
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        he(self.first.weight)
        with torch.no_grad():
            self.first.weight.mul_(num_blocks**-0.5)
        nn.init.zeros_(self.second.weight)
        self.biases, self.scale = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.ones(1))

    def forward(self, x):
        a, b, c, d = self.biases
        hidden = torch.relu(self.first(x + a) + b)
        return torch.relu(x + self.scale * self.second(hidden + c) + d)


def fixup(width=24, num_blocks=6):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.ReLU(),
        *(Fixup(width, num_blocks) for _ in range(num_blocks)),
        head(width),
    )


class Dense(nn.Module):
    def __init__(self, fan_in, growth=8, count=4):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(fan_in + k * growth), nn.ReLU(), nn.Conv2d(fan_in + k * growth, growth, 3, padding=1)
            )
            for k in range(count)
        )

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


def densenet():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), Dense(16), nn.BatchNorm2d(48), nn.ReLU(), nn.Conv2d(48, 24, 1), nn.AvgPool2d(2),
        Dense(24), nn.BatchNorm2d(56), nn.ReLU(), head(56),
    )  # fmt: skip


class Squeeze(nn.Module):
    def __init__(self, width, gate=nn.Sigmoid):
        super().__init__()
        self.path = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width // 4, 1), nn.ReLU(), nn.Conv2d(width // 4, width, 1), gate()
        )

    def forward(self, x):
        return x * self.path(x)


class Inverted(nn.Module):
    """Expand, depthwise, optional squeeze and excitation, project."""

    def __init__(self, fan_in, fan_out, stride=1, activation=nn.ReLU6, squeeze=None, kernel=3):
        super().__init__()
        wide = 4 * fan_in
        self.same = stride == 1 and fan_in == fan_out
        self.path = nn.Sequential(
            unit(fan_in, wide, 1, activation=activation),
            unit(wide, wide, kernel, stride, groups=wide, activation=activation),
            Squeeze(wide, squeeze) if squeeze else nn.Identity(),
            unit(wide, fan_out, 1, activation=None),
        )

    def forward(self, x):
        return x + self.path(x) if self.same else self.path(x)


def mobile(activation=nn.ReLU6, squeeze=None, kernel=3):
    def block(*shape):
        return Inverted(*shape, activation, squeeze, kernel)

    return nn.Sequential(
        unit(3, 16, stride=2, activation=activation), block(16, 16, 1), block(16, 24, 2), block(24, 24, 1),
        block(24, 32, 2), block(32, 32, 1), unit(32, 64, 1, activation=activation), head(64),
    )  # fmt: skip


class ConvNextBlock(nn.Module):
    def __init__(self, width, scale=1e-6):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand, self.project = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(scale * torch.ones(width))

    def forward(self, x):
        hidden = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        hidden = self.scale * self.project(functional.gelu(self.expand(hidden)))
        return x + hidden.permute(0, 3, 1, 2)


def convnext(width=32):
    module = nn.Sequential(
        nn.Conv2d(3, width, 4, 4), nn.GroupNorm(1, width), ConvNextBlock(width), ConvNextBlock(width),
        nn.GroupNorm(1, width), nn.Conv2d(width, 2 * width, 2, 2), ConvNextBlock(2 * width), ConvNextBlock(2 * width),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(2 * width), nn.Linear(2 * width, 10),
    )  # fmt: skip
    return initialised(module, lambda weight: nn.init.trunc_normal_(weight, std=0.02))


class UNet(nn.Module):
    def __init__(self, width=12, norm=True):
        super().__init__()
        make = unit if norm else lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
        self.down = nn.ModuleList([make(1, width), make(width, 2 * width)])
        self.middle = make(2 * width, 4 * width)
        self.lift = nn.ModuleList(
            [nn.ConvTranspose2d(4 * width, 2 * width, 2, 2), nn.ConvTranspose2d(2 * width, width, 2, 2)]
        )
        self.up = nn.ModuleList([make(4 * width, 2 * width), make(2 * width, width)])
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        first = self.down[0](x)
        second = self.down[1](functional.max_pool2d(first, 2))
        x = self.middle(functional.max_pool2d(second, 2))
        x = self.up[0](torch.cat([self.lift[0](x), second], 1))
        return self.last(self.up[1](torch.cat([self.lift[1](x), first], 1)))


class Inception(nn.Module):
    def __init__(self, fan_in, width=12):
        super().__init__()
        self.paths = nn.ModuleList(
            [unit(fan_in, width, 1), unit(fan_in, width, 3), unit(fan_in, width, 5),
             nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(fan_in, width, 1))]
        )  # fmt: skip

    def forward(self, x):
        return torch.cat([path(x) for path in self.paths], 1)


class Shuffle(nn.Module):
    def __init__(self, width=32, groups=4):
        super().__init__()
        self.groups = groups
        self.first, self.second = (unit(width, width, 1, groups=groups) for _ in range(2))
        self.depthwise = unit(width, width, 3, groups=width, activation=None)

    def forward(self, x):
        hidden = self.first(x)
        hidden = hidden.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
        return torch.relu(x + self.second(self.depthwise(hidden)))


class CnnLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
        self.lstm, self.last = nn.LSTM(128, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x):
        states, _ = self.lstm(self.conv(x).permute(0, 2, 1, 3).flatten(2))
        return self.last(states[:, -1])


def case(name, build, batch=_data.images, **more):
    return Case(name, FAMILY, build, batch, functional.cross_entropy, LN10, **more)


def color_case(name, build, steps=60, **more):
    return case(name, build, _data.color, steps=steps, **more)


CASES = (
    case("plain_conv4", plain),
    case("plain_conv6_he", lambda: initialised(plain(6), he)),
    case("plain_conv3_gelu", lambda: plain(3, activation=nn.GELU)),
    case("plain_conv3_raw_pixels", lambda: plain(3), _data.raw_images),
    case("lenet_tanh", lenet, functools.partial(_data.images, size=16)),
    color_case("vgg11_bn", lambda: vgg([1, "M", 2, "M", 3, 3, "M", 4, 4, "M", 4, 4])),
    color_case("vgg16_bn", lambda: vgg([1, 1, "M", 1, 1, "M", 2, 2, 2, "M", 2, 2, 2, "M", 2, 2, 2])),
    color_case("resnet18", lambda: resnet(Basic, 12, (2, 2, 2, 2))),
    color_case("resnet18_he", lambda: resnet(Basic, 12, (2, 2, 2, 2), he_init=True)),
    color_case("resnet_zero_gamma", lambda: resnet(lambda a, b, s: Basic(a, b, s, zero_last=True))),
    color_case("resnet_preactivation", lambda: resnet(PreActivation)),
    color_case("wide_resnet", lambda: resnet(PreActivation, 32, (1, 1, 1)), steps=40),
    case("fixup", fixup),
    color_case("densenet", densenet),
    color_case("mobilenet_v2", mobile),
    color_case("mobilenet_v3", lambda: mobile(nn.Hardswish, nn.Hardsigmoid, 5)),
    color_case("efficientnet", lambda: mobile(nn.SiLU, nn.Sigmoid)),
    color_case("convnext", convnext, steps=100),
    color_case("inception", lambda: nn.Sequential(unit(3, 16, stride=2), Inception(16), Inception(48), head(48))),
    color_case("shufflenet", lambda: nn.Sequential(unit(3, 32, stride=2), Shuffle(), Shuffle(), head(32)), steps=200),
    case("cnn_lstm", CnnLstm),
    Case("unet", FAMILY, UNet, _data.halves, functional.binary_cross_entropy_with_logits, 0.66),
    Case("unet_plain", FAMILY, lambda: UNet(norm=False), _data.halves, functional.binary_cross_entropy_with_logits,
         0.66),
)  # fmt: skip
