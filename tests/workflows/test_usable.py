"""The rule and the edits on answers that a small model writes: `python3 -m unittest discover tests/workflows`."""

import io
import json
import random
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import mend
import usable as rule

KETTLE = (
    "A customer writes:\n\nThe kettle I ordered last week arrived today with a crack along the handle. I can't use it like "
    "this and my mother's birthday is on Saturday. What can you do? Maria\n\nWrite our reply to this customer."
)
GOOD_REPLY = (
    "Dear Maria, we are sorry that your kettle came with a cracked handle. A new one leaves today and will be with you on "
    "Friday. You need not send the broken one back."
)
DOG = (
    "A customer writes:\n\nCan I bring my dog to the campsite in August? She is small and quiet. Regards, Ida\n\nWrite our "
    "reply to this customer."
)
CAKE = (
    "A customer writes:\n\nJust wanted to say that the lemon cake for our wedding was wonderful. All our guests asked where it "
    "came from. Thank you! Priya and Ben\n\nWrite our reply to this customer."
)
OVEN = (
    "Meeting notes:\n\nMonday stand-up, bakery\noven 2 still broken, repair man comes Wednesday 8 am\nLena takes over the rye "
    "until then\nflour price up 6 % from October, Jo asks second mill for an offer\n\nSummarize these notes in exactly three "
    "bullet points."
)
GOOD_BULLETS = (
    "- Oven 2 is broken; the repair man comes on Wednesday at 8 am.\n- Lena takes over the rye until then.\n- Flour costs 6 % "
    "more from October; Jo asks a second mill for an offer."
)
KNIFE = (
    "Product:\n\nBread knife, blade 21 cm, serrated, handle of ash wood, made in Solingen, not for the dishwasher\n\nWrite a "
    "short description of this product for our online shop."
)
GOOD_PRODUCT = (
    "A bread knife with a serrated blade of 21 cm and a handle of ash wood. It is made in Solingen. Please do not put it in "
    "the dishwasher."
)


class Words(unittest.TestCase):
    def test_numbers_in_any_spelling(self):
        self.assertEqual(
            rule.numbers("1,000 g, 34.90, ten, 16:00, 6:40, the 15th and 75cm"), "1000 34.9 10 16 6:40 15 75".split()
        )
        self.assertEqual(rule.numbers("screws M6 of class 7a for one"), [])
        self.assertIn("4", rule.known_numbers("at 16:00"))
        self.assertIn("19", rule.known_numbers("at 7 pm"))

    def test_stems(self):
        for words in ("charge charges charged charging", "stop stopped stopping", "party parties", "box boxes"):
            self.assertEqual(len(set(map(rule.stem, words.split()))), 1, words)

    def test_sentences(self):
        text = "Dear Mr. Bell, we pay 3.50. St. Mark's opens at 8 a.m. daily!\n\nBye"
        self.assertEqual(
            rule.sentences(text), ["Dear Mr. Bell, we pay 3.50.", "St. Mark's opens at 8 a.m. daily!", "Bye"]
        )
        self.assertEqual("".join(mend.pieces(text)), text)

    def test_a_prompt_may_be_a_chat(self):
        self.assertEqual(rule.material([{"role": "user", "content": KETTLE}]), rule.material(KETTLE))


