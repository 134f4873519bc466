"""Mends an answer as a person would who has half a minute: what `usable.py` finds wrong is cut, put right or added.

The best completion by score is mended. Each workflow proposes drafts; of those that are usable and change at most half
of the words, the one that changes least is the edit. The words come from the prompt and from a few phrases below, never
from the gold answers.
"""

import copy
import difflib
import itertools
import re

import usable as rule
from usable import Facts, Letter, Notes, content, names, number, numbers, sentences, share, tokens

# An edit changes at most this share of the words.
MOST_CHANGED = 0.5
# Sentences of an answer that are looked at; nobody mends more.
MOST_SENTENCES = 12


def edit(workflow, prompt, texts):
    """`{"of": index, "text": ...}` for the best of `texts`; None where it is usable, or not worth mending."""
    if not texts:
        return None
    scores = [rule.score(workflow, prompt, text) for text in texts]
    best = scores.index(max(scores))
    if rule.usable(workflow, prompt, texts[best]):
        return None
    text = mended(workflow, prompt, texts[best], {text.strip() for text in texts})
    return {"of": best, "text": text} if text else None


def mended(workflow, prompt, text, taken=frozenset()):
    """The usable draft that changes fewest words, if possible a specific one; or None.

    `taken`: texts that an edit may not equal.
    """
    found, seen = None, set()
    for draft in DRAFTS[workflow](prompt, text):
        draft = draft.strip()
        if draft in seen or draft in taken:
            continue
        seen.add(draft)
        if changed(text, draft) > MOST_CHANGED:
            continue
        # A capital that becomes a small letter is no change to speak of.
        cost = (IN_GENERAL in draft, changed(text.lower(), draft.lower()))
        if found and cost >= found[0]:
            continue
        if rule.usable(workflow, prompt, draft):
            found = (cost, draft)
    return found[1] if found else None


def changed(before, after):
    """Words inserted, deleted or replaced, over the words of the longer text."""
    old, new = before.split(), after.split()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    count = sum(max(a2 - a1, b2 - b1) for kind, a1, a2, b1, b2 in blocks if kind != "equal")
    return count / max(len(old), len(new), 1)


def pieces(text):
    """Sentences with the space behind them: joined, they are the text."""
    found, position = [], 0
    for sentence in sentences(text):
        place = text.index(sentence, position)
        if found:
            found[-1] += text[position:place]
        position = place + len(sentence)
        found.append(sentence)
    return found


def tidy(text):
    """Without markup and broken characters."""
    text = re.sub(r"\S*\ufffd\S*\s?", "", text)
    text = re.sub(r"```\w*|\*\*|^#+ *", "", text, flags=re.MULTILINE)
    return re.sub(r"(\w)\1{3,}", r"\1\1", text).strip()


def without_repeats(parts):
    """Each sentence once."""
    seen, kept = set(), []
    for part in parts:
        said = " ".join(tokens(part))
        if said not in seen:
            kept.append(part)
        seen.add(said)
    return kept


def joined(parts):
    return "".join(part if part[-1].isspace() else part + " " for part in parts).strip()


# Replies to customers


# Where the matter itself cannot be said in the words that may change.
IN_GENERAL = "I am sorry about this."
OPENING = re.compile(r"^\W*(?:dear|hello|hi|hey|greetings)\b[^,.!:\n]{0,60}[,.!:]?\s*", re.IGNORECASE)
SWAPPED = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "we": "you", "us": "you",
    "our": "your", "ours": "yours", "you": "we", "your": "our", "yours": "ours", "i'm": "you are", "i've": "you have",
    "we're": "you are", "we've": "you have", "am": "are",
}  # fmt: skip
BEFORE_US = {"from", "with", "to", "by", "of", "for", "at", "that"}
OF_MONEY = re.compile(
    r"\b(?:charged|refund|paid|pay|bill|payment|money|euros|pounds|account|cost|spent)\b", re.IGNORECASE
)
OF_GOODS = re.compile(
    r"\b(?:crack\w*|broke\w*|snapped|leaks?|black|burnt|missing|ordered|shrank|soaked|uneven|screws|waterproof|battery|"
    r"size|picture|passed its date)\b",
    re.IGNORECASE,
)


