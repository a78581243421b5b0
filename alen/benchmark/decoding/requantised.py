"""The same weights in other formats of GGUF, so that another program can show its best."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize, quantize


def requantised(source: Path, target: Path, kind: GGMLQuantizationType) -> Path:
    """``source`` with every matrix of its layers as ``kind``; embeddings, norms and metadata as they are. What is there
    already is kept."""
    if target.exists():
        return target
    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    partial = target.with_suffix(".partial")
    writer = gguf.GGUFWriter(partial, architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        of = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=of)
    for tensor in reader.tensors:
        own, data = tensor.tensor_type, tensor.data
        if tensor.name.startswith("blk.") and len(tensor.shape) == 2:
            data, own = quantize(np.ascontiguousarray(dequantize(data, own)), kind), kind
        writer.add_tensor(tensor.name, data, raw_dtype=own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(target)
    return target
