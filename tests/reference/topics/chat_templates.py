"""Conversations as chat templates write them: transformers' `apply_chat_template`.

The templates are those in `crates/nudge-data/tests/chat_templates`, written for these tests so that they print what the
templates of known models print. Where TRL carries the model's own template, both must print the same. TRL's training
variants mark what the assistant generates; those stretches are written too.
"""

import datetime
import pathlib
from importlib.resources import files

import jinja2
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

TEMPLATES = pathlib.Path(__file__).parents[3] / "crates/nudge-data/tests/chat_templates"
DATE = datetime.datetime(2025, 3, 9)

# Name of the template: begin token, end token, TRL's copy, TRL's training variant.
MODELS = {
    "features": ("<s>", "</s>", None, None),
    "gemma2": ("<bos>", "<eos>", "gemma", "gemma_training"),
    "gemma3": ("<bos>", "<eos>", "gemma3", "gemma3_training"),
    "llama3": ("<|begin_of_text|>", "<|end_of_text|>", "llama3", "llama3_training"),
    "llama3_1": ("<|begin_of_text|>", "<|eot_id|>", "llama3_1", None),
    "llama3_2": ("<|begin_of_text|>", "<|eot_id|>", "llama3_2", None),
    "mistral_v0_3": ("<s>", "</s>", None, None),
    "phi3": ("<s>", "<|endoftext|>", "phi3", "phi3_training"),
    "phi4": (None, "<|im_end|>", None, None),
    "qwen2_5": (None, "<|im_end|>", "qwen2_5", "qwen2_5_training"),
    "qwen3": (None, "<|im_end|>", "qwen3", None),
    "smollm2": ("<|im_start|>", "<|im_end|>", None, None),
}

CONVERSATIONS = [
    [("user", "Why is the sky blue?")],
    [("user", "Hi"), ("assistant", "Hello!")],
    [("system", "Be brief."), ("user", "Hi")],
    [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello!")],
    [("user", "One?"), ("assistant", "Two."), ("user", "Three?"), ("assistant", "Four.")],
    [("system", "Count."), ("user", "One?"), ("assistant", "Two."), ("user", "Three?")],
    [("system", "Count."), ("user", "One?"), ("assistant", "Two."), ("user", "Three?"), ("assistant", "Four.")],
    [("user", "Grüße, 漢字 🙂\u00a0\u2028!"), ("assistant", "naïve café\u200b 👩‍👩‍👧")],
    [("user", "  \n two lines\n\n of text \t"), ("assistant", "\n answer \n\n")],
    [("user", "\x1cseparators\x1f"), ("assistant", "\x85next\x1e")],
    [("user", "no answer"), ("assistant", "")],
    [("user", ""), ("assistant", "to nothing")],
    [("system", ""), ("user", "Hi"), ("assistant", "Hello!")],
    [("system", " Be brief.\n"), ("user", "\tHi"), ("assistant", " Hello! ")],
    [("user", "1 + 1?"), ("assistant", "<think>\nTwo ones.\n</think>\n\n2")],
    [
        ("user", "1 + 1?"),
        ("assistant", "<think>\nTwo ones.\n</think>\n\n2"),
        ("user", "And 2 + 2?"),
        ("assistant", "<think>\nAs before.\n</think>\n\n4"),
    ],
    [("user", "1 + 1?"), ("assistant", "<think></think>2"), ("user", "Sure?"), ("assistant", "Yes.")],
    [("user", "What does </think> mean?"), ("assistant", "It ends <think>.")],
    [("user", "<tool_response>3</tool_response>"), ("assistant", "Three.")],
    [("user", "{{ messages }} {% if %} {# #}"), ("assistant", "\\n \\ \"'`")],
    [("user", "line\r\nends\rof all kinds"), ("assistant", "a\r\nb")],
    [("user", "Stop at <|im_end|> or </s>, [/INST]<end_of_turn>\n"), ("assistant", "<|eot_id|>, you say?")],
    [("user", "One?"), ("user", "Two?"), ("assistant", "Both.")],
    [("assistant", "I begin."), ("user", "Go on.")],
    [("user", "Hi"), ("system", "Late."), ("assistant", "Hello!")],
    [("critic", "Hm."), ("user", "Hi")],
    [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"), ("assistant", "f")],
]


class Day(datetime.datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls):
        return DATE


def messages(conversation):
    return [{"role": role, "content": content} for role, content in conversation]


def render(tokenizer, template, conversation, add_generation_prompt):
    """The text, or None for a conversation that the template refuses."""
    try:
        return tokenizer.apply_chat_template(
            messages(conversation),
            chat_template=template,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
        )
    except jinja2.exceptions.TemplateError:
        return None


def generated(tokenizer, template, conversation):
    """What TRL's training variant marks as generated and generation writes.

    TRL also marks line ends around that (before it in Qwen's, behind it in most), and Phi-3's end of the whole text.
    """
    try:
        [text], [stretches] = chat_template_utils.render_jinja_template(
            [messages(conversation)],
            chat_template=template,
            return_assistant_tokens_mask=True,
            **tokenizer.special_tokens_map,
        )
    except jinja2.exceptions.TemplateError:
        return None
    marked = [text[start:end].rstrip("\n") for start, end in stretches]
    if "<|im_start|>" in template:
        marked = [stretch.removeprefix("\n") for stretch in marked]
    return [stretch for stretch in marked if stretch != "<|endoftext|>"]


def trl_template(name):
    return files("trl").joinpath(f"chat_templates/{name}.jinja").read_text()


def model(name, bos_token, eos_token, original, training):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), bos_token=bos_token, eos_token=eos_token
    )
    template = (TEMPLATES / f"{name}.jinja").read_text()
    rendered = [
        [render(tokenizer, template, conversation, prompt) for prompt in [False, True]]
        for conversation in CONVERSATIONS
    ]
    if original:
        for conversation, texts in zip(CONVERSATIONS, rendered):
            theirs = [render(tokenizer, trl_template(original), conversation, prompt) for prompt in [False, True]]
            assert texts == theirs, f"{name}: {texts} is not {theirs}"
    out = {"bos_token": bos_token or "", "eos_token": eos_token, "rendered": rendered}
    if training:
        source = trl_template(training)
        out["generated"] = [generated(tokenizer, source, conversation) for conversation in CONVERSATIONS]
    return out


def make():
    chat_template_utils.datetime = Day
    return {
        "date": [DATE.year, DATE.month, DATE.day],
        "conversations": [messages(conversation) for conversation in CONVERSATIONS],
        "models": {name: model(name, *tokens) for name, tokens in MODELS.items()},
    }
