"""Arithmetic made by rule, with exact answers: ten kinds of problems in six wordings each, as hard as is asked for."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alen.benchmark.tasks.item import Row

PER_TEMPLATE = 60
SEED = 8

Numbers = dict[str, int]
Draw = Callable[[random.Random, int], Numbers]


@dataclass(frozen=True, slots=True)
class Kind:
    """``draw`` makes the numbers of one problem, the answer among them as ``is``; ``most`` bounds what it draws,
    and ``worked`` is how an example shows the way."""

    name: str
    most: int
    draw: Draw
    worked: str
    wordings: tuple[str, ...]


def _sum(random: random.Random, most: int) -> Numbers:
    a, b = random.randint(most // 10, most), random.randint(most // 10, most)
    return {"a": a, "b": b, "is": a + b}


def _difference(random: random.Random, most: int) -> Numbers:
    a, b = sorted(random.sample(range(most // 10, most), 2), reverse=True)
    return {"a": a, "b": b, "is": a - b}


def _product(random: random.Random, most: int) -> Numbers:
    a, b = random.randint(2, most), random.randint(2, 9)
    return {"a": a, "b": b, "is": a * b}


def _quotient(random: random.Random, most: int) -> Numbers:
    b, each = random.randint(2, 9), random.randint(2, most)
    return {"a": b * each, "b": b, "is": each}


def _three(random: random.Random, most: int) -> Numbers:
    a, b, c = (random.randint(1, most) for _ in range(3))
    return {"a": a, "b": b, "c": c, "first": a + b, "is": a + b + c}


def _gain_and_loss(random: random.Random, most: int) -> Numbers:
    a, b = random.randint(2, most), random.randint(1, most)
    c = random.randint(1, a + b - 1)
    return {"a": a, "b": b, "c": c, "first": a + b, "is": a + b - c}


def _groups_and_more(random: random.Random, most: int) -> Numbers:
    a, b, c = random.randint(2, 9), random.randint(2, most), random.randint(1, most)
    return {"a": a, "b": b, "c": c, "first": a * b, "is": a * b + c}


def _compare(random: random.Random, most: int) -> Numbers:
    a, b, c = random.sample(range(most // 10, most), 3)
    return {"a": a, "b": b, "c": c, "is": max(a, b, c)}


def _sequence(random: random.Random, most: int) -> Numbers:
    start, step = random.randint(1, most), random.choice((1, 2, 5, 10))
    terms = {name: start + step * place for place, name in enumerate("abcd")}
    return terms | {"is": start + 4 * step}


def _double(random: random.Random, most: int) -> Numbers:
    a, b = random.randint(2, most), random.randint(2, most)
    return {"a": a, "b": b, "first": 2 * a, "is": 2 * a + b}


KINDS = (
    Kind(
        "sum",
        60,
        _sum,
        "{a} + {b} = {is}",
        (
            "What is {a} + {b}?",
            "Add {a} and {b}.",
            "Work out the sum of {a} and {b}.",
            "A train carries {a} people and a bus carries {b}. How many people is that?",
            "The library bought {a} books last year and {b} books this year. How many books did it buy?",
            "One field has {a} trees and the next has {b} trees. How many trees are there in both?",
        ),
    ),
    Kind(
        "difference",
        30,
        _difference,
        "{a} - {b} = {is}",
        (
            "What is {a} - {b}?",
            "Subtract {b} from {a}.",
            "How much larger is {a} than {b}?",
            "A shop had {a} lamps and sold {b}. How many lamps are left?",
            "Of {a} pages, {b} have been read. How many pages are still to be read?",
            "A rope of {a} metres is cut by {b} metres. How many metres remain?",
        ),
    ),
    Kind(
        "product",
        30,
        _product,
        "{a} * {b} = {is}",
        (
            "What is {a} times {b}?",
            "Multiply {a} by {b}.",
            "{a} x {b} =",
            "There are {b} boxes with {a} pens each. How many pens are there?",
            "A ticket costs {a} dollars. What do {b} tickets cost, in dollars?",
            "A machine makes {a} parts an hour. How many parts does it make in {b} hours?",
        ),
    ),
    Kind(
        "quotient",
        9,
        _quotient,
        "{a} / {b} = {is}",
        (
            "What is {a} divided by {b}?",
            "Divide {a} by {b}.",
            "How many times does {b} go into {a}?",
            "{a} sweets are shared equally by {b} children. How many sweets does each get?",
            "{a} eggs are packed in boxes of {b}. How many boxes are filled?",
            "A path of {a} metres is walked in {b} equal parts. How many metres long is a part?",
        ),
    ),
    Kind(
        "three",
        9,
        _three,
        "{a} + {b} = {first}, {first} + {c} = {is}",
        (
            "What is {a} + {b} + {c}?",
            "Add up {a}, {b} and {c}.",
            "Find the total of {a}, {b} and {c}.",
            "There are {a} red, {b} blue and {c} green marbles. How many marbles are there?",
            "Monday brought {a} letters, Tuesday {b} and Wednesday {c}. How many letters came?",
            "A farm has {a} cows, {b} goats and {c} hens. How many animals has it?",
        ),
    ),
    Kind(
        "gain and loss",
        9,
        _gain_and_loss,
        "{a} + {b} = {first}, {first} - {c} = {is}",
        (
            "What is {a} + {b} - {c}?",
            "Start with {a}, add {b} and take away {c}. What is left?",
            "A bus has {a} passengers. {b} get on and {c} get off. How many are on the bus?",
            "Nora had {a} coins, found {b} more and spent {c}. How many coins has she now?",
            "A tank held {a} litres. {b} litres were added and {c} litres used. How many litres are in it?",
            "There were {a} birds on a roof. {b} came and {c} flew away. How many birds are there now?",
        ),
    ),
    Kind(
        "groups and more",
        5,
        _groups_and_more,
        "{a} * {b} = {first}, {first} + {c} = {is}",
        (
            "What is {a} x {b} + {c}?",
            "Multiply {a} by {b}, then add {c}.",
            "There are {a} bags with {b} apples each, and {c} loose apples. How many apples are there?",
            "A meal costs {b} dollars. What do {a} meals and a tip of {c} dollars cost, in dollars?",
            "A runner does {a} laps of {b} kilometres and then {c} kilometres more. How many kilometres is that?",
            "{a} tables have {b} seats each, and {c} more seats stand by the wall. How many seats are there?",
        ),
    ),
    Kind(
        "compare",
        99,
        _compare,
        "{is}",
        (
            "Which is the largest: {a}, {b} or {c}?",
            "Name the greatest of {a}, {b} and {c}.",
            "Of the numbers {a}, {b} and {c}, which one is the biggest?",
            "Three towers are {a}, {b} and {c} feet high. How high is the highest, in feet?",
            "Three parcels weigh {a}, {b} and {c} grams. What does the heaviest weigh, in grams?",
            "Three teams scored {a}, {b} and {c} points. How many points has the winner?",
        ),
    ),
    Kind(
        "sequence",
        40,
        _sequence,
        "{is}",
        (
            "What comes next: {a}, {b}, {c}, {d}?",
            "Continue the sequence {a}, {b}, {c}, {d} by one number.",
            "{a}, {b}, {c}, {d}, ... Which number follows?",
            "A clock is wound at minutes {a}, {b}, {c} and {d}. At which minute is it wound next?",
            "The rows of a theatre have {a}, {b}, {c} and {d} seats. How many seats has the next row?",
            "A plant was {a}, {b}, {c} and {d} centimetres high in four weeks. How high is it in the fifth?",
        ),
    ),
    Kind(
        "double",
        9,
        _double,
        "2 * {a} = {first}, {first} + {b} = {is}",
        (
            "What is twice {a} plus {b}?",
            "Double {a} and add {b}.",
            "Two times {a}, and {b} more: how much is that?",
            "Ana has {a} cards. Ben has twice as many and {b} more. How many cards has Ben?",
            "A cup holds {a} spoons of water. How many spoons are two cups and {b} spoons?",
            "A child is {a} years old, and its uncle is {b} years older than twice that. How old is the uncle?",
        ),
    ),
)


def rows(folder: Path | None = None, per_template: int = PER_TEMPLATE, seed: int = SEED) -> list[Row]:
    """The same problems at every call, none twice. A wording is a template, and all that it makes is one group.
    ``folder`` is not looked at: nothing is read."""
    made = []
    for kind in KINDS:
        for number, wording in enumerate(kind.wordings):
            template = f"{kind.name}-{number}"
            source = random.Random(f"{template} {seed}")
            drawn: dict[str, Numbers] = {}
            for _ in range(20 * per_template):
                numbers = kind.draw(source, kind.most)
                drawn.setdefault(wording.format(**numbers), numbers)
                if len(drawn) == per_template:
                    break
            made += [
                Row(
                    id=f"{template}-{place}",
                    group=template,
                    question=question,
                    answer=kind.worked.format(**numbers),
                    golds=(str(numbers["is"]),),
                    kind=kind.name,
                )
                for place, (question, numbers) in enumerate(drawn.items())
            ]
    return made
