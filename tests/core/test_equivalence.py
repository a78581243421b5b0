"""When two answers say the same, by a table of pairs that people would agree on."""

from __future__ import annotations

import pytest

from alen.core.equivalence import compare, equivalent, normalise, number_of, overlap

SAME = {
    "text": [
        ("The Normans", "normans"),
        ("Marta Hald.", "marta hald"),
        ("Café de Flore", "cafe de flore"),
        ("São Paulo", "Sao Paulo"),
        ("naïve", "naive"),
        ("rock-and-roll", "rock and roll"),
        ("AC/DC", "ac dc"),
        ("R&B", "R and B"),
        ("“Hey Jude”", "Hey Jude"),
        ("colour", "color"),
        ("the theatre", "theater"),
        ("organisation", "organization"),
        ("Paris?", "paris"),
        ("  Paris\n", "Paris"),
        ("", " "),
    ],
    "alias": [
        ("U.S.", "United States"),
        ("the USA", "the United States of America"),
        ("US", "U. S."),
        ("us", "USA"),
        ("UK", "the United Kingdom"),
        ("U.N.", "United Nations"),
        ("World War II", "the Second World War"),
        ("WWI", "First World War"),
        ("World War One", "World War 1"),
        ("NYC", "New York City"),
        ("Holland", "the Netherlands"),
        ("the EU", "European Union"),
        ("USSR", "Soviet Union"),
        ("TV", "television"),
        ("no one", "nobody"),
        ("none", "zero"),
        ("Mt. Everest", "Mount Everest"),
        ("St. Petersburg", "Saint Petersburg"),
        ("Intergovernmental Panel on Climate Change", "IPCC"),
        ("NATO", "North Atlantic Treaty Organization"),
    ],
    "plural": [
        ("steam engine", "steam engines"),
        ("the dog's", "dog"),
        ("churches", "church"),
        ("two cities", "2 city"),
    ],
    "number": [
        ("1,240 degrees", "1240 degrees"),
        ("four", "4"),
        ("42", "42 apples"),
        ("42 big apples", "42 apples"),
        ("3.0 kg", "3 kg"),
        ("twenty-one", "21"),
        ("two hundred and five", "205"),
        ("three million", "3,000,000"),
        ("3.5 million", "3500000"),
        ("two hundred thousand", "200,000"),
        ("1 234 567", "1,234,567"),
        ("1.234.567", "1234567"),
        ("1.234,5", "1,234.5"),
        ("1,5", "1.5"),
        ("one half", "0.5"),
        ("1/2", "0.5"),
        ("three quarters", "3/4"),
        ("two and a half", "2.5"),
        ("2 1/2", "2.5"),
        ("a dozen", "12"),
        ("a hundred", "100"),
        ("third", "3rd"),
        ("twenty-first", "21st"),
        ("-5", "minus five"),
        ("3e8", "300,000,000"),
        ("3 x 10^8", "3e8"),
        ("3 × 10⁸", "300000000"),
        ("6.02*10^23", "6.02e23"),
        ("about 70", "70"),
        ("approximately 1,500", "1500"),
        ("over 20 million", "20 million"),
        ("0.50", "0.5"),
        ("½", "0.5"),
        ("2½", "2.5"),
        ("$1.00", "1 dollar"),
    ],
    "percent": [
        ("50%", "50 percent"),
        ("50 per cent", "50%"),
        ("50%", "0.5"),
        ("about 12.5 %", "12.5 percent"),
        ("fifty percent", "50%"),
    ],
    "range": [
        ("3-4", "between 3 and 4"),
        ("3 to 4", "3–4"),
        ("from 3 to 4 metres", "3 - 4 m"),
        ("3 to 5 million", "3,000,000 - 5,000,000"),
        ("$3-$5", "3 to 5 dollars"),
    ],
    "currency": [
        ("$5", "5 dollars"),
        ("$3m", "3 million dollars"),
        ("€20", "20 euros"),
        ("£5", "5 pounds"),
        ("US$ 700", "$700"),
        ("$5", "5"),
    ],
    "unit": [
        ("1.5 km", "1500 m"),
        ("1.5km", "1,500 metres"),
        ("2 hours 30 minutes", "150 minutes"),
        ("5 feet 11 inches", "71 inches"),
        ("100 °C", "212 °F"),
        ("100 degrees Celsius", "100 °C"),
        ("5 km", "3.1 miles"),
        ("3 kg", "3"),
        ("one week", "7 days"),
        ("a kilo", "1000 g"),
        ("½ litre", "500 ml"),
        ("1,240 °C", "1240 degrees"),
        ("5 years", "5 years old"),
    ],
    "date": [
        ("14 October 1066", "October 14, 1066"),
        ("14 October 1066", "1066-10-14"),
        ("Oct. 14th, 1066", "the 14th of October 1066"),
        ("14/10/1966", "14 October 1966"),
        ("10/14/1966", "14 October 1966"),
        ("October 1066", "Oct 1066"),
        ("in 1066", "1066"),
        ("the year 1066", "1066"),
        ("1066 AD", "AD 1066"),
        ("10 BC", "10 B.C."),
        ("44 BCE", "44 BC"),
        ("5 May", "May 5th"),
        ("the 1960s", "1960s"),
        ("20th century", "the twentieth century"),
        ("10th and 11th centuries", "in the 10th and 11th centuries"),
        ("1914-1918", "1914 to 1918"),
        ("1914–18", "between 1914 and 1918"),
        ("Monday, 14 October 1966", "14 October 1966"),
        ("14.10.1966", "October 14 1966"),
    ],
    "yes or no": [
        ("Yes", "yes."),
        ("yes", "Yeah"),
        ("No, it is not.", "no"),
        ("true", "yes"),
        ("False", "no"),
        ("It is true", "True"),
        ("not true", "false"),
    ],
    "list": [
        ("Denmark, Iceland and Norway", "Norway, Denmark, and Iceland"),
        ("salt & pepper", "pepper and salt"),
    ],
    "name": [
        ("President Lincoln", "Lincoln"),
        ("Paris, France", "Paris"),
        ("Dr. Watson", "Watson"),
        ("Mr. Bean", "mr bean"),
        ("Sir Isaac Newton", "Isaac Newton"),
        ("J. R. R. Tolkien", "JRR Tolkien"),
        ("J.R.R. Tolkien", "J. R. R. Tolkien"),
        ("Henry VIII", "Henry the Eighth"),
        ("Elizabeth II", "Elizabeth the 2nd"),
        ("Martin Luther King, Jr.", "Martin Luther King Junior"),
        ("Beyoncé", "Beyonce"),
    ],
    "unicode": [
        ("４２", "42"),
        ("Pa\u200bris", "Paris"),
        ("\u200fParis\u200e", "Paris"),
        ("\ufeffParis", "Paris"),
        ("Раris", "Paris"),  # the first two letters are Cyrillic
        ("ﬁre", "fire"),
        ("Ｐａｒｉｓ", "Paris"),
        ("Pari\u0301s", "París"),
        ("soft\u00adware", "software"),
        ("12\u00a0April\u00a01979", "April 12, 1979"),
        ("−5", "-5"),
        ("O’Brien", "O'Brien"),
        ("Straße", "strasse"),
    ],
}

