#!/usr/bin/env python3
"""Makes demonstrations for the built-in story model from stories with their words and features.

    tests/models/story_requests.py --features FEATURES.jsonl \\
        --held-out HELDOUT.txt --cap 500 --out requests.jsonl

The file of features holds TinyStories (Eldan & Li 2023, CDLA-Sharing-1.0), each with three of its words and what was
found in it by rule. Every answer is a story's own text and ends where something has come to an end:

1. a whole story of at most `--words` words, or the beginning of one up to a sentence that closes an episode (of every
   five that open with "Once upon a time" three open with what follows it), or sentences out of one that can be read by
   themselves and come to an end;
2. the last sentences of a story, asked for by the two or three before them;
3. one sentence that follows two others.

`--words` is 58 because that many are 78 tokens of the model, and `nudge sample` draws 80: a model that is shown longer
answers does not come to an end in time. A story with a word that few other stories use, with broken capitals or
quotation marks, or with 16 words in a row of a held-out story is left out, and so is an answer that states a moral. No
story is used twice for the same task. The same files and options give the same demonstrations. Standard library only;
none of what it writes is committed.
"""

import argparse
import collections
import json
import pathlib
import random
import re

# Words of a story's beginning and of an ending, at least.
CUT_WORDS = 26
EPISODE_WORDS = 26
ENDING_WORDS = 20
SHOWN_WORDS = (8, 40)
NEXT_WORDS = (6, 22)
LEAST_USES = 8
# Share of the stories without a short beginning of which an episode is taken.
EPISODES = 0.35
TELLING = (20, 1500)
SHARED_WORDS = 16
# Of the cap on whole stories, that on what only goes on with a story.
CONTINUED = 0.5

PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "—": "-", "–": "-", "…": "..."})
BEINGS = (
    "boy girl man woman king queen prince princess dog cat puppy kitten bird duck frog fish bear bunny rabbit mouse "
    "fox lion monkey elephant turtle pig cow horse sheep goat owl bee ant spider squirrel dragon robot fairy farmer "
    "child butterfly snake wolf chicken hen giraffe tiger whale dolphin crab worm ladybug deer penguin"
).split()
ANIMALS = [being for being in BEINGS[BEINGS.index("dog") :] if being not in ("robot", "fairy", "farmer", "child")]

# A last sentence that closes an episode, and what shows that it opens another.
CLOSES = re.compile(
    r"\bhad (so much|a lot of|lots of|great) fun\b|\bhad fun\b|\bgreat time\b|\blaughed\b"
    r"|\b(best|good|great|new) friends\b|\bhappily\b|\bhugged (him|her|them|each)\b|\bhugs?\b"
    r"|\bthanked\b|\bsmiled\b|\bproud\b|\bfell asleep\b"
    r"|\bwent to (bed|sleep)\b"
    r"|\bfelt (much |so |very )?(better|happy|safe|good)\b|\b(was|were) (so |very |all )?(happy|glad)\b"
    r"|\bnever\b.*\bagain\b"
    r"|\ball day( long)?[.!]$|\bfrom that day\b|\bevery day[.!]$|\bwent home\b|\b[Tt]he end\b|\bloved (it|each other)\b"
)
OPENS = re.compile(
    r"\b(but|wanted|decided|wished|would|could not|couldn't|until|suddenly|asked|because|idea|curious|found|lived)\b|\?"
)
SAYS_BYE = re.compile(
    r'"[^"]*\b(Thank you|thank you|[Yy]ou\'re welcome|Good night|Goodbye|love you|good friend|best friends?)\b[^"?]*"'
)
PREACHES = re.compile(r"\b([Mm]oral|[Ll]esson|[Tt]his story|important to)\b")
HAPPENS = re.compile(r'\b(One|day|Suddenly|Then|Soon|When|After)\b|"')
GOES_ON = re.compile(r"(But|However|Suddenly|Then|Unfortunately|As|So|And|Just)\b")
HAPPY = re.compile(r"\b(happy|happily|smiled|laughed|fun|friends|hugged|hug|proud|glad|loved|safe)\b")
SAD = re.compile(r"\b(sad|sadly|cried|crying|alone|lonely|gone|tears|missed|forever|too late)\b")
CHEERS = re.compile(r"\b(less|brave|better|learned|safe|good|fun|thanked|saved|laughed|found|fixed)\b")
REFERS = re.compile(
    r"(He|She|It|They|Him|Her|His|Their|Them|Its|This|That|These|Then|But|So|And|When|As|After|Finally|Now|There)\b"
)

