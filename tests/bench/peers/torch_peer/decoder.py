"""A Llama decoder by hand, with a static KV cache: what a careful person writes in plain PyTorch.

Parameters have transformers' names and shapes, so that `check.py` can copy weights from there. Deliberately absent:
padding (every row is full), attention masks other than the causal one, dropout, weights of more than one type.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .shapes import DEVIATION, EPSILON, THETA


class Cache:
    """Room for all keys and values, taken once."""

    def __init__(self, shape, rows, length):
        size = (shape.layers, 2, rows, shape.kv_heads, length, shape.head_width)
        self.keys_values = torch.zeros(size)
        self.length = 0

    def put(self, layer, key, value):
        """Appends to a layer; gives all that is there. The last layer's turn moves the end."""
        end = self.length + key.shape[2]
        keys, values = self.keys_values[layer]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        if layer == len(self.keys_values) - 1:
            self.length = end
        return keys[:, :, :end], values[:, :, :end]


def rotate(x, cos, sin):
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, shape, layer):
        super().__init__()
        self.shape, self.layer = shape, layer
        inner, kv_inner = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
        self.q_proj = nn.Linear(shape.width, inner, bias=False)
        self.k_proj = nn.Linear(shape.width, kv_inner, bias=False)
        self.v_proj = nn.Linear(shape.width, kv_inner, bias=False)
        self.o_proj = nn.Linear(inner, shape.width, bias=False)

    def forward(self, x, cos, sin, cache):
        rows, length, _ = x.shape
        split = lambda y: y.view(rows, length, -1, self.shape.head_width).transpose(1, 2)
        query = rotate(split(self.q_proj(x)), cos, sin)
        key, value = rotate(split(self.k_proj(x)), cos, sin), split(self.v_proj(x))
        if cache is not None:
            key, value = cache.put(self.layer, key, value)
        grouped = self.shape.heads != self.shape.kv_heads
        # One query sees all that is in the cache.
        y = F.scaled_dot_product_attention(query, key, value, is_causal=length > 1, enable_gqa=grouped)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, -1))


class FeedForward(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, shape, layer):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.width, eps=EPSILON)
        self.self_attn = Attention(shape, layer)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=EPSILON)
        self.mlp = FeedForward(shape)

    def forward(self, x, cos, sin, cache):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """From tokens to the normed hidden states."""

    def __init__(self, shape, length):
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Block(shape, layer) for layer in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=EPSILON)
        turns = THETA ** -(torch.arange(0, shape.head_width, 2) / shape.head_width)
        angles = torch.outer(torch.arange(length).float(), turns).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=DEVIATION)

    def forward(self, tokens, cache=None):
        start = cache.length if cache is not None else 0
        end = start + tokens.shape[1]
        x = self.embed_tokens(tokens)
        for block in self.layers:
            x = block(x, self.cos[start:end], self.sin[start:end], cache)
        return self.norm(x)

    def logits(self, hidden):
        """Through the tied embedding."""
        return F.linear(hidden, self.embed_tokens.weight)


class Scalar(nn.Module):
    """A decoder with one number a position."""

    def __init__(self, shape, length):
        super().__init__()
        self.model = Decoder(shape, length)
        self.score = nn.Linear(shape.width, 1, bias=False)
        nn.init.normal_(self.score.weight, std=DEVIATION)

    def forward(self, tokens):
        return self.score(self.model(tokens)).squeeze(-1)