NOT_SAME = {
    "text": [
        ("", "a b"),
        ("?", "!"),
        ("C", "C++"),
        ("C#", "C"),
        ("vitamin A", "vitamin B"),
        ("A+", "A-"),
        ("the", "Paris"),
        ("red", "blue"),
        ("York", "New York"),
        ("Mars", "Venus"),
        ("Boléro", "Rome"),
    ],
    "number": [
        ("42", "43"),
        ("1,5", "15"),
        ("1,500", "1.500"),
        ("1.5", "15"),
        ("007", "7"),
        ("1.2.3", "1.2"),
        ("5", "-5"),
        ("3 million", "3 billion"),
        ("twenty-one", "twenty-two"),
        ("third", "fourth"),
        ("one third", "one quarter"),
        ("42 apples", "42 oranges"),
        ("over 50", "under 50"),
        ("more than half", "less than half"),
        ("Apollo 11", "Apollo 13"),
        ("Super Bowl XIV", "Super Bowl XV"),
        ("2010 World Series", "2012 World Series"),
        ("5th century", "5 centuries"),
        ("3e8", "3e9"),
        ("10²", "102"),
        ("2½", "21/2"),
    ],
    "percent": [("50%", "60%"), ("5%", "0.5"), ("50 percent", "50 people")],
    "range": [
        ("between 3 and 4", "3"),
        ("3-4", "3-5"),
        ("3 to 4", "4"),
        ("1914-1918", "1939-1945"),
    ],
    "currency": [("$5", "€5"), ("$5", "$50"), ("£5", "5 dollars"), ("$3m", "$3bn"), ("$5", "5 apples")],
    "unit": [
        ("3 kg", "3 miles"),
        ("1.5 km", "1.5 m"),
        ("5 minutes", "5 seconds"),
        ("100 °C", "100 °F"),
        ("5 square miles", "5 miles"),
        ("60 km", "60 km per hour"),
        ("5 km", "3.2 miles"),
    ],
    "date": [
        ("1066", "14 October 1066"),
        ("October 1066", "14 October 1066"),
        ("14 October", "14 October 1066"),
        ("14 October 1066", "15 October 1066"),
        ("October 1066", "November 1066"),
        ("10 BC", "10 AD"),
        ("1960s", "1960"),
        ("1960s", "1970s"),
        ("19th century", "1900s"),
        ("5th century BC", "5th century"),
        ("early 11th century", "11th century"),
        ("5 May", "6 May"),
        ("May", "it may"),
        ("May", "March"),
        ("1999", "2000"),
        ("31 February 2000", "28 February 2000"),
    ],
    "yes or no": [
        ("yes", "no"),
        ("true", "false"),
        ("No, it is not", "Yes, it is"),
        ("not true", "true"),
        ("No. 5", "no"),
    ],
    "negation": [
        ("not Paris", "Paris"),
        ("never", "always"),
        ("It is legal", "It is not legal"),
        ("It isn't safe", "It is safe"),
        ("self and non-self", "self and self"),
        ("legal", "illegal"),
    ],
    "opposite": [
        ("North Korea", "South Korea"),
        ("the Second World War", "the First World War"),
        ("World War I", "World War II"),
        ("left hand", "right hand"),
        ("the king of Spain", "the queen of Spain"),
        ("before the war", "after the war"),
        ("the upper house", "the lower house"),
    ],
    "name": [
        ("Marta Hald", "Marta"),
        ("John Adams", "Samuel Adams"),
        ("Emily Brontë", "Charlotte Brontë"),
        ("King George", "Prince George"),
        ("Henry VIII", "Henry VII"),
        ("Theresa May", "May 5"),
        ("Franklin Roosevelt", "Theodore Roosevelt"),
    ],
    "unicode": [
        ("４２", "43"),
        ("Pa\u200bris", "Rome"),
        ("Рим", "Pim"),
        ("日本", "中国"),
        ("नेपाल", "भारत"),
    ],
}

