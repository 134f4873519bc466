#!/usr/bin/env python3
"""What a story model's answers are like: how a larger model finds them, and which words they invent.

    tests/models/measure_story.py --nudge nudge --model builtin:sft --reader SMOLLM2.gguf \\
        --prompts www/public/examples/{prompts,demonstrations.heldout}.jsonl --stories tinystories.heldout.txt \\
        --words words.txt --out measured

One answer to each of 100 held-out prompts, at the model's own temperature, without choosing:

* nats per character of the answers under `--reader` (SmolLM2-135M), over those of real stories cut to the same lengths;
* words that `words.txt` of the model's folder does not have (`--words`), of all words and of answers;
* answers that end by themselves, and their length.

The answers lie in `answers.jsonl` and, to be read, in `answers.txt`. Standard library only.
"""

import argparse
import json
import pathlib
import re
import subprocess

END = "<|endoftext|>"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nudge", default="nudge", help="the program")
    parser.add_argument("--model", required=True, help="the story model")
    parser.add_argument("--reader", required=True, help="the model that reads the answers")
    parser.add_argument("--prompts", required=True, nargs="+", type=pathlib.Path, help="prompts, with `split`")
    parser.add_argument("--stories", required=True, type=pathlib.Path, help="stories that no model here was trained on")
    parser.add_argument("--words", required=True, type=pathlib.Path, help="the words of the corpus, one a line")
    parser.add_argument("--count", type=int, default=100, help="prompts")
    parser.add_argument("--temperature", help="of the answers, where it is not the model's own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the answers")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    prompts = [json.loads(line) for path in arguments.prompts for line in path.open(encoding="utf-8")]
    prompts = [one["prompt"] for one in prompts if one.get("split", "heldout") == "heldout"][: arguments.count]
    answers = sampled(arguments, prompts)
    texts = [answer["text"] for answer in answers]
    stories = [one.strip() for one in arguments.stories.read_text(encoding="utf-8").split(END) if one.strip()]
    real = [cut(story, len(text)) for story, text in zip(stories, texts)]
    known = set(arguments.words.read_text(encoding="utf-8").split())
    invented = [[word for word in words_of(text) if word not in known | set(words_of(prompt))]
                for prompt, text in zip(prompts, texts)]
    shown = [f"{prompt}\n    {text}\n    {' '.join(bad)}\n" for prompt, text, bad in zip(prompts, texts, invented)]
    (arguments.out / "answers.txt").write_text("\n".join(shown), encoding="utf-8")
    nats, nats_real = (read(arguments, name, some) for name, some in (("answers", texts), ("stories", real)))
    words = sum(len(words_of(text)) for text in texts)
    print(json.dumps({
        "answers": len(texts),
        "nats_per_character": round(nats, 4),
        "of_real_stories": round(nats_real, 4),
        "ratio": round(nats / nats_real, 3),
        "invented_of_words": round(sum(map(len, invented)) / words, 4),
        "answers_that_invent": round(sum(map(bool, invented)) / len(texts), 3),
        "end": round(sum(answer["finish"] == "eos" for answer in answers) / len(texts), 3),
        "words": round(words / len(texts), 1),
    }))


def sampled(arguments, prompts):
    asked, made = arguments.out / "prompts.jsonl", arguments.out / "answers.jsonl"
    asked.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts), encoding="utf-8")
    subprocess.run(
        [arguments.nudge, "sample", "--model", arguments.model, "--prompts", asked, "--k", "1", "--draws", "1",
         *(["--temperature", arguments.temperature] if arguments.temperature else []),
         "--seed", str(arguments.seed), "--out", made, "--force"], check=True, capture_output=True)
    return [json.loads(line)["completions"][0] for line in made.open(encoding="utf-8")]


def read(arguments, name, texts):
    """Nats per character of texts under the reader."""
    path = arguments.out / f"{name}.to_read.txt"
    path.write_text(f"\n{END}\n".join(texts) + f"\n{END}\n", encoding="utf-8")
    line = [arguments.nudge, "eval", "--model", arguments.reader, "--text", path, "--json"]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)["nats_per_char"]


def cut(story, length):
    """The beginning of a story, up to the word that reaches so many characters."""
    return story if len(story) <= length else story[: story.find(" ", length)] if " " in story[length:] else story[:length]


def words_of(text):
    """As `nudge-session/src/words.rs` does it."""
    pieces = re.split(r"[^\w'’]|[\d_]", text)
    words = (piece.strip("'’").replace("’", "'").lower() for piece in pieces)
    return [word for word in (re.sub("'s$", "", word) for word in words) if word]


if __name__ == "__main__":
    main()
