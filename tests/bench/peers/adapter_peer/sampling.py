"""transformers: several answers to one prompt by `generate`, none of which may end early; and reading a long prompt."""

import torch

from .model import folder, load
from .work import ANSWER_TOKENS, ANSWERS, LONG_PROMPT_TOKENS, QUESTION, TEMPERATURE


def sample(arguments, precision):
    """Gives the step and its new tokens."""
    from transformers import AutoTokenizer

    model = load(arguments, precision).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder(arguments))
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )

    @torch.inference_mode()
    def step():
        rows = model.generate(
            **prompt,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=0,
            top_p=1.0,
            num_return_sequences=ANSWERS,
            min_new_tokens=ANSWER_TOKENS,
            max_new_tokens=ANSWER_TOKENS,
        )
        assert rows.shape == (ANSWERS, prompt.input_ids.shape[1] + ANSWER_TOKENS), rows.shape

    return step, ANSWERS * ANSWER_TOKENS


def prompt(arguments, precision):
    """Gives the step and the tokens it reads."""
    model = load(arguments, precision).eval()
    tokens = torch.randint(1000, 40_000, (1, LONG_PROMPT_TOKENS))

    @torch.inference_mode()
    def step():
        model(input_ids=tokens, use_cache=True, logits_to_keep=1)

    return step, LONG_PROMPT_TOKENS