WITH_QUESTION = [
    ("Who developed relativity?", "Einstein", "Albert Einstein", True),
    ("Who developed relativity?", "A. Einstein", "Albert Einstein", True),
    ("Who was the president?", "Abe Lincoln", "Lincoln", True),
    ("Who was the president?", "Bill Clinton", "William Clinton", True),
    ("Who was the president?", "former President John F. Kennedy", "John Kennedy", True),
    ("Who sang it?", "Michael Jackson", "Janet Jackson", False),
    ("Who sang it?", "American singer Katy Perry", "Katy Perry", True),
    ("Who was the king?", "King George", "Prince George", False),
    ("Where is it?", "York", "New York", False),
    ("In what year was the battle?", "14 October 1066", "1066", True),
    ("In what year was the battle?", "14 October 1067", "1066", False),
    ("What century was it?", "1066", "11th century", True),
    ("When was the battle?", "14 October 1066", "1066", False),
    ("Which decade was it?", "1960s", "1965", True),
    ("How many apples are there?", "42", "42 apples", True),
    ("Is it legal?", "No, it is not legal", "No", True),
    ("Is it legal?", "Yes, it is", "No, it never was", False),
]

OPTIONS = ("ignore", "accept", "delay the vote")
WITH_OPTIONS = [
    ("B", "(B)", True),
    ("B", "accept", True),
    ("(a)", "A) ignore", True),
    ("a", "Ignore.", True),
    ("The answer is C", "delay the vote", True),
    ("C.", "c: delay", True),
    ("A", "B", False),
    ("ignore", "accept", False),
    ("A", "accept", False),
    ("Answer: (C)", "(A)", False),
    ("the votes were delayed", "A", False),
]