def drafts_of_reply(prompt, text):
    letter = Letter(prompt)
    text = with_name(letter, tidy(text))
    opening = OPENING.match(text)
    head = f"Dear {rule.addressee(letter)}, " if letter.name else "Hello, "
    if opening and rule.greets(letter, opening.group()) == 1.0:
        head = opening.group() if opening.group()[-1].isspace() else opening.group() + " "
    body = without_repeats(pieces(text[opening.end() :] if opening else text))[:MOST_SENTENCES]
    body = [part for part in body if not faulty_in_reply(letter, part)]
    openings = list(openings_of(letter))
    for count in range(len(body), -1, -1):
        kept = body[:count]
        if kept and not rule.answers(letter, joined(kept)) and letter.complains:
            kept = kept + [closing_of(letter)]
        if kept:
            yield head + first_of(joined(kept), head)
        for line, place in itertools.product(openings, range(min(3, len(kept) + 1))):
            lines = [part[0].upper() + part[1:] for part in kept]
            yield head + first_of(joined(lines[:place] + [line] + lines[place:]), head)


def with_name(letter, text):
    """The customer's name in place of a gap for it in the greeting."""
    gap = re.match(
        r"(\W*\w+ )(?:\[[^\]]*\]|<[^>]*>|\{[^}]*\}|(?:valued )?customer\b|sir(?: or madam)?|(?:sir/)?madam)", text, re.I
    )
    if gap and letter.name:
        return gap.group(1) + rule.addressee(letter) + text[gap.end() :]
    return text


def first_of(text, head):
    """After "Dear Maria, " on the same line a sentence goes on in lower case."""
    first = text.split(" ", 1)[0]
    goes_on = head.rstrip(" ").endswith(",") and not head.endswith("\n")
    if goes_on and first in ("We", "Thank", "Yes,", "The", "Your", "It", "You", "Our", "This", "Of", "Please"):
        return text[0].lower() + text[1:]
    return text


def faulty_in_reply(letter, part):
    """What a person would cut from a reply."""
    checks = [rule.filled_in, rule.no_machine, rule.nothing_around]
    own = [rule.fits_the_mood, rule.speaks_as_us, rule.invents_no_contact]
    if any(check(part) < 1 for check in checks) or any(check(letter, part) < 1 for check in own):
        return True
    return not rule.ends(part) or not letter.complains and not rule.apologises(letter, part)


def openings_of(letter):
    """Sentences that speak of the matter, or apologise or thank in general."""
    if letter.complains:
        yield from (f"I am sorry that {what}." for what in in_second_person(letter))
        yield IN_GENERAL
    elif letter.thanks:
        yield "Thank you for writing to us."
        yield from (f"We are glad that {what}." for what in in_second_person(letter))
    else:
        yield from yes_to(letter)


# How a sentence begins that can stand behind "I am sorry that".
SUBJECT = re.compile(r"(?:the|your|my|our|i|we|you|it|she|he|somebody|one|all|there|nobody)\b", re.IGNORECASE)
WISH = re.compile(r"\b(?:want|would like|expect|need|please|thank)\b", re.IGNORECASE)
CLAUSE = re.compile(
    r",? (?:but|because|although|though|since|when) |,? and (?=(?:you|it|nobody|we|he|she|my|our|the|now|i)\b)", re.I
)


def in_second_person(letter):
    """What the customer wrote, to the customer: "my tap leaks" becomes "your tap leaks". Of a complaint, its cause."""
    for sentence in sentences(letter.body):
        if not sentence.endswith("."):
            continue
        sentence = re.sub(r"^(?:just wanted to say that|luckily,?) ", "", sentence.rstrip("."), flags=re.IGNORECASE)
        ends = [match.start() for match in CLAUSE.finditer(sentence)]
        begins = [match.end() for match in re.finditer(r", but ", sentence)]
        parts = [sentence] + [sentence[:end] for end in ends] + [sentence[begin:] for begin in begins]
        for part in parts:
            causes = not letter.complains or set(tokens(part)) & rule.COMPLAINTS and not set(tokens(part)) & rule.PRAISE
            if not letter.complains and re.match(r"(?:she|he|it)\b", part, re.IGNORECASE):
                continue
            if SUBJECT.match(part) and causes and not WISH.search(part) and 4 <= len(part.split()) <= 20:
                yield to_the_customer(part)


