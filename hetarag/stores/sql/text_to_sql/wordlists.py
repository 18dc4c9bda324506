"""Words of questions that are of no weight, words of measure, and names of the same thing."""

from __future__ import annotations

from hetarag.stores.sql.text_to_sql.tokens import stem

# Words that say nothing about which data is asked for.
FILLERS = frozenset(
    """
    list show find give tell return please display get report provide identify state present
    there exist exists existing available recorded record records listed entry entries row rows
    database table dataset data value values information info named called known either shared corresponds
    happen happened happens occur occurred occurs take takes took place hold held belong belongs
    located locate situated based come comes came make makes made makes contain contains include
    includes included have having has had do does did us me we you i whose who which what where
    when how every all any let corresponding associated total altogether currently ever also
    across among within overall whole entire lies lie stand stands use used uses using going
    want know
    """.split()  # noqa: SIM905
)
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
UNITS: dict[str, float] = {
    **dict.fromkeys(
        """m km metre metres meter meters kilometre kilometres kilometer kilometers foot feet ft
        mile miles kg kilogram kilograms gram grams tonne tonnes ton tons pound pounds lbs year
        years month months day days hour hours minute minutes second seconds dollar dollars euro
        euros usd eur people inhabitants residents square cubic kmh mph cm mm mw megawatts gw kw
        litre litres old percent""".split(),  # noqa: SIM905
        1.0,
    ),
    **SCALES,
}

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(stem(word) for word in group.split())
    for group in (
        "country nation",
        "price cost",
        "movie film",
        "salary pay wage",
        "population inhabitants",
        "author writer",
        "job occupation profession",
        "company firm",
        "sex gender",
        "town city",
        "employees staff",
        "director directed",
        "writer written",
    )
)

_ALIASES = """
american:united states/usa/us/america; french:france; german:germany;
british:united kingdom/uk; english:england; scottish:scotland; welsh:wales; irish:ireland;
spanish:spain; portuguese:portugal; italian:italy; dutch:netherlands/the netherlands;
belgian:belgium; swiss:switzerland; austrian:austria; danish:denmark; swedish:sweden;
norwegian:norway; finnish:finland; icelandic:iceland; polish:poland;
czech:czech republic/czechia; slovak:slovakia; hungarian:hungary; romanian:romania;
bulgarian:bulgaria; greek:greece; turkish:turkey; russian:russia; ukrainian:ukraine;
croatian:croatia; serbian:serbia; slovenian:slovenia; estonian:estonia; latvian:latvia;
lithuanian:lithuania; chinese:china; japanese:japan; korean:south korea/korea; indian:india;
pakistani:pakistan; thai:thailand; vietnamese:vietnam; indonesian:indonesia;
malaysian:malaysia; filipino:philippines; australian:australia; canadian:canada;
mexican:mexico; brazilian:brazil; argentine:argentina; chilean:chile; peruvian:peru;
colombian:colombia; venezuelan:venezuela; cuban:cuba; egyptian:egypt; moroccan:morocco;
algerian:algeria; tunisian:tunisia; nigerian:nigeria; kenyan:kenya; ethiopian:ethiopia;
israeli:israel; iranian:iran; iraqi:iraq; saudi:saudi arabia; european:europe; asian:asia;
african:africa; usa:united states/us/america/united states of america; us:usa/united states;
uk:united kingdom/great britain
"""


def _aliases() -> dict[str, tuple[str, ...]]:
    pairs = (part.strip().split(":") for part in " ".join(_ALIASES.split()).split(";"))
    return {word: tuple(names.split("/")) for word, names in pairs}


ALIASES = _aliases()
