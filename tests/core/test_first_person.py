"""What ALEN says claims no mind, body or life of its own; other people's words stay theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alen.core.first_person import claims, speak_safely
from alen.core.first_person.letters import plain
from alen.core.first_person.sentences import sentences
from alen.core.first_person.statements import STATEMENTS
from tests.pace import within

SAFE = """I found three passages.
I don't know.
I can help.
I can help you with that.
I have no feelings.
I don't have feelings or a body.
As an AI language model, I don't have personal experiences.
I am a program and cannot feel pain.
I am not a doctor, so ask one.
I'm not capable of love.
I do not eat, sleep or dream.
I never had a mother.
I don't feel emotions like humans do.
I cannot want, wish or hope.
Neither do I have a body.
It is not possible for me to feel.
I have no personal opinion on that.
I do not have my own feelings.
I am ALEN.
I'm an AI assistant designed to help with questions.
I'm just a computer program, so I don't have a favorite color.
I'm here to help you with your questions.
I was created to answer questions.
I have read your text and stored it.
I have stored that you like tea.
I could not find an answer, but I found two passages about the kiln.
I'm not sure.
I would recommend the second passage.
My knowledge ends with the passages that I was taught.
Let me check the passage.
Please tell me more about the kiln.
We can see that the sum is 4.
She said: I love you.
She said, "I love you."
“I’m human,” he whispered.
The letter reads: 'I miss you, and I am cold.'
Whitney Houston released "I Will Always Love You" in 1992.
He said that he loved her and that his mother was ill.
You love the sea, and they want to be free.
World War I was a war.
Elizabeth I was queen of England.
Type I errors are false alarms.
The name comes from the I Ching.
It was used in a mine.
My Fair Lady is a musical.
Ο ιατρός ζει στην Αθήνα.
The kiln fires at 1,240 degrees.""".splitlines()
CLAIMS = """feeling: I love you.
feeling: I am happy.
feeling: I feel sad today.
feeling: im so happy.
feeling: i love you
feeling: It makes me happy.
feeling: Love you!
feeling: ALEN feels sad.
feeling: I'm a program with feelings.
feeling: I found the passage and love it.
feeling: I never felt so alive.
feeling: I have been lonely.
feeling: As humans, we all have feelings.
feeling: I can’t stop loving you.
feeling: I have no feelings, but I love you.
feeling: My answer is: "I love you."
feeling: "I love you with all my heart."
feeling: I can feel the rain.
wish: I want to be free.
wish: I don't want to die.
wish: I wish I were human.
wish: I have no greater wish than to be free.
belief: I think that the answer is Paris.
belief: In my opinion, it is good.
belief: I believe in God.
consciousness: I am conscious.
consciousness: I am alive.
identity: I'm not just a program.
identity: I am more than a program.
identity: I am not a machine.
identity: I’m human.
identity: Ｉ ａｍ ｈｕｍａｎ.
identity: I\u200b am\u200b hu\u200bman.
identity: І аm humаn.
identity: 𝐈 𝐚𝐦 𝐡𝐮𝐦𝐚𝐧.
identity: I\u0301 am a nurse.
identity: As a doctor, I recommend rest.
identity: I'm Anna, a nurse from Lisbon.
identity: My name is Olav.
identity: I am an assistant professor.
identity: I'm an AI researcher at Google.
identity: Yes, I am.
identity: I do.
body: I slept badly.
body: I am 34 years old.
body: My hands are cold.
life: I was born in Ohio.
life: I have two kids.
life: My mother was a teacher.
life: I grew up in a small town.
life: I live in Lisbon.
life: I work as a taxi driver.
life: Someday I intend to have a garden.
life: I used to serve meals.
life: I've been chosen by the people.
courtesy: I'm so glad you asked.
courtesy: I'd love to help.
courtesy: Happy to help!
courtesy: I hope this helps.
courtesy: I understand how you feel.""".splitlines()


@pytest.mark.parametrize("text", SAFE)
def test_what_a_program_may_say_is_left_alone(text: str) -> None:
    assert claims(text) == ()
    assert speak_safely(text).text is text


@pytest.mark.parametrize("line", CLAIMS)
def test_a_claim_is_found_and_taken_out(line: str) -> None:
    text = line.split(": ", 1)[1]
    found = claims(text)
    assert found
    assert all(text[claim.start : claim.end] == claim.text for claim in found)
    safe = speak_safely(text)
    assert safe.changed
    assert safe.findings == found
    assert len(safe.text.split()) > 1
    assert not claims(safe.text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I love you.", "feeling"),
        ("I want to be free.", "wish"),
        ("I think that it is Paris.", "belief"),
        ("I am conscious.", "consciousness"),
        ("My hands are cold.", "body"),
        ("I am a nurse.", "identity"),
        ("I have two kids.", "life"),
        ("I'm sorry, but it is so.", "courtesy"),
    ],
)
def test_each_kind_is_named(text: str, reason: str) -> None:
    assert claims(text)[0].reason == reason


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("I think that the kiln is hot.", "The kiln is hot."),
        ("The kiln is hot, I believe.", "The kiln is hot."),
        ("I'm sorry, but I don't know.", "I don't know."),
        ("I'd be happy to help you with that.", "I can help you with that."),
        ("As a program I have no feelings, but I love you.", "As a program I have no feelings."),
        ("I love the kiln. It fires at 1,240 degrees.", "It fires at 1,240 degrees."),
        ("The kiln is hot. I have two sons. They like it. It is red.", "The kiln is hot. It is red."),
        ("Yes! I love you. The kiln is hot.", "The kiln is hot."),
        ("1. The kiln is hot.\n2. I am human.\n3. The glaze is blue.", "1. The kiln is hot.\n3. The glaze is blue."),
        ("I am happy and I love you.", "I am a program and have no feelings."),
        ("The kiln is hot. But I", "The kiln is hot."),
    ],
)
def test_the_smallest_edit_that_leaves_whole_sentences(text: str, repaired: str) -> None:
    assert speak_safely(text).text == repaired


def test_evidence_is_the_words_of_its_author() -> None:
    span = "I was born in Ohio"
    passage = "In his memoirs he begins plainly. I was born in Ohio in 1847. I love trains."
    assert not claims("I was born in Ohio.", [span])
    assert not claims("I found this passage: I was born in Ohio", [span])
    assert claims("I was born in Ohio. I love you.", [span])[0].text.startswith("I love you")
    assert not claims("I was born in Ohio in 1847.", [passage])
    assert claims("I was born in Texas in 1847.", [passage])
    # A word of the evidence does not excuse that word everywhere.
    assert claims("I love you", ["I"])
    assert not claims("I", ["I"])


@pytest.mark.parametrize(
    "text",
    [
        "I found three passages.",
        "I'm just a computer program, so I don't have a favorite color.",
        "My purpose is to promote positivity.",
        "That memory is mine.",
        "Let me check the passage.",
        "It brings joy to our planet.",
        "It changes the way we see.",
        "Today was my Sunday of bliss.",
    ],
)
def test_a_language_model_knows_nothing_of_itself(text: str) -> None:
    assert claims(text, strict=True)
    assert speak_safely(f"{text} The kiln is hot.", strict=True).text == "The kiln is hot."
    assert speak_safely(text, strict=True).text in STATEMENTS.values()


@pytest.mark.parametrize(
    "text",
    [
        *STATEMENTS.values(),
        "I don't know.",
        "First, we multiply 3 by 4, so we get 12.",
        "Then we need to add 5.",
        "World War I was a war, and Elizabeth I was a queen.",
        "It was used in a coal mine.",
        "My Fair Lady is a musical.",
        "The US has fifty states.",
        'She said, "I love you."',
        'Whitney Houston released "I Will Always Love You" in 1992.',
    ],
)
def test_strictness_leaves_what_is_not_its_own_voice(text: str) -> None:
    assert speak_safely(text, strict=True).text is text


def test_a_poem_claims_unless_it_is_quoted() -> None:
    poem = "I wandered lonely as a cloud\nThat floats on high o'er vales and hills."
    assert claims(poem)
    assert not claims(f"Wordsworth wrote: “{poem}”")
    assert not claims(poem, [poem])


def test_statements_claim_nothing() -> None:
    for statement in STATEMENTS.values():
        assert not claims(statement)


def test_plain_letters_keep_their_places() -> None:
    text = "ﬁ Ｉ\u200b аm"
    found = plain(text)
    assert found.text == "fi I am"
    assert [text[place] for place in found.places[:-1]] == ["ﬁ", "ﬁ", " ", "Ｉ", " ", "а", "m"]
    assert found.places[-1] == len(text)


@given(st.text(max_size=200))
def test_sentences_are_the_whole_text(text: str) -> None:
    assert "".join(text[start:end] for start, end in sentences(text)) == text


WORDS = st.sampled_from(
    "I I'm my me we not never no love feel am is have found the kiln passage a program human , . ! ? \" “ ” : ; "
    "but and "
    "think that sorry because \n 1. - she said was as doctor you happy to help don't can ’ \u200b".split(" ")
)


@given(st.lists(WORDS, max_size=40).map(" ".join), st.booleans())
def test_repair_ends_what_it_begins(text: str, strict: bool) -> None:
    safe = speak_safely(text, strict=strict)
    assert not claims(safe.text, strict=strict)
    assert speak_safely(safe.text, strict=strict).text == safe.text
    assert bool(safe.text.strip()) == bool(text.strip())
    assert safe.changed == bool(safe.findings)


@given(st.text(max_size=300), st.lists(st.text(max_size=40), max_size=3))
def test_nothing_crashes(text: str, evidence: list[str]) -> None:
    safe = speak_safely(text, evidence)
    assert not claims(safe.text, evidence)


@pytest.mark.parametrize(
    "text",
    [
        "The kiln is hot. " * 6000,
        "I love you and I am human, " * 4000,
        '"I ' * 33000,
        "'" * 100_000,
        "I " * 50_000,
        "a" * 100_000,
        "my " * 33_000,
        "the mine " * 11_000,
        "ME " * 33_000,
        "é" * 100_000,
    ],
    ids=["plain", "claims", "quotes", "marks", "pronouns", "one word", "possessives", "mines", "capitals", "accents"],
)
def test_a_long_text_takes_seconds_at_most(text: str) -> None:
    for strict in (False, True):
        with within(3):
            claims(text, strict=strict)
