"""llama.cpp through llama-cpp-python: one greedy stream, and how long an answer takes to begin.

Python's own start and the import of the library are not counted.
"""

import contextlib
import os
import time

from .work import GGUF, QUESTION, STREAM_TOKENS

PROMPT = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"


def opened(arguments, precision):
    from llama_cpp import Llama

    path = os.path.join(arguments.models, GGUF.format(precision))
    return Llama(path, n_ctx=512, n_threads=arguments.threads, n_threads_batch=arguments.threads, verbose=False)


def stream(model):
    """Greedy tokens, without an end."""
    prompt = model.tokenize(PROMPT.encode(), add_bos=False, special=True)
    return model.generate(prompt, top_k=1, temp=0.0, repeat_penalty=1.0)


def decode(arguments, precision):
    """Gives the step and its tokens; the step times the tokens behind the first."""
    model = opened(arguments, precision)

    def step():
        model.reset()
        with contextlib.closing(stream(model)) as tokens:
            next(tokens)
            started = time.perf_counter()
            for _ in range(STREAM_TOKENS):
                next(tokens)
            return time.perf_counter() - started

    return step, STREAM_TOKENS


def open_to_first_token(arguments, precision):
    """Gives the step and its one token."""
    import llama_cpp  # noqa: F401

    def step():
        started = time.perf_counter()
        model = opened(arguments, precision)
        with contextlib.closing(stream(model)) as tokens:
            next(tokens)
        taken = time.perf_counter() - started
        model.close()
        return taken

    return step, 1