def to_the_customer(sentence):
    """First and second person change places."""
    words, swapped = sentence.replace("’", "'").split(), []
    for place, word in enumerate(words):
        bare = word.strip(",;:").lower()
        new = SWAPPED.get(bare)
        before = words[place - 1].lower() if place else ""
        if bare == "you" and (place == len(words) - 1 or before in BEFORE_US - {"that"}):
            new = "us"
        if bare == "was" and (before == "i" or before == "and" and words[0] == "I"):
            new = "were"
        if new is None:
            new = word[0].lower() + word[1:] if place == 0 and not is_name(word) else word
        elif word[-1] in ",;:":
            new += word[-1]
        swapped.append(new)
    return " ".join(swapped)


def is_name(word):
    return word[0].isupper() and word.lower().strip(",.") not in (
        "the a an your my our we you it is on there she he somebody someone twelve order both two all".split()
    )


def yes_to(letter):
    """A question that can be answered by yes, as a statement."""
    forms = [
        (r"is it possible to (.+)", "it is possible to {}"),
        (r"could you tell me (?:whether|if) (.+)", "{}"),
        (r"(?:can|could) you (.+)", "we can {}"),
        (r"(?:can|could) (?:i|we) (?:still )?(.+)", "you can {}"),
        (r"do you (.+)", "we {}"),
        (r"do your (.+)", "our {}"),
        (r"does (.+?) (come|fit|have|include) (.+)", "{} does {} {}"),
        (r"is (?:your|the) (\w+(?: class)?(?: on \w+)?) (open|suitable|closed|made) (.+)", "our {} is {} {}"),
        (r"are (the .+?) (painted|made|safe) (.+)", "{} are {} {}"),
    ]
    for question in sentences(letter.body):
        if not question.endswith("?"):
            continue
        asked = re.sub(r"^hello,? ", "", question.rstrip("?"), flags=re.IGNORECASE)
        asked = re.split(r",? (?:and|or) (?:how|what|is|are|do|does|can|would|have|has)\b", asked)[0]
        for form, statement in forms:
            match = re.fullmatch(form, asked, re.IGNORECASE)
            if match:
                yield f"Yes, {statement.format(*map(to_the_customer, match.groups()))}."
                break


def closing_of(letter):
    """What we do about a complaint."""
    if OF_MONEY.search(letter.body):
        return "We will refund you today."
    if OF_GOODS.search(letter.body):
        return "We will send you a new one today."
    return "I will look into it at once and call you today."


# Three bullets


CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december".split()
)


def drafts_of_bullets(prompt, text):
    notes = Notes(prompt)
    text = tidy(text)
    signed, _ = rule.bullets(text)
    sign = next((match.group() for match in map(rule.SIGN.match, text.splitlines()) if match), "- ")
    sign = sign if not re.search(r"\d", sign) else "- "
    points = signed if len(signed) > 1 else [s for s in sentences(text) if not s.endswith(":")]
    points = [re.sub(rule.SIGN.pattern, "", bullet).strip() for bullet in without_repeats(points)][:MOST_SENTENCES]
    stop = "." if points and sum(bullet.endswith(".") for bullet in points) > len(points) / 2 else ""
    # Those that are there, if there are three; then one for each line of the notes.
    yield "\n".join(sign + bullet for bullet in points[:3])
    # More lines than three go together as they follow each other.
    for notes in in_three(notes):
        places = assigned(notes, points)
        ways = [ways_of(notes, place, points, line) for line, place in enumerate(places)]
        for chosen in itertools.product(*ways):
            order = sorted(range(3), key=lambda line: places[line] if places[line] is not None else line)
            stopped = [bullet if bullet.endswith(".") else bullet.rstrip(",;") + stop for bullet in chosen]
            yield "\n".join(sign + stopped[line] for line in order)


