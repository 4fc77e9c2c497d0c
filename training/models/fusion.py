"""How the feature maps of T steps become one: mean, max, attention, ConvLSTM.

Each module takes float32 [B, T, F, h, w] and returns [B, F, h, w], for any T. Mean and max do not
know the order of the steps; attention and ConvLSTM do, and add what they learn to the mean, so
that the pretrained features stay in their range.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dataset_script.errors import ConfigError

FUSIONS = ("mean", "max", "attention", "convlstm")


class Mean(nn.Module):
    """Mean over the steps."""

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F, h, w] -> [B, F, h, w]."""
        return features.mean(1)


class Max(nn.Module):
    """Greatest value over the steps, feature by feature."""

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F, h, w] -> [B, F, h, w]."""
        return features.amax(1)


class Attention(nn.Module):
    """Learned queries that look over the steps, at each place of the map by itself.

    Keys carry a sinusoidal code of the step's number, which needs no longest T. Each head has one
    query, so the scores of all places are a matrix product, whatever the size of the map.

    Args:
        channels: Features F.
        hidden_channels: Width of keys and values, all heads together; a multiple of 2 * heads.
        heads: Number of queries.
    """

    def __init__(self, channels: int, hidden_channels: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(1, channels)
        self.key = nn.Conv2d(channels, hidden_channels, 1)
        self.value = nn.Conv2d(channels, hidden_channels, 1)
        self.query = nn.Parameter(torch.randn(heads, hidden_channels // heads))
        self.out = nn.Conv2d(hidden_channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F, h, w] -> [B, F, h, w]."""
        steps = features.shape[1]
        flat = self.norm(features.flatten(0, 1))
        keys = self.key(flat).unflatten(0, (-1, steps))
        values = self.value(flat).unflatten(0, (-1, steps))
        keys = keys + step_code(steps, keys.shape[2], keys)[:, :, None, None]
        keys = keys.unflatten(2, (self.heads, -1))
        scores = torch.einsum("nd,btndhw->btnhw", self.query, keys)
        weights = (scores / math.sqrt(self.query.shape[1])).softmax(1)
        mixed = torch.einsum("btnhw,btndhw->bndhw", weights, values.unflatten(2, (self.heads, -1)))
        return features.mean(1) + self.out(mixed.flatten(1, 2))


class ConvLSTM(nn.Module):
    """A convolutional LSTM over the steps, whose last state is the answer.

    The cell of Shi et al. (2015), "Convolutional LSTM Network", equation 3, without the peephole
    terms (which tie the weights to one map size): with * a 3 x 3 convolution and . the product by
    elements, i, f, o = sigmoid(W * [x, h] + b), c' = f . c + i . tanh(W * [x, h] + b),
    h' = o . tanh(c'). The forget gate's bias starts at one, so that early steps are remembered.

    Args:
        channels: Features F.
        hidden_channels: Features of the state.
    """

    def __init__(self, channels: int, hidden_channels: int):
        super().__init__()
        self.hidden_channels = hidden_channels
        self.norm = nn.GroupNorm(1, channels)
        self.narrow = nn.Conv2d(channels, hidden_channels, 1)
        self.gates = nn.Conv2d(2 * hidden_channels, 4 * hidden_channels, 3, padding=1)
        self.out = nn.Conv2d(hidden_channels, channels, 1)
        with torch.no_grad():
            assert self.gates.bias is not None
            self.gates.bias[hidden_channels : 2 * hidden_channels].fill_(1.0)

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F, h, w] -> [B, F, h, w]."""
        steps = features.shape[1]
        inputs = self.narrow(self.norm(features.flatten(0, 1))).unflatten(0, (-1, steps))
        hidden = cell = torch.zeros_like(inputs[:, 0])
        for step in range(steps):
            hidden, cell = self.step(inputs[:, step], hidden, cell)
        return features.mean(1) + self.out(hidden)

    def step(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the cell; everything is [B, hidden_channels, h, w].

        Args:
            inputs: x, narrowed features of the step.
            hidden: State h.
            cell: Memory c.

        Returns:
            h' and c'.
        """
        gates = self.gates(torch.cat([inputs, hidden], 1))
        enter, forget, leave, candidate = gates.chunk(4, 1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        return leave.sigmoid() * cell.tanh(), cell


def step_code(steps: int, channels: int, like: Tensor) -> Tensor:
    """Sinusoidal code of the steps' numbers (Vaswani et al. 2017, section 3.5).

    Args:
        steps: Steps T.
        channels: Even number of channels.
        like: Tensor whose type and device the code takes.

    Returns:
        [T, channels].
    """
    number = torch.arange(steps, dtype=torch.float32, device=like.device)[:, None]
    rate = torch.exp(
        torch.arange(0, channels, 2, dtype=torch.float32, device=like.device)
        * (-math.log(10_000.0) / channels)
    )
    return torch.cat([(number * rate).sin(), (number * rate).cos()], 1).to(like.dtype)


def make_fusion(kind: str, channels: int, hidden_channels: int) -> nn.Module:
    """A fusion by name.

    Args:
        kind: One of `FUSIONS`.
        channels: Features F of the maps to fuse.
        hidden_channels: Width of what attention and ConvLSTM learn; narrower maps set the limit.

    Returns:
        A module [B, T, F, h, w] -> [B, F, h, w].

    Raises:
        ConfigError: If the kind is unknown or `hidden_channels` is not a multiple of 8.
    """
    if kind in ("mean", "max"):
        return Mean() if kind == "mean" else Max()
    if not isinstance(hidden_channels, int) or hidden_channels < 8 or hidden_channels % 8:
        raise ConfigError(
            f"model.options.hidden_channels is {hidden_channels}; it must be a multiple of 8"
        )
    width = min(hidden_channels, max(8, channels // 8 * 8))
    if kind == "attention":
        return Attention(channels, width)
    if kind == "convlstm":
        return ConvLSTM(channels, width)
    raise ConfigError(f"model.temporal: unknown fusion {kind!r}; choose {', '.join(FUSIONS)}")
