"""The first weights of a model that is to be trained."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn


def initialise(model: Any) -> None:
    """Normal with standard deviation ``init_std``, biases 0; what each layer adds to the residual smaller by the square
    root of twice the layers, so that the sum of all starts at one layer's size (Radford et al., 2019)."""
    config = model.config
    if model.embedding.weight.device.type == "meta":
        return
    for name, parameter in model.named_parameters():
        if "norm" in name:
            continue
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
            continue
        adds = name.endswith(("attention.o.weight", "ffn.down.weight"))
        scale = 1 / math.sqrt(2 * config.num_layers) if adds and config.residual_scaled_init else 1.0
        with torch.no_grad():
            parameter.normal_(0.0, config.init_std * scale)
