"""The sizes and the constants of the work, as in `nudge bench`. Nothing here computes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A Llama decoder with tied embedding, and the batch of one step of `sft`."""

    width: int
    layers: int
    inner: int
    heads: int
    kv_heads: int
    vocabulary: int
    rows: int
    context: int

    @property
    def head_width(self):
        return self.width // self.heads


SHAPES = {
    "test": Shape(32, 2, 96, 2, 2, 256, rows=4, context=32),
    "tiny": Shape(128, 4, 352, 4, 4, 2048, rows=8, context=128),
    "small": Shape(256, 6, 704, 8, 8, 4096, rows=16, context=128),
    # SmolLM2-135M.
    "medium": Shape(576, 30, 1536, 9, 3, 49152, rows=4, context=256),
}

THETA, EPSILON, DEVIATION = 10_000.0, 1e-5, 0.02

# Every training phase.
LEARNING_RATE, MAX_GRAD_NORM = 1e-4, 1.0

# reward
PAIRS, PAIR_TOKENS = 64, 96

# rollout and ppo
PROMPTS, PROMPT_TOKENS, NEW_TOKENS, TEMPERATURE = 32, 32, 64, 0.7

# ppo
EPOCHS, MINIBATCH = 4, 8
KL_COEFFICIENT, GAMMA, LAMBDA = 0.05, 1.0, 0.95
CLIP, VALUE_CLIP, VALUE_COEFFICIENT = 0.2, 0.2, 0.1