WORDINGS = {
    "story_about_somebody": [
        "Tell me a story about {who}.",
        "Write a story about {who}.",
        "I want to hear about {who}.",
        "Please tell a story about {who}.",
        "Can you write a short story about {who}?",
        "A story about {who}, please.",
        "Make up a story about {who}.",
        "Write a little story. It is about {who}.",
        "Tell us about {who}.",
        "I would like a story about {who}.",
    ],
    "story_about": [
        "Tell me a story about {thing}.",
        "Write a short story about {thing}.",
        "Please tell a story with {thing} in it.",
        "Can you tell me a story about {thing}?",
        "I want a story about {thing}.",
        "Write about {thing}.",
        "A short story about {thing}, please.",
        "Do you know a story about {thing}?",
        "Make up a little story about {thing}.",
        "Give me a story about {thing}.",
    ],
    "story_with_words": [
        "Write a story with the words {words}.",
        "Use the words {words} in a story.",
        "Tell me a story. Use these words: {words}.",
        "Make a short story out of the words {words}.",
        "Can you write a story that has the words {words}?",
        "Words: {words}. Write a story with them.",
        "My words are {words}. Tell me a story.",
        "Please use {words} in a story.",
    ],
    "story_with_dialogue": [
        "Write a story about {who} in which somebody talks.",
        "Tell me a story with dialogue about {who}.",
        "Write a story about {who}. Let somebody say something.",
        "I want a story about {who} where somebody speaks.",
        "Please tell a story about {who}, with people who talk.",
        "A story with dialogue about {who}, please.",
    ],
    "animal_says": [
        "Tell me a story in which {animal} talks.",
        "Write a story and let {animal} say something.",
        "What does {animal} say? Tell me a story.",
        "I want a story with {animal} that can speak.",
        "Let {animal} speak in a story.",
    ],
    "happy_ending": [
        "Write a happy ending: {shown}",
        "Give this story a happy ending: {shown}",
        "Make it end well: {shown}",
        "{shown} Please write a happy ending.",
        "How could this end happily? {shown}",
        "End this story in a happy way: {shown}",
    ],
    "sad_ending": [
        "Write a sad ending: {shown}",
        "Give this story a sad ending: {shown}",
        "Make the end sad: {shown}",
        "{shown} Please end it in a sad way.",
        "How could this end sadly? {shown}",
    ],
    "continue_story": [
        "Finish this story: {shown}",
        "Continue the story: {shown}",
        "{shown} How does the story end?",
        "Go on with this story: {shown}",
        "Tell me the rest: {shown}",
        "Write the end of this story: {shown}",
        "{shown} Please go on.",
    ],
    "next_sentence": [
        "Write the next sentence: {shown}",
        "Add one sentence: {shown}",
        "{shown} What is the next sentence?",
        "Go on with one sentence. {shown}",
        "One more sentence, please: {shown}",
    ],
}
HAPPY_STORY = [
    "Tell a happy story about {who}.",
    "Write a story about {who} that ends well.",
    "Write a story with a happy ending about {who}.",
]
SAD_STORY = [
    "Tell a sad story about {who}.",
    "Write a story about {who} that ends badly.",
    "Write a story with a sad ending about {who}.",
]
STORIES = ("story_about_somebody", "story_about", "story_with_words", "story_with_dialogue", "animal_says")


def words(text):
    """The words of a text, with the apostrophes inside them."""
    return re.findall(r"[A-Za-z]+(?:'[a-z]+)?", text)


def count(text):
    return len(text.split())


def sentences(text):
    """The sentences of a text; one that ends inside a quotation goes on to its end where it can be seen."""
    found, start = [], 0
    for end in re.finditer(r'[.!?]+"?(?=\s|$)', text):
        part = text[start : end.end()]
        following = text[end.end() :].lstrip()
        if part.count('"') % 2 or re.search(r"\b(Mr|Mrs|Dr)\.$", part) or following[:1].islower():
            continue
        found.append(part.strip())
        start = end.end()
    return found


