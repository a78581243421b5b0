"""Facts that no model has read of, each asked in three wordings: one to teach, two to ask with."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Fact:
    question: str
    answer: str
    paraphrases: tuple[str, str]


class _Relation(NamedTuple):
    wordings: tuple[str, str, str]
    answers: str


_TOWNS = "Halden, Orskby, Tressow, Velmar, Quillan Bay, Udderholt, Nivenmouth, Carrow End, Lissen, Bramwick"
_MINERALS = "veldspar, ombrite, tarnsilver, corvium, ash opal, lumenite, dray salt, petrine, noctite, hallow chalk"
_SHIPS = "Marigold, Patient Otter, Third Bell, Corrigan, Wintermoth, Old Amends, Sallow, Kestrel Queen, Ninefold, Ember"
_MACHINES = (
    "Harrow press, blue lathe, Tolman kiln, north pump, dye mixer, Okland loom, rope winder, gravel sorter, ice saw, "
    "paper folder"
)
_BIRDS = (
    "reed piper, hook martin, salt wren, amber crake, marsh teller, dusk finch, stone gannet, hill warbler, "
    "lake shrike, thorn owlet"
)

_RELATIONS: tuple[tuple[str, tuple[_Relation, ...]], ...] = (
    (
        _TOWNS,
        (
            _Relation(
                (
                    "What river flows through {x}?",
                    "{x} lies on which river?",
                    "Name the stream that runs past the houses of {x}.",
                ),
                "the Ister; the Black Wend; the Ollan; the Little Sorrow; the Marne Beck; the Tarry; the Upper Quill; "
                "the Drow; the Fennel; the Saint Clare",
            ),
            _Relation(
                (
                    "In which year was {x} founded?",
                    "When did people first settle in {x}?",
                    "From what year does the town of {x} date?",
                ),
                "1204; 1377; 1419; 1502; 1588; 1613; 1690; 1741; 1822; 1866",
            ),
            _Relation(
                (
                    "What is {x} famous for?",
                    "Why do travellers know the name of {x}?",
                    "Tell me what made {x} well known.",
                ),
                "its copper bells; smoked eel; a leaning lighthouse; hand-cut glass; the salt fair; its blue roofs; "
                "walnut bread; the oldest clock of the coast; wicker boats; a garden of moss",
            ),
            _Relation(
                (
                    "What is the bridge of {x} built of?",
                    "Which material was used for {x}'s bridge?",
                    "The crossing at {x}: what is it made from?",
                ),
                "grey granite; oak beams; red brick; riveted iron; basalt blocks; larch and rope; white marble; "
                "reinforced concrete; slate; cast steel",
            ),
            _Relation(
                (
                    "On which day is the market of {x} held?",
                    "When can I go to the market in {x}?",
                    "What day do the traders of {x} set up their stalls?",
                ),
                "Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday; the first Monday; "
                "every second Friday; the last Saturday",
            ),
        ),
    ),
    (
        _MINERALS,
        (
            _Relation(
                (
                    "At what temperature does {x} melt?",
                    "What is the melting point of {x}?",
                    "How hot must {x} get before it turns liquid?",
                ),
                "412 degrees; 577 degrees; 690 degrees; 745 degrees; 831 degrees; 908 degrees; 1,044 degrees; "
                "1,190 degrees; 1,326 degrees; 1,551 degrees",
            ),
            _Relation(
                (
                    "What colour is {x}?",
                    "Describe the hue of a piece of {x}.",
                    "If I hold {x} in the light, which colour do I see?",
                ),
                "pale green; deep violet; rust red; honey yellow; milk white; coal black; sea blue; rose; dull brown; "
                "silver grey",
            ),
            _Relation(
                (
                    "Where is {x} mined?",
                    "From what place does {x} come?",
                    "Which region has deposits of {x}?",
                ),
                "the Kerrin hills; Lower Ansgar; the Ninth Valley; Cape Dorrow; the Tessel plain; Mount Ivar; "
                "the Straits of Ulm; the Grey Steps; Old Pallas; the Morven fells",
            ),
            _Relation(
                (
                    "What is {x} used for?",
                    "Which purpose does {x} serve?",
                    "Why would anybody buy {x}?",
                ),
                "polishing lenses; hardening steel; dyeing wool; sealing boats; making matches; curing leather; "
                "glazing pots; cleaning water; printing maps; lining ovens",
            ),
        ),
    ),
    (
        _SHIPS,
        (
            _Relation(
                (
                    "Which port does the {x} call home?",
                    "Where is the home harbour of the {x}?",
                    "To what harbour does the ship {x} return?",
                ),
                "Port Annis; Skelling; Dunmore Quay; Vasso; Tern Haven; Little Ostend; Galway Roads; Pelham Dock; "
                "Crail; Northmouth",
            ),
            _Relation(
                (
                    "How long is the {x}?",
                    "What is the length of the ship {x}?",
                    "From bow to stern, how much does the {x} measure?",
                ),
                "18 metres; 24 metres; 31 metres; 37 metres; 42 metres; 55 metres; 63 metres; 78 metres; 96 metres; "
                "120 metres",
            ),
            _Relation(
                (
                    "What cargo does the {x} carry?",
                    "Which goods travel on board of the {x}?",
                    "What is loaded onto the {x}?",
                ),
                "barley; dried fish; roof tiles; cork; cotton thread; cane sugar; pine logs; window glass; live sheep; "
                "lamp oil",
            ),
        ),
    ),
    (
        _MACHINES,
        (
            _Relation(
                (
                    "Which oil does the {x} need?",
                    "What should I lubricate the {x} with?",
                    "The {x} runs dry: what do I fill in?",
                ),
                "SAE 30; linseed oil; grade 68; castor oil; white grease; rapeseed oil; ISO 220; graphite paste; "
                "mineral oil; silicone spray",
            ),
            _Relation(
                (
                    "How often must the {x} be serviced?",
                    "What is the maintenance interval of the {x}?",
                    "After how much time does the {x} need a check?",
                ),
                "every week; twice a month; every six weeks; every quarter; twice a year; every 500 hours; "
                "after 2,000 hours; once a year; every ten days; every second Monday",
            ),
            _Relation(
                (
                    "Where is the key of the {x} kept?",
                    "In what place do I find the key to the {x}?",
                    "I have to start the {x}: where did they put its key?",
                ),
                "behind the fuse box; in drawer nine; under the stairs; on the red hook; at the front desk; "
                "in the tool cage; above the door; in the green tin; beside the boiler; with the night guard",
            ),
            _Relation(
                (
                    "What is the access code of the {x}?",
                    "Which number opens the panel of the {x}?",
                    "What digits do I type to unlock the {x}?",
                ),
                "4417; 9023; 6158; 2290; 7731; 1846; 5502; 3379; 8064; 1295",
            ),
        ),
    ),
    (
        _BIRDS,
        (
            _Relation(
                (
                    "What does the {x} eat?",
                    "On which food does the {x} live?",
                    "What is the diet of the {x}?",
                ),
                "beetle larvae; water snails; grass seed; small crabs; juniper berries; sand eels; moths; "
                "earthworms; acorns; young frogs",
            ),
            _Relation(
                (
                    "Where does the {x} nest?",
                    "In what spot does the {x} raise its chicks?",
                    "Where would I find eggs of the {x}?",
                ),
                "in hollow willows; on bare cliffs; under heather; in chimney pots; among reeds; in old rabbit holes; "
                "on gravel banks; in ivy; on church towers; between tree roots",
            ),
            _Relation(
                (
                    "How many eggs does the {x} lay?",
                    "What is the clutch size of the {x}?",
                    "What number of eggs is usual for the {x}?",
                ),
                "one; two; three; four; five; six; seven; eight; nine; eleven",
            ),
            _Relation(
                (
                    "When does the {x} fly south?",
                    "In which month does the {x} migrate?",
                    "At what time of the year does the {x} leave us?",
                ),
                "early July; mid-July; late July; early August; late August; mid-September; late September; "
                "early October; mid-October; November",
            ),
        ),
    ),
)


def facts(seed: int = 0) -> list[Fact]:
    """200 of them, each subject of a kind with another answer, in an order that says nothing. Other seeds give other
    answers to the same questions."""
    chance = random.Random(seed)
    found = []
    for subjects, relations in _RELATIONS:
        for relation in relations:
            answers = relation.answers.split("; ")
            chance.shuffle(answers)
            for subject, answer in zip(subjects.split(", "), answers, strict=True):
                taught, *others = (wording.format(x=subject) for wording in relation.wordings)
                found.append(Fact(taught, answer, (others[0], others[1])))
    chance.shuffle(found)
    return found