def _cases(table: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str, str]]:
    return [(kind, first, second) for kind, pairs in table.items() for first, second in pairs]


def test_the_table_is_large_enough() -> None:
    assert len(_cases(SAME)) + len(_cases(NOT_SAME)) >= 150


@pytest.mark.parametrize(("kind", "first", "second"), _cases(SAME))
def test_same(kind: str, first: str, second: str) -> None:
    assert equivalent(first, second), compare(first, second)
    assert equivalent(second, first)


@pytest.mark.parametrize(("kind", "first", "second"), _cases(NOT_SAME))
def test_not_same(kind: str, first: str, second: str) -> None:
    assert not equivalent(first, second), compare(first, second)
    assert not equivalent(second, first)


@pytest.mark.parametrize(("question", "first", "second", "same"), WITH_QUESTION)
def test_the_question_tells_what_is_meant(question: str, first: str, second: str, same: bool) -> None:
    found = compare(first, second, question=question)
    assert bool(found) is same, found
    assert equivalent(second, first, question=question) is same


@pytest.mark.parametrize(("first", "second", "same"), WITH_OPTIONS)
def test_options(first: str, second: str, same: bool) -> None:
    assert equivalent(first, second, options=OPTIONS) is same
    assert equivalent(second, first, options=OPTIONS) is same


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ("Paris", "paris", "text"),
        ("the U.S.", "United States", "words"),
        ("1.5 km", "1500 m", "quantity"),
        ("1066", "14 October 1066", "partial date"),
        ("1066", "1067", "date"),
        ("no", "yes", "yes or no"),
        ("North Korea", "South Korea", "opposite"),
        ("Paris", "not Paris", "negation"),
        ("Apollo 11", "Apollo 13", "number"),
        ("NATO", "North Atlantic Treaty Organization", "acronym"),
        ("the kiln at Halden", "a kiln in the town of Halden", "head"),
        ("", "Paris", "empty"),
    ],
)
def test_the_rule_that_decided_is_told(first: str, second: str, rule: str) -> None:
    assert compare(first, second).rule == rule


def test_a_date_that_says_less_is_neither_the_same_nor_a_contradiction() -> None:
    assert compare("1066", "14 October 1066").probability == 0.5
    assert compare("1067", "14 October 1066").probability == 0.0


def test_overlap_by_hand() -> None:
    # Two of three and two of two tokens shared: precision 2/3, recall 1, F1 0.8.
    assert overlap("big red kiln", "red kiln") == pytest.approx(0.8)
    assert overlap("red", "blue") == 0.0


def test_normalise() -> None:
    assert normalise("The  1,240-degree (hot) Kiln!") == "1240 degree hot kiln"


def test_number_of() -> None:
    assert number_of("1,240 degrees") == (1240, "degrees")
    assert number_of("degrees") is None
    assert number_of("9" * 5000) is None