class Replies(unittest.TestCase):
    def fails(self, prompt, text, *names):
        self.assertEqual(rule.failed("customer_reply", prompt, text), list(names), text)

    def test_good_ones_pass(self):
        self.fails(KETTLE, GOOD_REPLY)
        self.fails(DOG, "Hello Ida, yes, your dog is welcome all year. Please keep her on the lead.")
        self.fails(
            CAKE, "Dear Priya and Ben, thank you for your kind words about the cake. We wish you a happy marriage."
        )

    def test_each_fault_is_found(self):
        self.fails(KETTLE, "", "empty")
        self.fails(KETTLE, GOOD_REPLY.replace("Maria", "[Name]"), "placeholder", "greeting")
        self.fails(KETTLE, GOOD_REPLY.replace("Maria", "John"), "greeting")
        self.fails(KETTLE, GOOD_REPLY.replace("we are sorry", "we see"), "apology")
        self.fails(KETTLE, GOOD_REPLY + " As an AI language model, I cannot bring it.", "machine")
        self.fails(KETTLE, GOOD_REPLY + " A new one leaves today and will be with you on Friday.", "repeats")
        self.fails(KETTLE, GOOD_REPLY + " We hope that", "end")
        self.fails(KETTLE, GOOD_REPLY.replace("kettle", "ket\ufffdtle"), "broken words")
        self.fails(KETTLE, GOOD_REPLY + " Write to help@shop.com.", "contact")
        self.fails(KETTLE, GOOD_REPLY + " Your order 48213 is on its way.", "contact")
        self.fails(KETTLE, "Subject: your kettle\n\n" + GOOD_REPLY, "talk", "greeting")
        self.fails(KETTLE, GOOD_REPLY + " We are glad to hear that you like it.", "mood")
        self.fails(KETTLE, GOOD_REPLY + " I ordered it for my mother.", "voice")
        self.fails(KETTLE, GOOD_REPLY.replace("your kettle came", "you sent me a kettle"), "voice")
        self.fails(
            KETTLE, GOOD_REPLY + " We wish you a lovely wedding and a good trip with your brother.", "to the point"
        )
        self.fails(KETTLE, GOOD_REPLY + " I don't know what happened.", "answer")
        self.fails(KETTLE, GOOD_REPLY + " We have sent 14.99 back to you.", "contact")
        self.fails(KETTLE, GOOD_REPLY + " Please" + " call us at any time of day" * 30 + ".", "repeats", "length")

    def test_polite_words_alone_say_nothing(self):
        polite = "Dear Maria, we are sorry for the inconvenience. Thank you for your patience. We will help you soon."
        self.fails(KETTLE, polite, "matter", "answer")
        self.fails(DOG, "Dear Ida, thank you for your interest. We hope to hear from you soon.", "matter", "answer")

    def test_an_apology_without_cause_is_wrong(self):
        self.fails(DOG, "Dear Ida, we apologize for any inconvenience. Your dog may come to the campsite.", "apology")
        self.fails(DOG, "Dear Ida, sorry, dogs are not allowed on our campsite in August, as it is full.")
        self.fails(CAKE, "Dear Priya and Ben, thank you for writing. We are sorry about the lemon cake.", "apology")

    def test_letters_of_each_kind(self):
        letters = [rule.Letter(prompt) for prompt, _ in rule.read_gold("customer_reply")]
        # Read one by one.
        self.assertEqual(sum(letter.complains for letter in letters), 55)
        self.assertEqual(sum(letter.thanks for letter in letters), 11)
        self.assertEqual(rule.addressee(rule.Letter(CAKE)), "Priya and Ben")


class Bullets(unittest.TestCase):
    def fails(self, text, *names):
        self.assertEqual(rule.failed("three_bullets", OVEN, text), list(names), text)

    def test_good_ones_pass(self):
        self.fails(GOOD_BULLETS)
        self.fails(GOOD_BULLETS.replace("- ", "* "))
        # The notes themselves are no worse.
        self.fails("\n".join(f"- {line}" for line in rule.material(OVEN).splitlines()[1:]))

    def test_each_fault_is_found(self):
        self.fails("Here are the bullet points:\n" + GOOD_BULLETS, "talk", "three")
        self.fails(GOOD_BULLETS + "\n- The team met on Monday.\n- Monday was a bakery day.", "three")
        self.fails(GOOD_BULLETS.replace("- ", ""), "three", "length", "end")
        self.fails(GOOD_BULLETS.replace("6 %", "9 %"), "other numbers")
        self.fails(GOOD_BULLETS.replace("Lena", "Maria"), "other names")
        self.fails(GOOD_BULLETS.replace("Wednesday", "Friday"), "other names")
        self.fails(GOOD_BULLETS.replace("an offer.", "an offer and the"), "end")
        lines = GOOD_BULLETS.splitlines()
        self.assertIn("notes", rule.failed("three_bullets", OVEN, "\n".join([lines[0], lines[1], "- The bakery met."])))
        self.assertIn("repeats", rule.failed("three_bullets", OVEN, "\n".join([lines[0], lines[1], lines[1]])))
        invented = GOOD_BULLETS.replace("until then", "until then because several customers enjoyed her fresh sourdough loaves "
                                        "and wrote friendly reviews about quality, service, opening hours and parking")  # fmt: skip
        self.fails(invented, "invented")

    def test_a_name_stands_with_its_own_matter(self):
        mixed = GOOD_BULLETS.replace("Lena takes over the rye until then", "The rye is taken over until then").replace(
            "the repair man comes", "Lena comes"
        )
        self.assertIn("mixed up", rule.failed("three_bullets", OVEN, mixed))