def in_three(notes):
    """The notes with their lines joined to three, in each way; none of fewer lines."""
    lines = notes.lines
    for first, second in itertools.combinations(range(1, len(lines)), 2):
        joint = copy.copy(notes)
        joint.lines = [", ".join(part) for part in (lines[:first], lines[first:second], lines[second:])]
        joint.of_line = [set(content(line)) for line in joint.lines]
        yield joint


def assigned(notes, points):
    """For each line of the notes the bullet that says most of it, each bullet once."""
    pairs = [
        (share(set(content(b)), line), -i, i, k) for k, line in enumerate(notes.of_line) for i, b in enumerate(points)
    ]
    places, taken = [None] * len(notes.lines), set()
    for said, _, bullet, line in sorted(pairs, reverse=True):
        if said >= 0.25 and places[line] is None and bullet not in taken:
            places[line] = bullet
            taken.add(bullet)
    return places


def ways_of(notes, place, points, line):
    """The bullet as it is, put right, completed; last the note itself."""
    note = notes.lines[line]
    itself = note[0].upper() + note[1:]
    if place is None:
        return [itself]
    bullet = points[place]
    short = " ".join(sentences(bullet)[:1])
    right = put_right(notes, note, bullet)
    ways = [bullet, short, right, completed(note, right), completed(note, put_right(notes, note, short)), itself]
    return list(dict.fromkeys(way for way in ways if way))


def put_right(notes, note, bullet):
    """Numbers and names that the notes do not have give way to those of this note; else their sentence goes."""
    wanted = [value for value in re.findall(r"\d[\d.,:]*\d|\d", note) if number(value) not in numbers(bullet)]
    for wrong in [token for token in tokens(bullet) if number(token) and number(token) not in notes.numbers]:
        bullet = re.sub(
            r"(?<![\w.,])%s(?![\w]|[.,]\d)" % re.escape(wrong),
            wanted.pop(0) if wanted else "\0",
            bullet,
            count=1,
            flags=re.I,
        )
    missing = [name for name in names(note, inside=True) if name.lower() not in tokens(bullet)]
    for wrong in names(bullet):
        if not set(map(rule.stem, tokens(wrong))) <= set(map(rule.stem, notes.words)):
            fitting = [name for name in missing if (name.lower() in CALENDAR) == (wrong.lower() in CALENDAR)]
            bullet = bullet.replace(wrong, fitting[0] if fitting else "\0", 1)
            missing = [name for name in missing if name not in fitting[:1]]
    kept = [sentence for sentence in sentences(bullet) if "\0" not in sentence]
    if not kept and "\0" in bullet:
        clauses = [clause for clause in re.split(r"(?<=[,;])\s", bullet) if "\0" not in clause]
        kept = [" ".join(clauses).rstrip(",;")] if clauses else []
    return " ".join(kept)


def completed(note, bullet):
    """With the clauses of the note whose number or name is missing, or of which too little is said."""
    if not bullet:
        return ""
    said = set(content(bullet))
    missing = []
    for clause in re.split(r",\s+", note):
        fixed = set(numbers(clause)) | {rule.stem(name.lower()) for name in names(clause, inside=True)}
        if not fixed <= said or share(said, content(clause)) < 0.5:
            missing.append(clause)
    return ", ".join([bullet.rstrip(".;, ")] + missing) if missing else bullet


# Descriptions of products