def with_article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


class Corpus:
    """What is known of words from all the stories together."""

    def __init__(self, texts):
        self.uses, self.names, after_article, before_end, alone = (collections.Counter() for _ in range(5))
        for text in texts:
            self.uses.update(word.lower() for word in words(text))
            alone.update(re.findall(r"\ban? ([a-z]+)(?=[.,!?]| was | is | and | in | on )", text))
            self.names.update(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", text))
            after_article.update(re.findall(r"\b(?:a|an|the|his|her|my) ([a-z]+)\b", text))
            before_end.update(re.findall(r"\b(?:a|an|the|his|her|my) ([a-z]+)(?=[.,!?]| was | is | and )", text))
        usual = {word for word, uses in after_article.items() if uses >= 30}
        often = {word for word in usual if before_end[word] > 0.45 * after_article[word] and not word.endswith("s")}
        self.nouns = {word for word in often if alone[word] > 0.05 * after_article[word]}
        self.names = {name for name, uses in self.names.items() if uses >= 40 and self.is_name(name)}

    def is_name(self, word):
        return word.lower() not in self.nouns and self.uses[word.lower()] < 2.5 * self.names[word] + 40

    def telling(self, text, rng):
        """Three words of a text that few texts have."""
        able = sorted({word for word in words(text) if word.islower() and len(word) > 3 and TELLING[0] < self.uses[word] < TELLING[1]})
        return rng.sample(able, min(3, len(able)))

    def sound(self, text):
        """Whether a story is written as it should be: known words, whole quotations, capitals."""
        known = all(self.uses[word.lower()] >= LEAST_USES for word in words(text))
        capitals = not re.search(r"(^|[.!?]\s+\"?)[a-z]|\bi\b", text)
        lowered = any(
            word.capitalize() in self.names and word not in self.nouns
            for word in text.split()
            if word.islower() and len(word) > 3
        )
        return known and capitals and not lowered and text.isascii() and text.count('"') % 2 == 0


class Story:
    """A story in sentences."""

    def __init__(self, record, most_words):
        self.words = record["words"]
        self.most_words = most_words
        self.bad = "BadEnding" in record["features"]
        paragraphs = [sentences(part) for part in record["story"].split("\n") if part.strip()]
        self.sentences = [sentence for part in paragraphs for sentence in part]
        self.text = " ".join(self.sentences)

    def short(self):
        """The story, if it is short, or a beginning that closes an episode; none if there is no such."""
        if len(self.sentences) >= 4 and count(self.text) <= self.most_words:
            return self.text
        for end in range(4, len(self.sentences)):
            taken, following = self.sentences[:end], self.sentences[end]
            text = " ".join(taken)
            if count(text) > self.most_words:
                return None
            if count(text) >= CUT_WORDS and not GOES_ON.match(following) and closes(taken[-1]) and HAPPENS.search(" ".join(taken[1:-1])):
                return text
        return None

    def episode(self, corpus):
        """Sentences out of a story that can be read by themselves and close; of several, those nearest to its end."""
        for start in range(len(self.sentences) - 3, 0, -1):
            for end in range(len(self.sentences), start + 2, -1):
                taken = self.sentences[start:end]
                if not between((EPISODE_WORDS, self.most_words), " ".join(taken)):
                    continue
                ends = end == len(self.sentences) or closes(taken[-1])
                if ends and count(taken[0]) >= 5 and stands_alone(taken, corpus) and HAPPENS.search(" ".join(taken[1:])):
                    return " ".join(taken)
        return None

    def ending(self, corpus, rng):
        """Two or three sentences that can be read by themselves, and all that follows them to the end."""
        starts = list(range(1, len(self.sentences) - 3))
        rng.shuffle(starts)
        for start in starts:
            for length in (3, 2):
                shown, rest = self.sentences[start : start + length], self.sentences[start + length :]
                fits = between(SHOWN_WORDS, " ".join(shown)) and between(
                    (ENDING_WORDS, self.most_words), " ".join(rest)
                )
                if fits and len(rest) >= 2 and stands_alone(shown, corpus) and goes_on(shown, rest, corpus):
                    return " ".join(shown), " ".join(rest)
        return None

    def next(self, corpus, rng):
        """Two sentences that can be read by themselves, and the one that follows."""
        starts = list(range(len(self.sentences) - 2))
        rng.shuffle(starts)
        for start in starts:
            shown, following = self.sentences[start : start + 2], self.sentences[start + 2 : start + 3]
            fits = between(SHOWN_WORDS, " ".join(shown)) and between(NEXT_WORDS, following[0])
            if fits and stands_alone(shown, corpus) and goes_on(shown, following, corpus):
                return " ".join(shown), following[0]
        return None


def closes(last):
    """Whether a sentence closes an episode."""
    if '"' in last:
        return bool(SAYS_BYE.search(last))
    return bool(CLOSES.search(last)) and not OPENS.search(last)


def between(limits, text):
    return limits[0] <= count(text) <= limits[1]


def named(text, corpus):
    return {word for word in re.findall(r"\b[A-Z][a-z]+", text) if word in corpus.names}


def stands_alone(shown, corpus):
    """Whether the first sentence says whom it is about, without a pronoun that points back."""
    first = shown[0]
    early = " ".join(first.split()[:4])
    names = named(early, corpus) or any(re.search(rf"\b[Tt]he (\w+ )?{being}\b", early) for being in BEINGS)
    whole = " ".join(shown).count('"') % 2 == 0
    return bool(names) and whole and not REFERS.match(first) and not first.startswith('"')


def goes_on(shown, rest, corpus):
    """Whether what follows brings no name that was not shown."""
    return named(" ".join(rest), corpus) <= named(" ".join(shown), corpus)


def somebody(text, corpus):
    """Whom the first two sentences are about: `a little girl named Lily`, `Tom and Lily`, `a small frog`."""
    opening = " ".join(sentences(text)[:2])
    beings = "|".join(BEINGS)
    found = re.search(rf"\b(an? (?:[a-z]+,? ){{0,2}}(?:{beings}) (?:named|called) ([A-Z][a-z]+))\b", opening)
    if found:
        return found[1]
    pair = re.match(
        r"(?:One day, )?([A-Z][a-z]+) and ([A-Z][a-z]+) (?:were|was|are|like|liked|love|loved|went)\b", opening
    )
    if pair and {pair[1], pair[2]} <= corpus.names:
        return f"{pair[1]} and {pair[2]}"
    found = re.search(rf"\b(?:was|were|lived|day,|saw) (an? (?:[a-z]+ )?(?:{beings}))\b(?! named)", opening)
    if found:
        return found[1]
    found = re.search(rf"\b[Tt]he (?:[a-z]+ )?({beings})\b", sentences(text)[0])
    return found and with_article(found[1])


def speaking(text):
    """An animal that says something."""
    for animal in ANIMALS:
        if re.search(
            rf'\bthe (\w+ )?{animal} (said|asked|replied|answered), "|" (said|asked) the (\w+ )?{animal}\b', text, re.I
        ):
            return with_article(animal)
    return None


def in_a_row(given):
    return f"{', '.join(given[:-1])} and {given[-1]}"


def asked_for(story, corpus, rng):
    """The demonstrations that a story gives, as (task, slots, answer)."""
    begins = story.short()
    text = begins or (story.episode(corpus) if rng.random() < EPISODES else None)
    if text and not PREACHES.search(text):
        if rng.random() < 0.6:
            text = re.sub(r"^Once upon a time,? (\w)", lambda found: found[1].upper(), text)
        yield from asked_for_whole(text, story, corpus, rng, whole=bool(begins))
    found = story.ending(corpus, rng)
    if found and not PREACHES.search(found[1]):
        yield ending_task(found[1], story.bad, rng), {"shown": found[0]}, found[1]
    found = story.next(corpus, rng)
    if found:
        yield "next_sentence", {"shown": found[0]}, found[1]


def ending_task(rest, bad, rng):
    """What an ending is asked for as: by its mood, or as what comes next."""
    last = " ".join(sentences(rest)[-2:])
    if SAD.search(last) and not HAPPY.search(last) and not CHEERS.search(last):
        return "sad_ending"
    if HAPPY.search(last) and not SAD.search(last) and not bad and rng.random() < 0.5:
        return "happy_ending"
    return "continue_story"


def asked_for_whole(text, story, corpus, rng, whole):
    """One short story is asked for in up to two ways; what is not whole, by its first sentence alone."""
    own, lower = set(words(text)), [word.lower() for word in words(text)]
    who, animal = somebody(text, corpus), speaking(text)
    things = [noun for noun in sorted(corpus.nouns & own - set(BEINGS)) if lower.count(noun) >= 2]
    wanted = [word for word in story.words if word in own and word.islower()]
    ways = []
    if who:
        ways += [("story_about_somebody", {"who": who})] * 2
        ways += [("story_with_dialogue", {"who": who})] * 2 * ('"' in text)
    if things:
        opening = " ".join(sentences(text)[: 2 if whole else 1])
        early = [thing for thing in things if re.search(rf"\b{thing}\b", opening)]
        if whole or early:
            ways += [("story_about", {"thing": with_article(rng.choice(early or things))})] * (2 if early else 1)
    if len(wanted) >= 2 and (whole or set(wanted) & set(words(sentences(text)[0]))):
        ways.append(("story_with_words", {"words": in_a_row(wanted)}))
    if animal:
        ways += [("animal_says", {"animal": animal})] * 3
    rng.shuffle(ways)
    for task, slots in list(dict(ways).items())[:2]:
        yield task, slots, text


def prompt_of(task, slots, answer, rng):
    """A wording of the request."""
    wordings = WORDINGS[task]
    last = sentences(answer)[-1]
    if task == "story_about_somebody" and rng.random() < 0.3:
        wordings = HAPPY_STORY if HAPPY.search(last) else SAD_STORY if SAD.search(last) else wordings
    return rng.choice(wordings).format(**slots)


def runs(text):
    lower = [word.lower() for word in words(text)]
    return {tuple(lower[start : start + SHARED_WORDS]) for start in range(len(lower) - SHARED_WORDS + 1)}


def demonstrations(arguments):
    lines = arguments.features.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    for record in records:
        record["story"] = record["story"].translate(PLAIN).strip()
    known = {record["story"] for record in records}
    for path in arguments.stories:
        for story in path.read_text(encoding="utf-8").translate(PLAIN).split("<|endoftext|>"):
            if story.strip() not in known:
                known.add(story.strip())
                records.append({"story": story.strip(), "words": None, "features": []})
    corpus = Corpus([record["story"] for record in records])
    held_out = set()
    for path in arguments.held_out:
        held_out |= runs(path.read_text(encoding="utf-8").translate(PLAIN))
    rng = random.Random(arguments.seed)
    rng.shuffle(records)
    drawn, prompts = collections.Counter(), set()
    for record in records:
        story = Story(record, arguments.words)
        if record["words"] is None:
            story.words = corpus.telling(story.text, rng)
        if not corpus.sound(story.text) or runs(story.text) & held_out:
            continue
        for task, slots, answer in asked_for(story, corpus, rng):
            prompt = prompt_of(task, slots, answer, rng)
            cap = arguments.cap if task in STORIES else CONTINUED * arguments.cap
            if drawn[task] < cap and prompt not in prompts and answer.count('"') % 2 == 0:
                drawn[task] += 1
                prompts.add(prompt)
                cluster = "stories" if task in STORIES else "continuation"
                yield {"prompt": prompt, "completion": answer, "task": task, "cluster": cluster, "split": "train"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--features", type=pathlib.Path, required=True, help="stories with words and features, as JSONL"
    )
    parser.add_argument("--stories", type=pathlib.Path, nargs="*", default=[], help="further stories, without features")
    parser.add_argument(
        "--held-out", type=pathlib.Path, nargs="*", default=[], help="stories of which nothing may be used"
    )
    parser.add_argument("--cap", type=int, default=500, help="most demonstrations of a task; of continuations half as many")
    parser.add_argument("--words", type=int, default=58, help="most words of an answer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    made = list(demonstrations(arguments))
    arguments.out.write_text(
        "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in made), encoding="utf-8"
    )
    tasks = collections.Counter(record["task"] for record in made)
    print(f"{len(made)} demonstrations;", ", ".join(f"{task} {number}" for task, number in sorted(tasks.items())))


if __name__ == "__main__":
    main()