class Products(unittest.TestCase):
    def fails(self, text, *names):
        self.assertEqual(rule.failed("plain_product", KNIFE, text), list(names), text)

    def test_good_ones_pass(self):
        self.fails(GOOD_PRODUCT)
        self.fails("This bread knife is made in Solingen. The serrated blade is 21 cm long and the handle is ash wood.")

    def test_each_fault_is_found(self):
        self.fails(GOOD_PRODUCT.replace("A bread", "The best bread"), "plain")
        self.fails(GOOD_PRODUCT.replace("A bread", "A stunning bread"), "plain")
        self.fails(GOOD_PRODUCT + " Order now!", "plain")
        self.fails(GOOD_PRODUCT.replace("21", "25"), "other numbers", "units")
        self.fails(GOOD_PRODUCT.replace("21 cm", "21 mm"), "units")
        self.fails(GOOD_PRODUCT.replace("of ash", "of oak"), "other materials")
        self.fails(GOOD_PRODUCT.replace("Solingen", "Germany"), "other names")
        self.fails(
            GOOD_PRODUCT.replace("Please do not put it in the dishwasher", "It can go in the dishwasher"), "opposite"
        )
        self.fails("A bread knife for your kitchen, which cuts bread and rolls. Its blade is 21 cm.", "facts")
        self.fails(GOOD_PRODUCT + " Slice crusty loaves, ripe tomatoes, roast meat, soft cakes and fresh pineapples like a proud chef "
                   "every morning while friends gather around your table and talk.", "invented")  # fmt: skip
        self.fails("- Bread knife\n- Blade 21 cm, serrated\n- Handle of ash wood\n- Made in Solingen", "prose", "end")