LOUD_PHRASES = re.compile(
    r"\b(?:perfectly|truly|incredibly|very|simply|absolutely)\s+(?=%s)" % "|".join(sorted(rule.ADVERTISING)),
    re.IGNORECASE,
)
# A sentence with one of these is cut, not mended.
SALESMAN = re.compile(
    r"\bintroducing\b|\bno further\b|\b(?:now|today)\.$|\bmiss\b|\blove\b|\bgoodbye\b|\bnext level\b|\bgreat \w+\b|must-have",
    re.IGNORECASE,
)
STANDS_ALONE = re.compile(
    r"\b(?:is|are|and|or|the|an?|with|of|for|to|by|in|its|this|that|as)\s*[.,;]|^\W*$|,\s*,", re.I
)
COLOUR_WORDS = "black blue red green yellow purple pink orange brown grey white navy".split()
VERBS = frozenset(
    "holds burns switches lasts carries weighs packs shows opens closes hangs comes charges folds keeps cuts fits clips "
    "boils seats stands works lies remembers measures smells dries grows lifts bakes reaches wakes changes".split()
)


def drafts_of_product(prompt, text):
    facts = Facts(prompt)
    parts = without_repeats(pieces(re.sub(rule.SIGN.pattern, "", tidy(text), flags=re.M)))[:MOST_SENTENCES]
    faulty = [faults_in_product(facts, part) for part in parts]
    cleaned = [quiet(facts, part) if fault else part for part, fault in zip(parts, faulty)]
    for count in range(len(parts), -1, -1):
        keeps = [part for part, fault in zip(parts, faulty[:count]) if not fault]
        puts_right = [part for part in cleaned[:count] if part and not faults_in_product(facts, part)]
        for kept in (puts_right, keeps):
            # All, and all but one.
            for left_out in [None, *range(len(kept))]:
                chosen = [part for place, part in enumerate(kept) if place != left_out]
                yield joined(chosen)
                for added in additions(facts, joined(chosen)):
                    yield joined(chosen + [added])


def faults_in_product(facts, part):
    """What is wrong with a sentence, as a number of checks that fail."""
    of_text = [rule.filled_in, rule.no_machine, rule.nothing_around, rule.ends]
    of_facts = [rule.plain, rule.right_measures, rule.right_materials, rule.keeps_the_nots]
    wrong = sum(check(part) < 1 for check in of_text) + sum(check(facts, part) < 1 for check in of_facts)
    wrong += rule.invents_no_numbers(facts.numbers, part) < 1
    wrong += rule.invents_no_names(facts.words, part) < 1
    return wrong + (rule.from_the_facts(facts, part) < 1)


def quiet(facts, part):
    """Without loud words, with the right numbers and material; "" where no sentence is left."""
    space = part[len(part.rstrip()) :]
    part = LOUD_PHRASES.sub("", part.strip()).replace("!", ".")
    if SALESMAN.search(part):
        return ""
    for word in set(rule.loudness(part)) - facts.words - {"!"}:
        loud = re.escape(word)
        part = re.sub(rf"\b{loud}\b,? and |,? and {loud}\b(?! \w+ing)|\b{loud}\b,? ?", "", part, flags=re.I)
    part = right_numbers(facts, part)
    part = right_material(facts, part)
    part = re.sub(
        r"\b(a) (?=[aeio])", r"\1n ", re.sub(r"\b(a)n (?=[bcdfgj-np-tvwxz])", r"\1 ", part, flags=re.I), flags=re.I
    )
    part = re.sub(r"\s+([.,;])", r"\1", part).strip()
    if not part or STANDS_ALONE.search(part):
        return ""
    return part[0].upper() + part[1:] + space


def right_numbers(facts, part):
    """The number that the facts give for a unit, if there is only one that is not said yet."""
    wrong = rule.measures(part, spread=True) - facts.measures
    for value, unit in sorted(wrong):
        fitting = sorted(given for given, of in facts.measures if of == unit and given not in numbers(part))
        if len(fitting) == 1:
            spelled = [token for token in tokens(part) if number(token) == value]
            given = next((token for token in tokens(facts.text) if number(token) == fitting[0]), fitting[0])
            part = re.sub(r"(?<![\w.,])%s(?!\w)" % re.escape(spelled[0]), given, part, count=1, flags=re.IGNORECASE)
    return part


