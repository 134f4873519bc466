#!/usr/bin/env python3
"""Writes the words that a corpus has: `words.txt` of the built-in story model, by which answers with invented words are
left out of what is ranked.

    tests/models/words_of_stories.py --stories tinystories.*.txt simplestories.txt \\
        --requests www/public/examples/*.jsonl --out words.txt

A word counts if the stories use it twice or more, or a request or its answer does. Standard library only.
"""

import argparse
import collections
import json
import pathlib
import re

from measure_story import words_of

LEAST_USES = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", required=True, nargs="+", type=pathlib.Path)
    parser.add_argument("--requests", required=True, nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    uses = collections.Counter()
    for path in arguments.stories:
        uses.update(words_of(path.read_text(encoding="utf-8")))
    words = {word for word, times in uses.items() if times >= LEAST_USES}
    for path in arguments.requests:
        for line in path.open(encoding="utf-8"):
            record = json.loads(line)
            words.update(words_of(record["prompt"] + " " + record.get("completion", "")))
    # What is left of characters in another encoding is no word.
    plain = sorted(word for word in words if re.fullmatch("[a-z']+", word))
    arguments.out.write_text("\n".join(plain) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