class Edits(unittest.TestCase):
    def mends(self, workflow, prompt, text, wanted):
        self.assertEqual(mend.mended(workflow, prompt, text), wanted)

    def test_replies(self):
        mends = lambda prompt, text, wanted: self.mends("customer_reply", prompt, text, wanted)
        body = "I am sorry that your kettle has a crack. We will send you a new one today."
        mends(KETTLE, f"Dear [Customer Name],\n\n{body}\n\nBest regards,\n[Your Name]", f"Dear Maria,\n\n{body}")
        mends(
            KETTLE,
            f"Dear Maria, {body} Please send your order to 12 Main Street, [City]. We hope",
            f"Dear Maria, {body}",
        )
        mends(
            KETTLE,
            "Dear Maria, thank you for your message. We will send you another kettle with a new handle today. You need not send "
            "us the old one, so please keep it or throw it away.",
            "Dear Maria, I am sorry that the kettle you ordered last week arrived today with a crack along the handle. Thank you "
            "for your message. We will send you another kettle with a new handle today. You need not send us the old one, so "
            "please keep it or throw it away.",
        )
        mends(
            DOG,
            "Dear Ida, thank you for your message. We look forward to seeing you here again soon.",
            "Dear Ida, yes, you can bring your dog to the campsite in August. Thank you for your message. We look forward to "
            "seeing you here again soon.",
        )

    def test_bullets(self):
        mends = lambda text, wanted: self.mends("three_bullets", OVEN, text, wanted)
        mends("Here are the three bullet points:\n\n" + GOOD_BULLETS, GOOD_BULLETS)
        mends(GOOD_BULLETS + "\n- The meeting was on Monday.", GOOD_BULLETS)
        mends(GOOD_BULLETS.replace("6 %", "10 %"), GOOD_BULLETS)
        mends(GOOD_BULLETS.replace("Lena", "Maria"), GOOD_BULLETS)
        mends(GOOD_BULLETS.replace("- ", "").replace("\n", " "), GOOD_BULLETS)
        two = "\n".join(GOOD_BULLETS.splitlines()[::2])
        mends(two, GOOD_BULLETS)

    def test_products(self):
        mends = lambda text, wanted: self.mends("plain_product", KNIFE, text, wanted)
        mends("Introducing our new knife! " + GOOD_PRODUCT + " It is perfect for any kitchen.", GOOD_PRODUCT)
        mends(GOOD_PRODUCT.replace("A bread", "A stunning bread"), GOOD_PRODUCT)
        mends(GOOD_PRODUCT.replace("21", "25"), GOOD_PRODUCT)
        mends(GOOD_PRODUCT.replace("of ash", "of oak"), GOOD_PRODUCT)
        mends("This bread knife cuts your bread.", None)
        mends(
            "This bread knife has a blade of 21 cm and a handle of ash wood.",
            "This bread knife has a blade of 21 cm and a handle of ash wood. It is serrated.",
        )

    def test_what_is_past_help_or_usable_has_no_edit(self):
        self.assertIsNone(mend.edit("customer_reply", KETTLE, ["The sun is a star. It shines on all of us every day."]))
        self.assertIsNone(mend.edit("customer_reply", KETTLE, ["no", GOOD_REPLY]))
        self.assertIsNone(mend.edit("customer_reply", KETTLE, [""]))
        self.assertIsNone(mend.edit("customer_reply", KETTLE, []))

    def test_the_best_is_mended_and_no_twin_made(self):
        best = GOOD_BULLETS + "\n- The meeting was on Monday."
        self.assertEqual(mend.edit("three_bullets", OVEN, ["The bakery.", best]), {"of": 1, "text": GOOD_BULLETS})
        self.assertNotIn(mend.mended("three_bullets", OVEN, best, {GOOD_BULLETS}), (GOOD_BULLETS,))

    def test_spoilt_answers_are_mended_within_the_limit(self):
        dice = random.Random(3)
        for workflow in rule.WORKFLOWS:
            found = 0
            gold = rule.read_gold(workflow)
            for prompt, text in gold:
                words = text.split(" ")
                del words[dice.randrange(len(words) // 2, len(words)) :]
                spoilt = " ".join(words) + " [Name] [Name] and the"
                edit = mend.edit(workflow, prompt, [spoilt])
                self.assertEqual(edit, mend.edit(workflow, prompt, [spoilt]))
                if edit:
                    found += 1
                    self.assertTrue(rule.usable(workflow, prompt, edit["text"]))
                    self.assertLessEqual(mend.changed(spoilt, edit["text"]), 0.5)
            self.assertGreater(found, len(gold) / 2, workflow)

    def test_share_of_words_that_changed(self):
        self.assertEqual(mend.changed("a b c d", "a b c d"), 0)
        self.assertEqual(mend.changed("a b c d", "a x c d"), 0.25)
        self.assertEqual(mend.changed("a b", "a b c d"), 0.5)
        self.assertEqual(mend.changed("a b c d", "a b"), 0.5)


class Program(unittest.TestCase):
    def test_judges_line_by_line(self):
        line = {"id": "1", "prompt": KETTLE, "completions": [GOOD_REPLY.replace("Dear Maria, we", "We"), "No."]}
        command = [sys.executable, str(rule.HERE / "usable.py"), "judge", "customer_reply"]
        for flags, keys in ([], ["scores", "usable"]), (["--edit"], ["scores", "usable", "edit"]):
            with subprocess.Popen(command + flags, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
                for _ in range(2):
                    program.stdin.write(json.dumps(line) + "\n")
                    program.stdin.flush()
                    # Would wait for ever if the reply were not flushed.
                    reply = json.loads(program.stdout.readline())
                    self.assertEqual(list(reply), keys)
                    self.assertEqual(reply["usable"], [False, False])
                    self.assertGreater(reply["scores"][0], reply["scores"][1])
                program.stdin.close()
        self.assertEqual(reply["edit"], {"of": 0, "text": GOOD_REPLY})

    def test_counts_the_usable(self):
        lines = [
            {"prompt": KETTLE, "completions": [{"text": GOOD_REPLY}, {"text": "Hello."}]},
            {"prompt": DOG, "completion": "Dear Ida, yes, your dog is welcome at the campsite."},
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "answers.jsonl"
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
            found = rule.count_usable(file, "customer_reply", None)
            self.assertEqual((found["usable"], found["answers"], found["prompts"]), (2, 3, 2))
            self.assertLessEqual(found["low"], found["share"])
            with redirect_stdout(io.StringIO()) as printed:
                rule.print_share(file, "customer_reply", None, False)
            self.assertIn("usable 2 of 3: 67%", printed.getvalue())

    def test_the_rule_holds_on_the_gold_answers(self):
        with redirect_stdout(io.StringIO()):
            self.assertEqual([rule.check(workflow) for workflow in rule.WORKFLOWS], [True] * 3)


if __name__ == "__main__":
    unittest.main()
