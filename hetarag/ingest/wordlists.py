"""The word lists of the sentence and name rules, in lower case."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """Return the words of a line as a set."""
    return frozenset(words.split())


# ------------------------------------------------------------- abbreviations before a full stop

NEVER_FINAL = word_set(
    "mr mrs ms mx dr prof gen col sgt capt cpt lt maj cmdr adm rev hon gov sen rep pres messrs mme "
    "mlle cf e.g i.e viz approx ca c b d née z.b bzw u.a d.h"
)
"""A full stop after these never ends a sentence."""

BEFORE_NUMBERS = word_set(
    "no nos nr art sec secs ch fig figs eq eqs vol vols p pp op jan feb mar apr jun jul aug sep "
    "sept oct nov dec"
)
"""A full stop after these does not end a sentence when a number follows."""

MAYBE_FINAL = word_set(
    "inc ltd co corp bros jr sr etc al u.s u.k u.s.a u.n e.u d.c a.m p.m ph.d m.d b.a m.a b.sc m.sc "
    "f.c a.d b.c llc plc gmbh vs v st mt ft ave blvd rd dept est ed eds trans"
)
"""A full stop after these ends a sentence only when a typical opening word follows."""

SENTENCE_OPENERS = word_set(
    "a after although an and as at because before but by during each every for from he her his "
    "however i if in it its later many most my no of on one our she since so some such that the "
    "their there these they this those though through to today under until was we when where "
    "while who with you your"
)
"""Words that typically begin a sentence."""

# ------------------------------------------------------------- capitalised words that are no names

MONTHS = word_set(
    "january february march april may june july august september october november december"
)
WEEKDAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")

COMMON_OPENERS = word_set(
    "about above according across additionally against along alongside already also although among "
    "another any anyone apart around aside based because become becoming being below beside besides "
    "beyond born both built called certain consequently contrary currently despite directed due each "
    "earlier early either elected especially even eventually every everyone everything except "
    "featured featuring few finally first five following formerly forming formed founded four fourth "
    "from further furthermore given had has have having here hence his how however if important "
    "including indeed initially inside instead just known last late lately later latter least led "
    "less let like likewise listed little living located long made main mainly many maybe meanwhile "
    "more moreover most much named near nearly neither never nevertheless new next nine no nobody "
    "none nonetheless nor not notable note nothing now often old on once one only originally other "
    "others otherwise our outside over overall part perhaps please possibly previously produced "
    "prior probably published raised rather recent recently regarding released second see seven "
    "several shortly similar similarly simply since six so some somebody someone something sometimes "
    "soon starring still subsequently such ten thanks that then there thereafter therefore third "
    "though thousands three through throughout thus together today too toward towards twelve twenty "
    "two typically ultimately unlike until upon using usually various very via we well what whatever "
    "when whenever where whereas wherever whether which while whilst who whoever whose why with "
    "within without written yes yesterday yet"
)
"""Words that are capitalised because they begin a sentence, not because they name something."""

GENERIC = word_set(
    "ii iii iv vi vii viii ix xi xii xiii xiv xv am pm ad bc ce bce etc mr mrs ms dr prof sir lady "
    "lord dame king queen prince princess president professor doctor captain general aka ok tv "
    "chapter section figure table page note appendix part volume"
)
"""Capitalised words that name nothing by themselves."""

INSTITUTIONS = word_set(
    "college university church hospital school stadium cathedral peak park island bay day court "
    "square cup castle abbey chapel prize medal theorem law"
)
"""Nouns before which a possessive belongs to the name: St. Mary's College."""
