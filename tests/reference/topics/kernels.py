"""The operations of a Llama one by one: values, and gradients of the sum of `output * upstream`.

RMSNorm and the rotary embedding are transformers' own (in f32, as it computes them), the others torch's in f64.
"""

import torch
import torch.nn.functional as F
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding, apply_rotary_pos_emb

from .common import normal, numbers, trained
from .decoder import positions

BATCH, TIME, HEADS, KV_HEADS, HEAD_DIM = 3, 5, 4, 2, 6
# Padding on the left, none, on the right.
MASK = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=torch.bool)


def case(inputs, constants, output, **integers):
    """One operation: its inputs, its output, and the gradients that `upstream` sends back."""
    upstream = normal(*output.shape)
    (output * upstream.to(output.dtype)).sum().backward()
    return {
        "inputs": {name: numbers(tensor) for name, tensor in (inputs | constants).items()},
        "output": numbers(output),
        "upstream": numbers(upstream),
        "gradients": {name: numbers(tensor.grad) for name, tensor in inputs.items()},
        **{name: tensor.tolist() for name, tensor in integers.items()},
    }


def rms_norm():
    x, weight = trained(normal(2, 3, 8).float(), normal(8, offset=1.0).float())
    norm = LlamaRMSNorm(8, eps=1e-3)
    norm.weight = torch.nn.Parameter(weight)
    output = norm(x)
    weight = norm.weight
    return {"eps": 1e-3, **case({"x": x, "weight": weight}, {}, output)}


def rotary():
    config = LlamaConfig(hidden_size=24, num_attention_heads=HEADS, head_dim=HEAD_DIM)
    (x,) = trained(normal(BATCH, TIME, HEADS, HEAD_DIM).float())
    cos, sin = LlamaRotaryEmbedding(config)(x, positions(MASK))
    output, _ = apply_rotary_pos_emb(x, x, cos, sin, unsqueeze_dim=2)
    # transformers repeats the table for the second half of a head.
    half = HEAD_DIM // 2
    assert torch.equal(cos[..., :half], cos[..., half:])
    return case({"x": x}, {"cos": cos[..., :half], "sin": sin[..., :half]}, output)


def causal_attention():
    q, k, v = trained(
        normal(BATCH, TIME, HEADS, HEAD_DIM, scale=1.5),
        normal(BATCH, TIME, KV_HEADS, HEAD_DIM, scale=1.5),
        normal(BATCH, TIME, KV_HEADS, HEAD_DIM),
    )
    causal = torch.ones(TIME, TIME, dtype=torch.bool).tril()
    # Padding queries look at themselves, so that their softmax is finite; their output is then set to 0.
    visible = (causal & MASK[:, None, :]) | torch.eye(TIME, dtype=torch.bool)
    heads_first = [tensor.transpose(1, 2) for tensor in [q, k, v]]
    output = F.scaled_dot_product_attention(*heads_first, attn_mask=visible[:, None], enable_gqa=True).transpose(1, 2)
    output = torch.where(MASK[:, :, None, None], output, 0.0)
    return case({"q": q, "k": k, "v": v}, {}, output, mask=MASK)


def decode_attention():
    first, filled = torch.tensor([2, 0, 4]), TIME - 1
    width = (HEADS + 2 * KV_HEADS) * HEAD_DIM
    qkv = normal(BATCH, 1, width, scale=1.5).float()
    # The last place of the caches is still empty.
    k_cache, v_cache = (normal(BATCH, TIME, KV_HEADS, HEAD_DIM, scale=1.5).float() for _ in range(2))
    k_cache[:, filled], v_cache[:, filled] = 0.0, 0.0
    inputs = {"qkv": qkv, "k_cache": k_cache.clone(), "v_cache": v_cache.clone()}
    embedding = LlamaRotaryEmbedding(LlamaConfig(hidden_size=24, num_attention_heads=HEADS, head_dim=HEAD_DIM))
    q, k, v = (
        part.reshape(BATCH, 1, -1, HEAD_DIM)
        for part in qkv.split([HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM], dim=2)
    )
    q, k = apply_rotary_pos_emb(q, k, *embedding(qkv, (filled - first)[:, None]), unsqueeze_dim=2)
    k_cache[:, filled], v_cache[:, filled] = k[:, 0], v[:, 0]
    mask = torch.arange(TIME) >= first[:, None]
    heads_first = [tensor.transpose(1, 2) for tensor in [q, k_cache, v_cache]]
    output = F.scaled_dot_product_attention(*heads_first, attn_mask=mask[:, None, None], enable_gqa=True)
    # Cosine and sine by position; transformers repeats the table for the second half of a head.
    table = torch.stack(embedding(qkv, torch.arange(TIME)[None]), dim=-1)[0, :, : HEAD_DIM // 2]
    return {
        "inputs": {name: numbers(tensor) for name, tensor in (inputs | {"angles": table}).items()},
        "output": numbers(output.transpose(1, 2).reshape(BATCH, 1, -1)),
        "keys": numbers(k_cache),
        "values": numbers(v_cache),
        "first": [first.tolist()],
        "filled": filled,
    }


def swiglu():
    gate, up = trained(normal(2, 3, 7, scale=3.0), normal(2, 3, 7))
    return case({"gate": gate, "up": up}, {}, F.silu(gate) * up)


def token_logprobs():
    logits = normal(2, 3, 11, scale=2.0)
    # Log-softmax must not overflow.
    logits[1, 0, 4], logits[1, 0, 5] = 300.0, -300.0
    (logits,) = trained(logits)
    targets = torch.randint(11, (2, 3))
    targets[1, 0] = 5
    temperature = 0.7
    # The f32 that Nudge divides by.
    tempered = logits / torch.tensor(temperature, dtype=torch.float32).double()
    output = -F.cross_entropy(tempered.transpose(1, 2), targets, reduction="none")
    return {"temperature": temperature, **case({"logits": logits}, {}, output, targets=targets)}


def embedding():
    (weight,) = trained(normal(9, 4))
    # A token that occurs twice collects two gradients.
    ids = torch.tensor([[3, 8, 3], [0, 5, 1]])
    return case({"weight": weight}, {}, F.embedding(ids, weight), ids=ids)


def linear():
    x, weight = trained(normal(2, 3, 5), normal(4, 5))
    return case({"x": x, "weight": weight}, {}, F.linear(x, weight))


def make():
    torch.manual_seed(21)
    operations = [
        rms_norm,
        rotary,
        causal_attention,
        decode_attention,
        swiglu,
        token_logprobs,
        embedding,
        linear,
    ]
    return {operation.__name__: operation() for operation in operations}
