"""What the scripts share: made-up inputs, f32 numbers as JSON, gradients, and TRL's own lines.

Inputs are decimals of a few digits that are exact in f32, computed with in f64 wherever the library allows it, so that
only Nudge's rounding is left in a comparison.
"""

import inspect
import json
import pathlib
import textwrap
from importlib.metadata import version

import numpy
import torch

FOLDER = pathlib.Path(__file__).parents[1]


def numbers(tensor):
    """Nested lists of the shortest decimals that give the same f32."""
    values = tensor.detach().to(torch.float32).numpy().tolist()
    return json.loads(json.dumps(values, default=float), parse_float=shortest)


def shortest(text):
    return float(numpy.format_float_positional(numpy.float32(text), unique=True, trim="0"))


def f64(values):
    """A nested list of decimals as f64, each rounded to f32 first, as Nudge reads it."""
    return torch.tensor(values, dtype=torch.float32).double()


def normal(*shape, scale=1.0, offset=0.0):
    """Normal noise with three digits after the point, in f64."""
    return rounded(torch.randn(*shape, dtype=torch.float64) * scale + offset)


def rounded(tensor):
    return f64((tensor * 1000).round().div(1000).tolist())


def trained(*tensors):
    """Copies that ask for a gradient."""
    return [tensor.clone().requires_grad_() for tensor in tensors]


def projection(gradient):
    """Sum of g_i cos(i): unlike a norm it sees signs and order."""
    flat = gradient.flatten().double()
    return float((flat * torch.arange(len(flat)).double().cos()).sum())


def summary(gradients):
    """Norm and projection of each gradient: {name: {"norm", "projection"}}."""
    return {
        name: {"norm": gradient.norm().item(), "projection": projection(gradient)}
        for name, gradient in gradients.items()
    }


def run_lines(function, first, last, names, change=("", "")):
    """Runs a part of one of TRL's functions and returns all names it knew or made.

    TRL's formulas stand in the middle of methods that want a trainer with its data set and its models. This takes the
    lines from the one that contains `first` up to, without, the next that contains `last`, and runs them as they are,
    with `names` for what came before them. `change` replaces one piece of text in them: a variant that TRL lacks.
    """
    lines = inspect.getsource(function).splitlines()
    start = only(index for index, line in enumerate(lines) if first in line)
    end = next(index for index, line in enumerate(lines) if index > start and last in line)
    scope = {**function.__globals__, **names}
    code = textwrap.dedent("\n".join(lines[start:end]))
    assert change[0] in code
    exec(code.replace(*change) if change[0] else code, scope)
    return scope


def only(items):
    items = list(items)
    assert len(items) == 1, f"{len(items)} lines match"
    return items[0]


def close(found, expected, tolerance=1e-9):
    """Two ways to one number must agree before it is written."""
    found, expected = (plain(value) for value in [found, expected])
    assert torch.allclose(found, expected, rtol=tolerance, atol=tolerance), f"{found} is not {expected}"


def plain(value):
    """A tensor, or a list of numbers and tensors of one number, as f64 without a graph."""
    if isinstance(value, list):
        value = [item.detach().item() if torch.is_tensor(item) else item for item in value]
    return torch.as_tensor(value, dtype=torch.float64).detach()


def write(name, value):
    versions = {package: version(package) for package in ["numpy", "torch", "transformers", "trl"]}
    text = json.dumps({"versions": versions, **value}, separators=(",", ":"), allow_nan=False) + "\n"
    (FOLDER / f"{name}.json").write_text(text)
    print(f"{name}.json: {len(text)} bytes")