def right_material(facts, part):
    """The one material or colour that is given, in place of another."""
    for kind in (rule.MATERIALS, rule.COLOURS):
        given = [word for word in tokens(facts.text) if rule.stem(word) in kind]
        wrong = [word for word in tokens(part) if rule.stem(word) in kind - facts.stems]
        if len(set(given)) == 1 and len(wrong) == 1 and given[0] not in tokens(part):
            part = re.sub(r"\b%s\b" % re.escape(wrong[0]), given[0], part, count=1, flags=re.IGNORECASE)
    return part


def additions(facts, text):
    """Sentences with facts that the text lacks: the first, the first two, ... as many as a person would bother to add."""
    missing = [phrase for phrase, found in zip(facts.phrases, rule.stated(facts, text)) if not found]
    for count in range(1, min(4, len(missing)) + 1):
        yield " ".join(stated_in_one(missing[:count], is_plural(facts)))


def is_plural(facts):
    """Whether the product is "they": boots, glasses."""
    return bool(facts.phrases) and re.search(r"[^s]s$", facts.phrases[0].split(" for ")[0]) is not None


def stated_in_one(phrases, plural):
    """Each phrase as a sentence if its form is known, the others as one list."""
    known = [sentence_of(phrase) for phrase in phrases]
    if plural:
        known = [s and re.sub(r"^It (\w+)", lambda match: "They " + of_many(match.group(1)), s) for s in known]
    rest = [phrase for phrase, sentence in zip(phrases, known) if not sentence]
    return [s for s in known if s] + (["Details: " + ", ".join(rest) + "."] if rest else [])


def of_many(verb):
    return {"is": "are", "has": "have"}.get(verb) or re.sub(r"(?<=[xsh])es$|s$", "", verb)


def sentence_of(phrase):
    """A fact as a sentence, or None."""
    words = phrase.split()
    if words[0] in VERBS:
        return f"It {phrase}."
    a_material = len(words) <= 3 and rule.stem(words[-1]) in rule.MATERIALS and words[-1] != "paraffin"
    if a_material and phrase.islower() and not re.search(r" (?:of|with) |\d g", phrase):
        return f"It is made of {phrase}."
    parts = "handle|cover|frame|roof|top|legs|feet|tips|wrapper|upper|comb|rose|blade|cable|king|board|base|range|paper|probe"
    forms = [
        (r"([\d.,]+ x [\d.,x ]+ \w+)", "It measures {}."),
        (r"([\d.,]+ k?g)", "It weighs {}."),
        (r"([\d.,]+ (?:litres?|ml))", "It holds {}."),
        (r"((?:made|woven|built|printed|packed|cooked|harvested) (?:by|in|from|flat|of)\b.*)", "It is {}."),
        (r"(sizes .+)", "It comes in {}."),
        (r"with (.+)", "It comes with {}."),
        (r"(?:without|no) (.+)", "It comes without {}."),
        (r"(.+s) included", "It comes with {}."),
        (r"(\w+ed|\w+proof|%s)" % "|".join(COLOUR_WORDS), "It is {}."),
        (r"((?:not )?for .+)", "It is {}."),
        (r"([\d.,]+ (?:cm|mm|m) (?:long|high|thick))", "It is {}."),
        (
            r"((?:two|three|four|five|six|seven|ten|\d+) (?!persons|minutes|times|hours|people|pairs)[a-z ]*s\b(?! a day).*)",
            "It has {}.",
        ),
        (r"([\d.,]+ (?:watts|lumens|pieces|pages|parts|settings|programs))", "It has {}."),
        (rf"({parts}) of (.+)", "The {} is of {}."),
        (rf"({parts}) ([\d.,]+ .+)", "The {} is {}."),
    ]
    for form, sentence in forms:
        match = re.fullmatch(form, phrase)
        if match:
            sentence = sentence.format(*match.groups())
            return re.sub(r"^(The (?:legs|feet|tips)) is", r"\1 are", sentence)
    return None


DRAFTS = {
    "customer_reply": drafts_of_reply,
    "three_bullets": drafts_of_bullets,
    "plain_product": drafts_of_product,
}
