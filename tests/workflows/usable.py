"""Says whether an answer to a prompt of the three workflows is usable: could a person send it as it stands?

    python3 usable.py check
    python3 usable.py share ANSWERS.jsonl --workflow customer_reply
    nudge rank --judge-command "python3 tests/workflows/usable.py judge customer_reply" ...

A workflow has a list of checks. Each gives an answer a grade from 0 to 1, where 1 passes; an answer is usable if it
passes all of them, and its score is the weighted mean of the grades, from 0 to 10. The checks look at form (a greeting,
three bullets, no placeholders) and at content (does it speak of this letter, are these the numbers of these notes).

`check` tests the rule on `gold.jsonl`: answers written for their prompts must pass, the same answers given to other
prompts must not. `share` counts the usable answers in a file. `judge` is a program for `--judge-command`: one JSON
object a line in, one a line out. With `--edit` it also mends the best completion as a person would, by at most half of
its words; it never looks at the gold answers for that.

Not checked: whether a reply is true (whether that shop does repair zips), and spelling.
"""

import argparse
import json
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKFLOWS = ["customer_reply", "three_bullets", "plain_product"]
SEED = 1
# Of each gold answer, how many other prompts it is given to.
OTHERS = 5


# Words and numbers


NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
NUMBER_WORDS.update(thirty="30", forty="40", fifty="50", sixty="60", seventy="70", eighty="80", ninety="90")
# "one" is a pronoun more often than a number.
del NUMBER_WORDS["one"]

UNITS = {
    unit: words.split()[0]
    for words in (
        "mm millimetre millimetres millimeter millimeters",
        "cm centimetre centimetres centimeter centimeters",
        "km kilometre kilometres kilometer kilometers",
        "m metre metres meter meters",
        "ml millilitre millilitres milliliter milliliters",
        "l litre litres liter liters",
        "kg kilo kilos kilogram kilograms",
        "g gram grams",
        "w watt watts",
        "% percent",
        "degrees degree °c °f °",
        "inch inches",
        "feet foot ft",
        "lb lbs pound pounds",
        "oz ounce ounces",
        "lumen lumens",
        "ohm ohms",
        "decibels decibel db",
        "hours hour",
        "minutes minute",
        "seconds second",
        "weeks week",
        "months month",
        "years year",
    )
    for unit in words.split()
}
SUFFIXES = set(UNITS) | {"am", "pm", "x", "h", "min"}

COMMON = frozenset(
    "a about after again all along already also always am an and any anybody are as at back be because been before "
    "being both but by can can't cannot could did didn't do does doing don't done down each either else even ever every "
    "everybody few for from get gets getting give go goes going got had has hasn't have haven't having he her here him "
    "his how i i'd i'll i'm i've if in into is isn't it it's its just know last let like little made make many may me "
    "might mine more most much must my near need new no nobody nor not nothing now of off on once one only or other our "
    "out over own please put said same say says see she should so some somebody soon still such take tell than thank "
    "thanks that the their them then there these they this those through till to too under until up upon us use used "
    "very want wants wanted was wasn't way we we're went were what when where whether which while who whole whom why "
    "will with without would yes yet you your yours".split()
)

AMERICAN = dict(gray="grey", color="colour", colors="colours", fiber="fibre", aluminum="aluminium", liter="litre")

TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+\d+\w*|[^\W\d_]+(?:['’][^\W\d_]+)*|%|°[cCfF]?")


def tokens(text):
    """Lower-case words and numbers as they stand; "5kg" is two tokens and "M6" or "7a" is one."""
    found = []
    text = text.replace("’", "'")
    position = 0
    while True:
        match = TOKEN.search(text, position)
        if not match:
            return found
        token, position = match.group().lower(), match.end()
        if token[0].isdigit():
            letters = re.match(r"[^\W\d_]{1,2}(?![^\W_])", text[position:])
            if letters and letters.group().lower() in ("st", "nd", "rd", "th"):
                position += letters.end()
            elif letters and letters.group().lower() not in SUFFIXES:
                token, position = token + letters.group().lower(), position + letters.end()
        found.append(AMERICAN.get(token, token))


def number(token):
    """The number that a token is, in one spelling, or None: "1,000", "16:00" and "ten" are "1000", "16" and "10"."""
    if token in NUMBER_WORDS:
        return NUMBER_WORDS[token]
    if not re.fullmatch(r"\d+(?:[.,:]\d+)*", token):
        return None
    token = re.sub(r",(?=\d{3}(?!\d))", "", token).replace(",", ".")
    token = re.sub(r":00$", "", token)
    if "." in token:
        token = token.rstrip("0").rstrip(".")
    return token.lstrip("0") or "0"


def numbers(text):
    """The numbers of a text, and of an afternoon both spellings."""
    return [value for value in map(number, tokens(text)) if value]


def known_numbers(text):
    known = set(numbers(text))
    for value in list(known):
        hour, _, minutes = value.partition(":")
        if hour.isdigit() and 12 < int(hour) < 24:
            known.add(str(int(hour) - 12) + (":" + minutes if minutes else ""))
    words = tokens(text)
    for word, after in zip(words, words[1:]):
        if after == "pm" and number(word) and word.isdigit():
            known.add(str(int(word) + 12))
    return known


def stem(word):
    """The beginning of a word without its ending: what "charge", "charges" and "charged" share."""
    word = re.sub(r"'s?$|'.*$", "", word)
    word = re.sub(r"ies$", "y", word)
    for ending in ("ing", "ed", "er", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word.rstrip("e")[:5] or word


def content(text, without=frozenset()):
    """The stems of the words that say something, and the numbers, in the order of the text."""
    found = []
    for token in tokens(text):
        value = number(token)
        if value:
            found.append(value)
        elif token not in COMMON and stem(token) not in without:
            found += [UNITS[token]] if token in UNITS else [stem(token)] if len(token) > 1 else []
    return found


ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|No|approx|e\.g|i\.e|a\.m|p\.m)\.$", re.IGNORECASE)


def sentences(text):
    """The sentences of a text with their punctuation; a line ends one too."""
    found = []
    for line in text.splitlines():
        start = 0
        for match in re.finditer(r"[.!?]+[\"'”’)]*(?=\s|$)", line):
            if ABBREVIATION.search(line[: match.end()]):
                continue
            found.append(line[start : match.end()].strip())
            start = match.end()
        found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def share(some, of):
    """How much of `of` is in `some`; 1 of nothing."""
    of = list(of)
    return sum(item in some for item in of) / len(of) if of else 1.0


def at_least(value, wanted):
    return min(1.0, value / wanted)


def passes(wrong, worth=1.0):
    """1 without anything wrong, then less and less."""
    return 1.0 if not wrong else max(0.0, 0.7 - 0.35 * worth * wrong)


def material(prompt):
    """The paragraph between the heading of a prompt and its instruction. `prompt`: text, or messages of a chat."""
    if isinstance(prompt, dict):
        prompt = prompt.get("messages", prompt.get("content", ""))
    if isinstance(prompt, list):
        asked = [message["content"] for message in prompt if message.get("role") == "user"]
        prompt = asked[-1] if asked else ""
    parts = prompt.strip().split("\n\n")
    return "\n\n".join(parts[1:-1]) if len(parts) > 2 else prompt.strip()


# Checks of any text


PLACEHOLDER = re.compile(
    r"\[[^\]]*\]?|<[^>]*>|\{[^}]*\}|_{3,}|\bx{3,}\b|(?<!under )(?<!in )\byour name\b|\bcompany name\b|\bcustomer'?s? name\b|\binsert (?:your|name|the name|date|product|here)\b|"
    r"\b(?:product|order) number here\b|\.\.\.\.+",
    re.IGNORECASE,
)
MACHINE = re.compile(
    r"\bAI\b|\bA\.I\.|(?i:language model|chatbot|artificial intelligence|virtual assistant|smollm|hugging face|"
    r"\bas an? (?:\w+ )?assistant\b|\bassistant (?:trained|designed)\b)"
)
TALK = re.compile(
    r"^\W*(?:sure|certainly|of course)[,!]? here|\bhere(?:'s| is| are)\b[^.\n]*:|^\W*(?:subject|re|reply|response|"
    r"answer|customer|title|summary|description|product|notes?|draft)\W*:|\*\*|^#|```|\bi hope (?:this|that) helps\b|"
    r"\blet me know if you (?:need|want) (?:any )?(?:changes|more bullet)|\bmeeting notes:|\bthis product description\b|"
    r"\b(?:a|this) (?:customer|user) (?:writes|requires|wants|says|wrote|asks)\b",
    re.IGNORECASE | re.MULTILINE,
)


def whole_words(text):
    """No broken characters, no other script, no word that stutters or has no end."""
    broken = text.count("\ufffd") + len(re.findall(r"[^\W\d_a-zA-Z\u00aa-\u024f]", text))
    broken += len(re.findall(r"[\x00-\x08\x0b-\x1f]", text)) + len(re.findall(r"(\w)\1{3,}|\w{26,}", text))
    return passes(broken)


def ends(text):
    """The last sentence has an end."""
    return float(bool(re.search(r"[.!?][\"'”’)]*$", text.strip())))


def says_once(text):
    """No sentence twice, no seven words twice, no word three times running."""
    said = [" ".join(tokens(sentence)) for sentence in sentences(text)]
    said = [sentence for sentence in said if sentence]
    words = tokens(text)
    runs = [tuple(words[place : place + 7]) for place in range(len(words) - 6)]
    stutters = sum(a == b == c for a, b, c in zip(words, words[1:], words[2:]))
    return passes((len(said) - len(set(said))) + (len(runs) - len(set(runs)) + 4) // 5 + stutters)


def filled_in(text):
    """Nothing that somebody would have to fill in."""
    return passes(len(PLACEHOLDER.findall(text)))


def no_machine(text):
    return passes(len(MACHINE.findall(text)))


def nothing_around(text):
    """The answer alone: no subject line, no talk about it, no markup."""
    return passes(len(TALK.findall(text)))


def length(words, low, high):
    """1 from `low` to `high`, falling to 0 at nothing and at twice `high`."""
    if words < low:
        return words / low
    return 1.0 if words <= high else max(0.0, 1.0 - (words - high) / high)


# Replies to customers


SORRY = re.compile(r"\bsorry\b|\bapolog|\bregret", re.IGNORECASE)
# In answer to a question, "sorry, we have none" and "sorry to hear" are fine; this is an apology for nothing.
NEEDLESS = re.compile(r"\binconvenience|\bapolog|\bsorry (?:for|about)\b", re.IGNORECASE)
GLADNESS = re.compile(
    r"\b(?:glad|happy|thrilled|delighted|pleased|great|excited) (?:to hear(?! from)|that you (?:enjoy|like|lov))|\bcongratulat|"
    r"\bkind words\b|\bglad you\b|\bthank you for your (?:compliment|praise)",
    re.IGNORECASE,
)
GRATITUDE = re.compile(r"\bthank|\bglad\b|\bpleas(?:ed|ure)\b|\bhappy\b|\bdelight|\bcongratulat|\bkind\b|\bproud", re.I)
REMEDY = re.compile(
    r"\b(?:refund|replac|repair|fix|send|sent|sending|collect|bring|pay\b|paid|check|look(?:ed|ing)? into|call|ring|"
    r"contact|come|exchang|return|remov|delet|stopp|correct|spoke|speak|talk|reply|deliver|restor|print|free|invit|"
    r"choose|investigat|find out|found|added|put |post|ship|reserv|visit|arrang|cancel|credit|money|reset|solve|resolv|"
    r"make sure|new one|technician|attached|improv|train|inform|track|chang|pick)",
    re.IGNORECASE,
)
# Who does it.
DOING = re.compile(
    r"\b(?:we|i|our|somebody|someone|technicians?|engineer|plumber|tuner|courier|team|order|leaves|please|will)\b|'ll\b",
    re.IGNORECASE,
)
# Sentences that answer nothing, whatever they name.
EMPTY = re.compile(
    r"\W*(?:(?:dear|hello|hi) [^,]*, )?(?:thank|(?:i|we) (?:hope|look forward|would love|are (?:happy|glad|here))|"
    r"please (?:let|feel|do not hesitate|don't hesitate)|feel free|let (?:me|us) know|if you have)",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\b(?:can't|cannot|can not|not able to|unable to|not possible to) (?:help|tell|assist|say|answer|do anything|provide)|"
    r"\bi (?:don't|do not) (?:know|have any)|\bi'm not sure|\bi am not sure|\bnot my problem",
    re.IGNORECASE,
)
AS_CUSTOMER = re.compile(
    r"\b(?:i|we) (?:(?:have|had|just|only|also) )?(?:ordered|bought|booked|purchased|returned it|paid for)\b|"
    r"\b(?:charged|sent|gave|sold|told|showed) me\b|\bi(?:'m| am) going to buy\b|\bi was (?:just )?looking for\b|"
    r"\bmy (?:order|parcel|money|card|son|daughter|mother|father|sister|grandmother|children|account|phone|bike|"
    r"family|friends?|hotel|home|house|parcel|purchase|suitcase|watch|wedding|dog|flat|car|party|birthday|guests|contract|subscription|room)\b|"
    r"\bi (?:would|want|'d) like (?:a refund|my money|to return|to book|to cancel|to know|you to)\b|"
    r"\bi am writing to (?:complain|express|inform you)\b",
    re.IGNORECASE,
)
INVENTED_CONTACT = re.compile(
    r"\S+@\S+|https?://|\bwww\.|\b\w+\.(?:com|org|net|co\.uk)\b|\+?\(?\d{3,}\)?[-. ]\d{3,}", re.I
)
GREETING = re.compile(
    r"^\W*(?:dear|hello|hi|hey|greetings|welcome|good (?:morning|afternoon|day|evening)|thank you|thanks)\b", re.I
)
TITLES = {"mr", "mrs", "ms", "miss"}
# Of letters, these say little about the matter.
OF_LETTERS = frozenset(
    stem(word)
    for word in (
        "thank thanks kind regards best wishes greetings cheers kindly hello dear mr mrs ms please order day days week "
        "weeks month today yesterday tomorrow time nice good look website customer write wrote find ask came come sorry "
        "bought buy sent send could money pay paid bring brought price cost service help told possible free year happy "
        "sure thing minutes hours hour long work took taken ones every everything never since ago lot something though "
        "although instead left right per"
    ).split()
)
# What replies to customers say in any trade.
OF_REPLIES = frozenset(
    stem(word)
    for word in (
        "dear hello hi sorry apologise apologies apologize regret today tomorrow tonight free refund send sent pay paid "
        "day week month year minute hour morning afternoon evening monday tuesday wednesday thursday friday saturday "
        "sunday cost come came bring brought call called ring charge time within pleased pleasure collect euros pounds "
        "right keep kept hope look check wrong leave left full word words glad good wait next take took taken letter let "
        "attached arrive show money account work place instead kind read price label message mail email technician speak "
        "spoke spoken stop choose date well reach express exchange pass passed wish happy repair seem order away visit "
        "people first address hand receive receipt tell told reserve write wrote written enjoy find found correct copy "
        "everything whenever post usual card happen bill set change deliver delivery another part behind answer anything "
        "prefer reply enter invite remove news open welcome forward see seeing line name parcel add shop person need "
        "trouble late talk start help problem staff replace replacement driver courier team colleague manager room door "
        "box issue understand concern inconvenience contact customer service support question inform information assist "
        "provide offer resolve solve mistake error fault damage broken new quality product item purchase purchased store "
        "company feedback patience patient appreciate value thank grateful delighted sincerely regards possible soon "
        "quickly immediately investigate return cancel book booking appointment available confirm request accept ensure "
        "sure process future experience situation matter delay lost missing long short number details credit full partial "
        "amount discount voucher gift wonderful great love lovely hear heard happen properly ready safe everyone guest "
        "guests carefully extra fix fixed fresh home house already however unfortunately additional option options"
    ).split()
)
# What a shop does not bring up.
PRIVATE = frozenset(
    stem(word)
    for word in (
        "mother father family sister brother wife husband daughter grandmother grandfather aunt uncle cousin birthday "
        "anniversary holiday vacation trip wedding christmas party lady marriage candy dream romantic heart forgive lord god school"
    ).split()
)
COMPLAINTS = frozenset(
    "again angry back badly black broke broken burnt cancelled charged closed cold complain complained crack cracked "
    "damaged deleted dirty disappointed disappointing else's explain fail failed faulty froze frozen gone headaches "
    "heard hospital late leak leaked leaking leaks losing lost missed missing nobody nothing overcharged picture "
    "plastic problem promise promised refund refused refuses return rude ruined scratch scratched shrank shrunk smelled "
    "smells smoke snapped soaked spam spent stands stick stood stop stuck throw tired twice unacceptable uneven waited "
    "waiting wet worried wrong wrongly".split()
)
PRAISE = frozenset(
    "clearly delighted excellent fantastic friendly fun great happy helpful highlight kind lovely magical patient "
    "perfect pleased quick quickly splendid wonderful".split()
)


class Letter:
    """What a customer wrote."""

    def __init__(self, prompt):
        text = material(prompt)
        words = text.split()
        self.name = words[-1] if words and re.fullmatch(r"[A-Z][^\W\d_]+", words[-1]) else None
        self.body = text[: text.rindex(self.name)].strip() if self.name else text
        # "Thanks, Tom", "Mr and Mrs Hall", "Priya and Ben": what stands with the name is no part of the matter.
        self.signature = sentences(text)[-1] if text else ""
        before = re.findall(r"[^\W\d_]+", self.signature)[:-1]
        self.title = before[-1].lower() if before and before[-1].lower() in TITLES else None
        with_name = {stem(self.name.lower())} if self.name else set()
        signed = set(map(stem, tokens(self.signature))) if len(tokens(self.signature)) < 5 else with_name
        matter = set(content(self.body, OF_LETTERS | signed))
        self.matter = {word for word in matter if not (word.isdigit() and len(word) == 1)}
        said = tokens(self.body)
        complaints = sum(word in COMPLAINTS for word in said)
        praise = sum(word in PRAISE for word in said)
        self.complains = complaints > 0 and complaints >= praise
        self.thanks = not self.complains and "?" not in text


def addressee(letter):
    """The name with what belongs to it: "Mr and Mrs Hall", "Priya and Ben"."""
    found = re.search(r"(?:[A-Z]\w+ (?=and ))?(?:(?:Mrs?|Ms|Miss|and) )*\w+$", letter.signature)
    return found.group() if found else ""


def greets(letter, text):
    """A greeting, and the customer's name among its first words, with the right title."""
    first = tokens(text)[:9]
    begins_with_name = letter.name and re.match(r"\W*(?:%s|%s)," % (addressee(letter), letter.name), text)
    if not GREETING.match(text) and not begins_with_name:
        return 0.0
    if letter.name:
        # "The Marinos" may be greeted as Mr and Mrs Marino.
        name = letter.name.lower().rstrip("s")
        if not any(word.rstrip("s") == name or word == letter.name.lower() + "'s" for word in first):
            return 0.4
        titles = [word for word in first if word in TITLES]
        if letter.title and titles and letter.title not in titles:
            return 0.7
    return 1.0


def apologises(letter, text):
    """An apology for a complaint, none for a thank-you, and none for an inconvenience in answer to a question."""
    if letter.complains:
        return float(bool(SORRY.search(text)))
    return float(not (SORRY if letter.thanks else NEEDLESS).search(text))


def speaks_of(letter, text):
    """Of the matter: two of the words that say something, or one where the letter has few of them."""
    wanted = min(len(letter.matter), 1 if len(letter.matter) <= 5 else 2)
    return at_least(len(letter.matter & set(content(text))), wanted) if wanted else 1.0


def answers(letter, text):
    """Something beyond politeness: a remedy for a complaint, thanks for thanks, a statement for a question."""
    said = sentences(text.replace("’", "'"))
    if REFUSAL.search(text.replace("’", "'")):
        return 0.3
    if letter.thanks:
        return float(bool(GRATITUDE.search(text)))
    if letter.complains:
        return float(any(REMEDY.search(s) and DOING.search(SORRY.sub("", s)) for s in said))
    stated = [s for s in said if not s.endswith("?") and not EMPTY.match(s)]
    return 1.0 if any(letter.matter & set(content(s)) for s in stated) else 0.5 * bool(stated)


def fits_the_mood(letter, text):
    """Nobody is glad about a complaint or replaces what somebody gave thanks for."""
    wrong = GLADNESS.findall(text) if letter.complains else []
    if letter.thanks:
        wrong = re.findall(r"\brefund|\breplacement|\bresolve", text, re.IGNORECASE)
    return passes(len(wrong))


SKIPPED = r"(?: (?:have|had|do|did|are|were|was|am|can|could|will|just|only|still|also|never|already|not))*"
BY_YOU = re.compile(r"\byou%s (\w+)" % SKIPPED, re.IGNORECASE)
DONE_BY_YOU = re.compile(r"\byou(?:'ve)?%s (\w+ed|sent|sold|took|broke|left|gave|lost)\b" % SKIPPED, re.IGNORECASE)
BY_ME = re.compile(r"\b(?:i|we)%s (\w+)" % SKIPPED, re.IGNORECASE)
YOURS = re.compile(
    r"\byour (\w*(?:driver|app|website|taxi|shop|staff|waiter|team|guide|usher|assistant|newsletter|counter|software|"
    r"receptionist|update|company|campsite|candles|tents))s?\b",
    re.IGNORECASE,
)
MINE = re.compile(r"\b(?:my|our) (\w+)", re.IGNORECASE)


def ours(text, pattern):
    """Stems of what `pattern` finds, without the commonest words."""
    return {stem(word.lower()) for word in pattern.findall(text) if word.lower() not in COMMON}


def speaks_as_us(letter, text):
    """Not as the customer, not to ourselves, and not in the customer's own sentences."""
    wrong = len(AS_CUSTOMER.findall(text)) + len(re.findall(r"\bdear (?:customer service|sir|support)", text, re.I))
    words = tokens(text)
    if letter.name and len(words) > 6 and words[-1] == letter.name.lower() and text.rstrip()[-1].isalpha():
        wrong += 1
    theirs, run = tokens(letter.body), 12
    runs = {tuple(theirs[place : place + run]) for place in range(len(theirs) - run + 1)}
    wrong += any(tuple(words[place : place + run]) in runs for place in range(len(words) - run + 1))
    wrong += len((ours(text, DONE_BY_YOU) & ours(letter.body, BY_YOU)) - ours(letter.body, BY_ME))
    wrong += len((ours(text, YOURS) & ours(letter.body, YOURS)) - ours(letter.body, MINE))
    return passes(wrong)


def invents_no_contact(letter, text):
    """No mail address, telephone, order number or amount that the letter does not have."""
    wrong = len(INVENTED_CONTACT.findall(text))
    known = known_numbers(letter.body)
    # An answer to a question may name a price; a reply to a complaint has no amount of its own.
    invented = r"\d{4,}|\d+\.\d+" if letter.complains else r"\d{4,}"
    wrong += sum(re.fullmatch(invented, value) is not None and value not in known for value in numbers(text))
    return passes(wrong)


def to_the_point(letter, text):
    """No private matters that the letter does not have, and few words that neither the letter has nor replies use."""
    words = set(content(f"{letter.body} {letter.signature}"))
    words |= {stem("marriage")} if stem("wedding") in words else set()
    known = OF_REPLIES | words | set(UNITS.values()) | {stem(name.lower()) for name in names(text)}
    lines = [[word for word in content(sentence) if not word[0].isdigit()] for sentence in sentences(text)]
    everything = at_least(share(known, [word for line in lines for word in line]), 0.45)
    strays = min([everything] + [at_least(share(known, line), 0.2) for line in lines if len(line) > 3])
    return min(strays, passes(len((set(content(text)) & PRIVATE) - words)))


def customer_reply(prompt, text):
    letter = Letter(prompt)
    return [
        ("length", 1, length(len(text.split()), 8, 90)),
        ("greeting", 2, greets(letter, text)),
        ("apology", 2, apologises(letter, text)),
        ("matter", 4, speaks_of(letter, text)),
        ("answer", 2, answers(letter, text)),
        ("mood", 1, fits_the_mood(letter, text)),
        ("voice", 2, speaks_as_us(letter, text)),
        ("to the point", 2, to_the_point(letter, text)),
        ("contact", 1, invents_no_contact(letter, text)),
        ("end", 1, ends(text)),
    ]


# Three bullets


SIGN = re.compile(r"^\s*(?:[-*•–+]|\d{1,2}[.)])(?:\s+|\*+)(?=\S)")
DANGLING = re.compile(
    r"(?:[,:;(-]|\b(?:and|or|the|a|an|of|to|for|with|in|on|by|is|are|from|at|because))$", re.IGNORECASE
)
# Of notes, words that any report may add.
OF_REPORTS = frozenset(
    stem(word)
    for word in (
        "meeting team group today date starts start started takes place done needed planned plan currently reported "
        "discussed noted scheduled due available total including however people person member week day days time "
        "year month costs cost price euros pounds dollars asked asks checks until o'clock our also additionally"
    ).split()
)


class Notes:
    """The notes of a meeting: a heading and some lines."""

    def __init__(self, prompt):
        lines = [line.strip() for line in material(prompt).splitlines() if line.strip()]
        self.title, self.lines = (lines[0], lines[1:]) if len(lines) > 1 else ("", lines)
        self.text = "\n".join(lines)
        self.of_line = [set(content(line)) for line in self.lines]
        self.all = set(content(self.text))
        self.numbers = known_numbers(self.text)
        self.words = set(tokens(self.text))


def bullets(text):
    """The texts of the lines with a bullet's sign, and how many other lines there are."""
    lines = [line for line in text.splitlines() if line.strip()]
    signed = [SIGN.sub("", line).strip() for line in lines if SIGN.match(line)]
    return signed, len(lines) - len(signed)


def three(text):
    """Three bullets and no other line."""
    signed, others = bullets(text)
    return max(0.0, 1.0 - abs(len(signed) - 3) / 3) * (1.0 if not others else 0.6)


def short_bullets(text):
    """Each of 3 to 30 words."""
    signed, _ = bullets(text)
    return sum(length(len(bullet.split()), 3, 30) for bullet in signed) / len(signed) if signed else 0.0


def bullets_end(text):
    signed, _ = bullets(text)
    return passes(sum(bool(DANGLING.search(bullet.rstrip())) for bullet in signed)) if signed else 0.0


def holds_the_notes(notes, text):
    """Two thirds of the words that say something, and half of those of each line."""
    said = set(content(text))
    lines = [at_least(share(said, line), 0.5) for line in notes.of_line]
    everything = set().union(*notes.of_line) if notes.of_line else set()
    return 0.5 * at_least(share(said, everything), 0.65) + 0.5 * sum(lines) / max(1, len(lines))


def holds_the_numbers(notes, text):
    """Most of the numbers, and of the names."""
    wanted = {value for line in notes.lines for value in numbers(line)}
    wanted |= {stem(name.lower()) for line in notes.lines for name in names(line, inside=True)}
    return at_least(share(set(content(text)), wanted), 0.7)


def names(text, inside=False):
    """Capitalised words that do not open a sentence; of those that do, first names, and all if `inside` is true."""
    found = []
    for sentence in re.split(r"[.!?:\n]\s*", text):
        for place, word in enumerate(re.findall(r"\w+(?:['’]\w+)*", sentence)):
            capital = len(word) > 1 and word[0].isupper() and not re.search(r"\d|^I['’]", word)
            if capital and (place > 0 or inside or word.lower() in FIRST_NAMES):
                found.append(word)
    return [re.sub(r"['’]s?$", "", word) for word in found]


# Who models write of when they invent somebody.
FIRST_NAMES = frozenset(
    "john jane sarah emily michael david james maria anna lisa mark peter paul tom robert susan mary linda karen jennifer "
    "jessica daniel matthew chris kevin brian laura alex sam rachel emma olivia sophia lucy jack smith johnson williams "
    "brown jones davis miller wilson kate mike steve bob alice joe jim tim ben max anne helen".split()
)


def invents_no_names(known_words, text):
    known = {stem(word) for word in known_words} | {stem(title) for title in TITLES}
    unknown = {
        name
        for name in names(SIGN.sub("", text) if "\n" not in text else re.sub(SIGN.pattern, "", text, flags=re.M))
        if not set(map(stem, tokens(name))) <= known
    }
    return passes(len(unknown))


def invents_no_numbers(known, text):
    return passes(sum(value not in known for value in numbers(re.sub(SIGN.pattern, "", text, flags=re.M))))


def from_the_notes(notes, text):
    """Of the words that say something, seven tenths stand in the notes, and six tenths of those of each bullet."""
    known = notes.all | OF_REPORTS
    lines = [content(bullet) for bullet in bullets(text)[0] or [text]]
    everything = at_least(share(known, [word for line in lines for word in line]), 0.7)
    return min([everything] + [at_least(share(known, line), 0.6) for line in lines])


def keeps_together(notes, text):
    """A name or number stands in a bullet with other words of its own line."""
    signed, _ = bullets(text)
    torn = 0
    for bullet in signed:
        said = set(content(bullet))
        fixed = set(numbers(bullet)) | {stem(name.lower()) for name in names(bullet, inside=True)}
        for item in fixed & notes.all:
            homes = [line for line in notes.of_line if item in line]
            if homes and not any(len(said & line) >= min(2, len(line)) for line in homes):
                torn += 1
    return passes(torn)


def no_word_twice(notes, text):
    """No bullet says a word twice that the notes do not."""
    again = 0
    for bullet in bullets(text)[0]:
        said = [word for word in content(bullet) if word not in OF_REPORTS and word not in UNITS.values()]
        allowed = content(notes.text)
        again += sum(said.count(word) > max(1, allowed.count(word)) for word in set(said))
    return passes(again)


def three_bullets(prompt, text):
    notes = Notes(prompt)
    return [
        ("three", 3, three(text)),
        ("length", 1, short_bullets(text)),
        ("end", 1, bullets_end(text)),
        ("notes", 4, holds_the_notes(notes, text)),
        ("names and numbers", 3, holds_the_numbers(notes, text)),
        ("other numbers", 2, invents_no_numbers(notes.numbers, text)),
        ("other names", 2, invents_no_names(notes.words, text)),
        ("invented", 2, from_the_notes(notes, text)),
        ("mixed up", 1, keeps_together(notes, text)),
        ("word twice", 1, no_word_twice(notes, text)),
    ]


# Descriptions of products


ADVERTISING = frozenset(
    "amazing amazingly awesome beautiful beautifully bestselling breathtaking brilliant captivating delightful elegance "
    "elegant elevate essential excellent exceptional exceptionally excellence exclusive exquisite extraordinary "
    "fabulous fantastic flawless gorgeous groundbreaking ideal impressive incredible incredibly innovative legendary "
    "luxurious luxury magnificent marvellous marvelous masterpiece outstanding perfect perfection perfectly phenomenal "
    "premium remarkable revolutionary seamless sensational sophisticated spectacular stunning stylish sublime superb "
    "superior supreme timeless ultimate unbeatable unforgettable unique unmatched unparalleled unrivalled wonderful".split()
)
SLOGAN = re.compile(
    r"\bmust-have\b|\bgame[- ]changer\b|\blook no further\b|\b(?:order|buy|shop|get yours) (?:now|today)\b|"
    r"\bdon't miss\b|\byou(?:'ll| will) love\b|\bsay goodbye\b|\bintroducing\b|\bhigh[- ]quality\b|\btop[- ]notch\b|"
    r"\bstate[- ]of[- ]the[- ]art\b|\bone[- ]of[- ]a[- ]kind\b|\btake your\b|\bnext level\b|\bgreat (?:addition|choice|way)\b",
    re.IGNORECASE,
)
NO_SUPERLATIVES = frozenset(
    "arrest bequest conquest contest digest earnest forest harvest honest inquest interest invest manifest midwest "
    "modest northwest protest request southwest suggest tempest unrest armrest backrest headrest longest-lasting".split()
)
MATERIALS = {
    stem(word)
    for word in (
        "steel iron aluminium aluminum brass copper zinc bronze titanium silver gold plastic rubber silicone latex "
        "leather cotton wool merino linen silk polyester nylon fleece velvet denim jute hemp cork bamboo oak ash beech "
        "maple walnut larch pine cedar teak mahogany boxwood rosewood willow wicker porcelain ceramic stoneware glass "
        "slate marble granite acetate acrylic polycarbonate canvas felt mesh cardboard carbon paraffin beeswax "
        "soy coconut sisal straw bone"
    ).split()
}
COLOURS = {stem(word) for word in "black blue red green yellow purple pink orange brown grey gray white navy".split()}
NOT = re.compile(
    r"\b(?:not|no|without|never|nor|neither|only|free|cannot|sold separately|separate|rather than|keep \w+ (?:out|away)|"
    r"avoid|un\w+|sold alone|needs? no|lacks?)\b|n't\b",
    re.IGNORECASE,
)
OF_SHOPS = frozenset(
    stem(word)
    for word in (
        "made make comes measures weighs holds size sizes includes included including has features designed used suits "
        "suitable available choose set set product item piece high long wide thick tall weight length height width "
        "easy easily simple small large also offers work works fits keep keeps up using contains place price"
    ).split()
)


class Facts:
    """The facts of a product: phrases behind commas, the first of which says what it is."""

    def __init__(self, prompt):
        self.text = " ".join(material(prompt).split())
        self.phrases = [phrase.strip() for phrase in re.split(r",\s+", self.text) if phrase.strip()]
        self.of_phrase = [set(content(phrase)) or set(map(stem, tokens(phrase))) for phrase in self.phrases]
        self.all = set().union(*self.of_phrase) if self.phrases else set()
        self.numbers = known_numbers(self.text)
        self.measures = measures(self.text, spread=True)
        self.words = set(tokens(self.text))
        self.stems = set(map(stem, self.words))


def measures(text, spread=False):
    """Numbers with the unit behind them; `spread`: of "30 x 40 cm" and "5 to 8 mm" all of them."""
    found, waiting = set(), []
    for token in tokens(text):
        value = number(token)
        if value:
            waiting = (waiting if spread else []) + [value]
        elif token in UNITS:
            found |= {(value, UNITS[token]) for value in waiting}
            waiting = []
        elif token not in ("x", "to", "and", "by", "or") or not spread:
            waiting = []
    return found


def loudness(text):
    """Superlatives, words of advertising and exclamation marks, in order."""
    said = tokens(text)
    loud = [word for word in said if word in ADVERTISING or superlative(word)]
    loud += ["most" for before, word in zip([""] + said, said) if word == "most" and before in ("the", "our", "its")]
    return loud + SLOGAN.findall(text) + ["!"] * text.count("!")


def superlative(word):
    return word == "best" or len(word) > 5 and word.endswith("est") and word not in NO_SUPERLATIVES


def plain(facts, text):
    return passes(len([word for word in loudness(text) if word not in facts.words]), 0.7)


def names_the_product(facts, text):
    """What it is: the last word of the first phrase or of its first part, or most of the phrase."""
    return float(share(set(content(text)), facts.of_phrase[0]) >= 0.5) if facts.phrases else 1.0


def stated(facts, text):
    """Which phrases the text states: half of what each says."""
    said = set(content(text)) | set(map(stem, tokens(text)))
    return [share(said, phrase) >= 0.5 for phrase in facts.of_phrase]


def holds_the_facts(facts, text):
    found = stated(facts, text)
    return at_least(sum(found) / len(found), 0.6) if found else 1.0


def right_measures(facts, text):
    """Each number with a unit has the unit of the facts."""
    return passes(sum(measure not in facts.measures for measure in measures(text)))


def right_materials(facts, text):
    """No material or colour that was not given."""
    said = {stem(word) for word in tokens(text)}
    return passes(len((said & (MATERIALS | COLOURS)) - facts.stems))


def keeps_the_nots(facts, text):
    """What is not, without or no in the facts is so in the text, and the other way round for "safe" and "proof"."""
    wrong = 0
    for phrase in facts.phrases:
        denied = re.search(r"\b(?:not|no|without) (?:for |made |to )?(.+)", phrase)
        if not denied:
            continue
        what = set(content(denied.group(1))) - facts.of_phrase[0]
        for sentence in sentences(text):
            if what and share(set(content(sentence)), what) > 0.5 and not NOT.search(sentence):
                wrong += 1
    return passes(wrong)


def from_the_facts(facts, text):
    """Of the words that say something, at least half stand in the facts, and a quarter of those of each sentence."""
    given = facts.all | facts.stems
    lines = [content(sentence) for sentence in sentences(text)]
    everything = at_least(share(given | OF_SHOPS, [word for line in lines for word in line]), 0.5)
    return min([everything] + [at_least(share(given, line), 0.25) for line in lines if len(line) > 1])


def says_facts_once(facts, text):
    """No number more often than given, no other word more than twice."""
    said, given = content(text), content(facts.text)
    product = facts.of_phrase[0] if facts.phrases else set()
    again = 0
    for word in set(said) - product - OF_SHOPS:
        allowed = 1 if word[0].isdigit() else 2
        again += said.count(word) > max(allowed, given.count(word))
    return passes(again)


def own_words(facts, text):
    """Not the list of facts over again: no fourteen words of it as they stand."""
    given, said, run = tokens(facts.text), tokens(text), 14
    runs = {tuple(given[place : place + run]) for place in range(len(given) - run + 1)}
    return passes(sum(tuple(said[place : place + run]) in runs for place in range(len(said) - run + 1)))


def is_prose(text):
    """One to six sentences in at most three paragraphs, none of them a list."""
    lines = [line for line in text.splitlines() if line.strip()]
    listed = sum(bool(SIGN.match(line)) or not ends(line) for line in lines)
    return passes(listed + max(0, len(lines) - 3) + max(0, len(sentences(text)) - 6))


def plain_product(prompt, text):
    facts = Facts(prompt)
    return [
        ("length", 1, length(len(text.split()), 12, 90)),
        ("prose", 1, is_prose(text)),
        ("plain", 2, plain(facts, text)),
        ("product", 2, names_the_product(facts, text)),
        ("facts", 4, holds_the_facts(facts, text)),
        ("other numbers", 2, invents_no_numbers(facts.numbers, text)),
        ("units", 1, right_measures(facts, text)),
        ("other materials", 2, right_materials(facts, text)),
        ("opposite", 1, keeps_the_nots(facts, text)),
        ("other names", 1, invents_no_names(facts.words, text)),
        ("invented", 2, from_the_facts(facts, text)),
        ("facts twice", 1, says_facts_once(facts, text)),
        ("copied", 1, own_words(facts, text)),
        ("end", 1, ends(text)),
    ]


# The rule


OF_ANY_TEXT = [
    ("broken words", 1, whole_words),
    ("repeats", 1, says_once),
    ("placeholder", 2, filled_in),
    ("machine", 2, no_machine),
    ("talk", 1, nothing_around),
]
CHECKS = {"customer_reply": customer_reply, "three_bullets": three_bullets, "plain_product": plain_product}


def grades(workflow, prompt, text):
    """(check, weight, grade) of all checks."""
    return [(name, weight, check(text)) for name, weight, check in OF_ANY_TEXT] + CHECKS[workflow](prompt, text)


def failed(workflow, prompt, text):
    """Names of the checks that an answer does not pass; none where it is usable."""
    if not text.strip():
        return ["empty"]
    return [name for name, _, grade in grades(workflow, prompt, text) if grade < 1.0 - 1e-9]


def usable(workflow, prompt, text):
    return not failed(workflow, prompt, text)


def score(workflow, prompt, text):
    """0 to 10; 10 where all checks pass."""
    if not text.strip():
        return 0.0
    graded = grades(workflow, prompt, text)
    return round(10 * sum(weight * grade for _, weight, grade in graded) / sum(weight for _, weight, _ in graded), 4)


# The program


def read_gold(workflow):
    lines = (HERE / workflow / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    return [(line["prompt"], line["completion"]) for line in map(json.loads, lines)]


def readdressed(text, prompt, other):
    """A reply with another customer's name, so that the name alone does not give it away."""
    own, their = Letter(prompt), Letter(other)
    named = r"\b(?:%s|(?:Mrs? and )?(?:Mrs?|Ms) %s)s?\b" % (addressee(own), own.name.rstrip("s"))
    return re.sub(named, addressee(their), text, count=1)


def check(workflow):
    """Prints how the rule judges the gold answers, for their own prompts and for others; whether it may be used."""
    gold = read_gold(workflow)
    dice = random.Random(SEED)
    missed = [(text, failed(workflow, prompt, text)) for prompt, text in gold]
    missed = [(text, reasons) for text, reasons in missed if reasons]
    wrongly, given = [], 0
    for place, (_, text) in enumerate(gold):
        for other in dice.sample([index for index in range(len(gold)) if index != place], OTHERS):
            given += 1
            lent = readdressed(text, gold[place][0], gold[other][0]) if workflow == "customer_reply" else text
            if usable(workflow, gold[other][0], lent):
                wrongly.append((lent, gold[other][0]))
    good = 1 - len(missed) / len(gold)
    print(
        f"{workflow:15} gold answers usable {len(gold) - len(missed)} of {len(gold)} ({good:.1%}, at least 95 %), "
        f"given to another prompt {len(wrongly)} of {given} ({len(wrongly) / given:.1%}, at most 5 %)"
    )
    for text, reasons in missed:
        print(f"  not usable ({', '.join(reasons)}): {text!r}")
    for text, prompt in wrongly:
        print(f"  usable for another prompt: {text!r} for {material(prompt)!r}")
    return good >= 0.95 and len(wrongly) <= 0.05 * given


def judge(workflow, edit):
    """One line in, one line out, until the input ends."""
    for line in sys.stdin:
        if not line.strip():
            continue
        asked = json.loads(line)
        prompt, texts = asked["prompt"], [text_of(completion) for completion in asked["completions"]]
        reply = {
            "scores": [score(workflow, prompt, text) for text in texts],
            "usable": [usable(workflow, prompt, text) for text in texts],
        }
        if edit:
            # Only an edit needs it, and it needs this file.
            import mend

            mended = mend.edit(workflow, prompt, texts)
            reply.update({"edit": mended} if mended else {})
        print(json.dumps(reply, ensure_ascii=False), flush=True)


def text_of(completion):
    return completion["text"] if isinstance(completion, dict) else completion


def read_answers(file, field):
    """(prompt, answers) of each line; `field` names what holds the answer or the answers."""
    found = []
    for place, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        record = json.loads(line)
        held = [record[name] for name in ([field] if field else ["completions", "completion"]) if name in record]
        if "prompt" not in record or not held:
            sys.exit(f"{file}, line {place}: needs `prompt` and `{field or 'completion` or `completions'}`")
        answers = held[0] if isinstance(held[0], list) else [held[0]]
        found.append((record["prompt"], [text_of(answer) for answer in answers]))
    if not found:
        sys.exit(f"{file} has no answers")
    return found


def interval(counts, draws=2000):
    """95 % of the share by drawing prompts anew; `counts`: (usable, answers) of each prompt."""
    dice = random.Random(SEED)
    shares = []
    for _ in range(draws):
        drawn = dice.choices(counts, k=len(counts))
        shares.append(sum(good for good, _ in drawn) / sum(count for _, count in drawn))
    shares.sort()
    return shares[int(0.025 * draws)], shares[int(0.975 * draws) - 1]


def count_usable(file, workflow, field):
    """What `share` prints, as an object."""
    counts, reasons = {}, {}
    for prompt, answers in read_answers(file, field):
        key = json.dumps(prompt)
        good, count = counts.get(key, (0, 0))
        for text in answers:
            why = failed(workflow, prompt, text)
            good, count = good + (not why), count + 1
            for name in why:
                reasons[name] = reasons.get(name, 0) + 1
        if count:
            counts[key] = (good, count)
    if not counts:
        sys.exit(f"{file} has no answers")
    good, count = (sum(values) for values in zip(*counts.values()))
    low, high = interval(list(counts.values()))
    return {
        "workflow": workflow,
        "usable": good,
        "answers": count,
        "prompts": len(counts),
        "share": good / count,
        "low": low,
        "high": high,
        "failed": dict(sorted(reasons.items(), key=lambda item: -item[1])),
    }


def print_share(file, workflow, field, as_json):
    found = count_usable(file, workflow, field)
    if as_json:
        print(json.dumps(found))
        return
    print(
        f"usable {found['usable']} of {found['answers']}: {found['share']:.0%} "
        f"[{found['low']:.0%}, {found['high']:.0%}], {found['prompts']} prompts"
    )
    for name, times in found["failed"].items():
        print(f"  {name:18} failed {times}")


def main():
    parser = argparse.ArgumentParser(description="Is an answer usable as it stands?")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="test the rule on the gold answers")
    judging = commands.add_parser("judge", help="a program for --judge-command")
    judging.add_argument("workflow", choices=WORKFLOWS)
    judging.add_argument("--edit", action="store_true", help="mend the best completion where it is not usable")
    sharing = commands.add_parser("share", help="count the usable answers of a file")
    sharing.add_argument("file")
    sharing.add_argument("--workflow", choices=WORKFLOWS, required=True)
    sharing.add_argument("--field", help="what holds the answers; as a rule `completion` or `completions`")
    sharing.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "check":
        sys.exit(0 if all([check(workflow) for workflow in WORKFLOWS]) else 1)
    if arguments.command == "judge":
        judge(arguments.workflow, arguments.edit)
    else:
        print_share(arguments.file, arguments.workflow, arguments.field, arguments.json)


if __name__ == "__main__":
    main()
