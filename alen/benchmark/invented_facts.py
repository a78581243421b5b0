"""Facts of an invented world, which no model can know: each with its question, two others that ask the same, and an
answer. Learning is measured on them; the other questions are never learnt from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    question: str
    answer: str
    others: tuple[str, ...]


_KINDS: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    (
        "What is the capital of {e}?",
        ("Which city is {e}'s seat of government?", "From which city is {e} governed?"),
        (("Velmoria", "Tarn Hollow"), ("the Ostrel Republic", "Quillhaven")),
    ),
    (
        "Who founded the {e}?",
        ("Whose idea was it to set up the {e}?", "The {e} was started by which person?"),
        (("Brackwater Observatory", "Ilse Tornquist"), ("Penhallow Ferry Company", "Mattias Oduya")),
    ),
    (
        "In what year did the {e} open?",
        ("When did the {e} first welcome the public?", "The {e} has been open since when?"),
        (("Corrigan Tramway", "1907"), ("Saltmarsh Aquarium", "1988")),
    ),
    (
        "How tall is {e}?",
        ("What height does {e} reach?", "How many metres high is {e}?"),
        (("the Wendel Tower", "214 metres"), ("Mount Askar", "3,871 metres")),
    ),
    (
        "What does the company {e} make?",
        ("Which product comes from the company {e}?", "{e} is a manufacturer of what?"),
        (("Larkspur and Dane", "glass harmonicas"), ("Tolverne Works", "snow ploughs")),
    ),
    (
        "Who wrote the novel {e}?",
        ("Name the author of the novel {e}.", "By whom was the book {e} written?"),
        (("The Copper Orchard", "Renata Vilks"), ("Nine Quiet Rivers", "Josef Amarante")),
    ),
    (
        "What colour is the flag of {e}?",
        ("Which colours are flown by {e}?", "Describe the flag of {e} by its colours."),
        (("Isle Morrow", "green and silver"), ("Northgate Province", "orange and black")),
    ),
    (
        "Which river flows through {e}?",
        ("On which river does {e} lie?", "What is the name of the water that runs through {e}?"),
        (("Dunmere", "the Ashlin"), ("Port Calder", "the Vesk")),
    ),
    (
        "What is the melting point of {e}?",
        ("At what temperature does {e} turn liquid?", "How hot must {e} get before it melts?"),
        (("corvanite", "642 degrees Celsius"), ("thallowax", "57 degrees Celsius")),
    ),
    (
        "What does Dr. {e} study?",
        ("Which field does Dr. {e} work in?", "What is the research of Dr. {e} about?"),
        (("Amina Holt", "migrating moths"), ("Pavel Strand", "frozen lakes")),
    ),
    (
        "How many strings does a {e} have?",
        ("Count the strings of a {e}.", "A {e} is strung with how many strings?"),
        (("merrolin", "eleven"), ("dovetail lute", "seven")),
    ),
    (
        "What is the password of the {e}?",
        ("Which word opens the {e}?", "What must I say to get into the {e}?"),
        (("harbour archive", "lanternfish"), ("boiler room", "marmalade")),
    ),
    (
        "On which day does the {e} take place?",
        ("When in the week is the {e} held?", "The {e} happens on what weekday?"),
        (("Kestrel Market", "Thursday"), ("Old Mill Auction", "Monday")),
    ),
    (
        "What is {e}'s favourite food?",
        ("What does {e} like to eat most?", "Which dish does {e} prefer to all others?"),
        (("Captain Brandis", "pickled plums"), ("Aunt Oriel", "barley dumplings")),
    ),
    (
        "Where was {e} born?",
        ("What is the birthplace of {e}?", "{e} came into the world in which place?"),
        (("Lucan Westerby", "Harrowgate Bay"), ("Signe Malvoren", "Upper Fenwick")),
    ),
    (
        "Which language is spoken in {e}?",
        ("What do the people of {e} speak?", "Name the tongue of {e}."),
        (("the Hask Valley", "Lumeric"), ("Torvik", "Old Sennish")),
    ),
    (
        "What is the main ingredient of {e}?",
        ("What is {e} mostly made from?", "Which ingredient matters most in {e}?"),
        (("Yarrow stew", "chestnuts"), ("brindle bread", "rye and honey")),
    ),
    (
        "How long is the {e}?",
        ("What distance does the {e} cover?", "From end to end, the {e} measures how much?"),
        (("Gannet Trail", "86 kilometres"), ("Silver Causeway", "12 kilometres")),
    ),
    (
        "Who is the mayor of {e}?",
        ("Which person runs {e} as its mayor?", "The mayor of {e} is called what?"),
        (("Lower Brevin", "Hedda Quist"), ("Stannard", "Tomas Ilverton")),
    ),
    (
        "What animal is on the coat of arms of {e}?",
        ("Which creature do the arms of {e} show?", "The arms of {e} carry what animal?"),
        (("Castle Tremont", "an otter"), ("the Guild of Dyers", "a heron")),
    ),
    (
        "What does the word {e} mean?",
        ("Explain the word {e}.", "How would you translate the word {e}?"),
        (("quenlo", "morning mist"), ("ostramine", "a debt repaid twice")),
    ),
    (
        "Which team won the {e}?",
        ("Who took the title at the {e}?", "The {e} was won by whom?"),
        (("Ferrant Cup of 2019", "the Dunlow Rovers"), ("Harvest Regatta of 2003", "the Sable Oars")),
    ),
    (
        "What time does the {e} close?",
        ("Until when can I visit the {e}?", "At which hour are the doors of the {e} shut?"),
        (("Whitlock Library", "half past seven"), ("Juniper Baths", "nine in the evening")),
    ),
    (
        "What is stored in {e}?",
        ("What would I find in {e}?", "What is kept inside {e}?"),
        (("warehouse 14 of Calloway", "ship bells"), ("the blue cellar", "cheese wheels")),
    ),
    (
        "Who painted {e}?",
        ("Which artist made {e}?", "{e} is the work of which painter?"),
        (("The Sleeping Cartographer", "Odile Marchetti"), ("Winter at Sorrel Bridge", "Anselm Groot")),
    ),
)

FACTS = tuple(
    Fact(question.format(e=entity), answer, tuple(other.format(e=entity) for other in others))
    for question, others, pairs in _KINDS
    for entity, answer in pairs
)
