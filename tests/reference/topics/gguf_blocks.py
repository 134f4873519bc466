"""Random blocks of every encoding of GGUF that is read, and what llama.cpp's own gguf-py makes of them."""

import gguf
import numpy as np
from gguf import GGMLQuantizationType

# Bytes of a block, and where its half-precision scales stand: random bytes there would be huge or no numbers.
BLOCKS = {
    "Q8_0": (34, [0]),
    "Q4_0": (18, [0]),
    "Q4_1": (20, [0, 2]),
    "Q5_0": (22, [0]),
    "Q5_1": (24, [0, 2]),
    "Q4_K": (144, [0, 2]),
    "Q5_K": (176, [0, 2]),
    "Q6_K": (210, [208]),
}


def make():
    rng = np.random.default_rng(95)
    encodings = {}
    for name, (size, scales) in BLOCKS.items():
        blocks = rng.integers(0, 256, (2, size), dtype=np.uint8)
        for block in blocks:
            for at in scales:
                block[at : at + 2] = np.frombuffer(np.float16(rng.normal()).tobytes(), np.uint8)
        values = gguf.quants.dequantize(blocks, GGMLQuantizationType[name]).reshape(-1)
        encodings[name] = {"bytes": blocks.tobytes().hex(), "values": [float(f"{value:.8g}") for value in values]}
    numbers = (rng.normal(size=64) * 2).astype(np.float32)
    written = gguf.quants.quantize(numbers.reshape(1, -1), GGMLQuantizationType.Q8_0)
    return {
        "encodings": encodings,
        "quantised": {"numbers": [float(x) for x in numbers], "Q8_0": written.tobytes().hex()},
    }
