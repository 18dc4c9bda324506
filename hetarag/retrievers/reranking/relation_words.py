"""English words that ask for and state the same relation: "spouse" is answered by "married".

A passage rarely repeats the word that a question uses for a relation. Each line below is one relation;
two texts share it when each has a word of that line. General vocabulary, not drawn from any data set.
"""

from __future__ import annotations

from collections.abc import Iterable

from hetarag.text import stem

_RELATIONS = """
spouse wife husband married marry marriage wed widow widower partner
sibling brother sister twin
child son daughter children kid offspring
father mother parent dad mum
born birth birthplace birthdate native
died death dead killed buried die cemetery
educated education attended studied graduated alma university college school student attend study institute
citizen citizenship nationality country
capital seat
border bordered bordering adjacent neighboring neighbouring adjoining boundary
founded founder established formed created creation inception founding start started
located location lies situated place
performer singer sung sang recorded performed artist band musician sings
author wrote written writer novelist writing
directed director filmmaker
produced producer production
composer composed music score
starring starred star cast actor actress played plays portrayed role character voiced voice
award awarded honored honour honoured prize received winner won win
population inhabitants residents people census populous
employer worked works employed job work
owner owned owns parent company bought acquired acquisition purchased
language speak spoken languages
currency money coin
chairman ceo president head executive chief chair leader
record label signed records
team club plays played player coach manager
league division
county district municipality province region territory territorial administrative
published publisher
release released premiere premiered date
religion church faith denomination
successor succeeded preceded predecessor replaced
member belongs membership part
river flows mouth source tributary empties
war battle fought conflict
elected election office term
genre style
instrument guitar piano
named name called titled namesake
"""

_OF: dict[str, int] = {}
for _number, _line in enumerate(_RELATIONS.strip().splitlines()):
    for _word in _line.split():
        _OF[stem(_word)] = _OF.get(stem(_word), 0) | 1 << _number


def relations(stems: Iterable[str]) -> int:
    """Return the relations that words, given as stems, speak of: a bit for each."""
    found = 0
    for word in _OF.keys() & stems:
        found |= _OF[word]
    return found
