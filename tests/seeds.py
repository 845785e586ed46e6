"""The two documents that the project began with, taken apart as an editor would enter them.

A project page with its collection box, and a slide deck that presents a network. They are read
where they lie, beside the repository; elsewhere their equals below stand in: the same structure
and figures in words of our own.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "seeds"

PROJECT = """\
Stoppa handeln med människor i Asien

Omkring 40 miljoner människor i världen lever i tvång och ofrihet. Två tredjedelar av dem lever i \
Asien. Här arbetar sex organisationer i Nepal, Kambodja, Thailand, Laos och Bangladesh sida vid \
sida. De delar kunskap, forskar ihop och talar med en röst inför makthavare. Målet är att den som \
känner sina rättigheter själv kan stå emot.

Hur långt har vi kommit hittills?

Tre år in i arbetet kan vi räkna in detta:

  • 34 kurser för våra partner, bland annat om hur man möter den som har utsatts för övergrepp.
  • 3 möten där alla sex har lärt av varandra.
  • 3 undersökningar av hur det ser ut på platsen innan ett projekt börjar.
  • Ett stort forskningsarbete om regionen, som myndigheter nu läser.
  • 5 lokala projekt som har mött drygt 5000 personer!

Vad blir nästa steg?

Det finns mycket som bromsar! Mutor, färre fria röster, och synen på sexköp till exempel. I år \
lägger vi kraften på samtal med myndigheter och på att minska efterfrågan. Vi börjar också \
utreda ett arbete i Bangladesh. Och vi för samman dem som sällan möts, för ingen klarar det här på \
egen hand.

Kursdeltagaren som anade oråd

Rani, 52 år, från Bangladesh är med i en grupp som har lärt sig känna igen falska löften. En dag \
ville en främling bjuda hennes systerdotter på en resa till en skola långt bort. Rani ställde \
frågor tills svaren tog slut och främlingen gav sig av. Samma kväll visste hela byn varför.

Undrar du över något?

Skriv till mig när du vill!

Alma Lindkvist
Samordnar insatserna mot människohandel.


alma.lindkvist@example.org

Insamlingsbehov

Insamlingsnummer: 47030
Insamlingsbehov: 276 000 kr

Insamlat: 332 028 kr Kvar att samla in: 0 kr

Ger många till samma projekt, så att det får mer än det behöver i år, får resten gå till ett \
närbesläktat projekt i fokusområdet.
"""

NETWORK = """\
Nätverket mot människohandel



Sedan 2013 samlas vi här, föreningar som var för sig ser en del av samma problem.

www.natverket.example

Det vi delar



Våra livsåskådningar skiljer sig åt
men en sak är vi överens om:
att rättigheterna gäller alla.

Nätverket tar inte ställning
för något parti eller någon tro.

Varför vi finns



När Europarådets granskare kom hit saknade de någon att tala med. EU:s plattform för civilsamhället \
visade vägen.

Det vi gör



- Vi gör varandra bättre på att hjälpa
- Vi tar reda på hur det ser ut
- Vi talar med dem som bestämmer
- Vi låter kunskapen gå runt

Dem vi har mött



35 kvinnor och flickor i sexuell exploatering
15 hade aldrig mött någon förening förut
10 vågade inte anmäla, 7 saknar papper
9 kvinnor tvingades med våld
26 av 35 känner den som gjorde det
16 kvinnor är mödrar (till sammanlagt 24 barn)
7 av de 35 är inte vuxna

Råd i vår rapport



Se dem som söker asyl eller saknar papper.

Ta reda på om det finns barn.

Vaka över barn som kommer ensamma.

Ge fler tid att tänka efter.

Skriv en handbok om hot och risker.

Gör hjälpen att återvända till en plikt.

Bättre ihop



Vi är med när ett nationellt system för hänvisning byggs.

Vi möter samordnaren och rapportören för att jämföra läget.

Vi bjuder in dem som kan mer än vi.

Så arbetar vi



En styrgrupp följer vad som händer och berättar vidare. Arbetsgrupper tar sig an var sin grupp \
människor; de vill ändra attityder och lyfta frågor som glöms.

Det som är svårt



Ingen av oss har lön för det här, och det håller inte för alltid.

De flesta av oss bor nära huvudstaden, men föreningarna finns i hela landet.

Dit vi vill



Hjälp som hänger ihop

Ljus på dem som ingen ser

Konventioner som märks i vardagen

En insats som följs upp

Ögon på handelns alla former

Nya attityder och ny kunskap

Vill du ställa en fråga?



Hör av dig när du vill!

Läs mer på www.natverket.example

Eller kontakta Ingrid Sandelin

ingrid.sandelin@example.org
"""


@dataclass(frozen=True)
class Figure:
    """A number that says something: a result of a project, or a key figure."""

    value: str
    text: str


@dataclass(frozen=True)
class Section:
    """A heading with the paragraphs and the list items under it."""

    heading: str
    paragraphs: list[str]
    items: list[str]

    @property
    def markdown(self) -> str:
        return "\n\n".join([*self.paragraphs, "\n".join(f"- {item}" for item in self.items)])


@dataclass(frozen=True)
class Person:
    """Whom a reader can ask."""

    greeting: str
    name: str
    role: str
    email: str


@dataclass(frozen=True)
class Project:
    """A project page; `text` is the whole document."""

    text: str
    title: str
    summary: str
    body: str
    figures: list[Figure]
    results_heading: str
    results_intro: str
    results: list[Figure]
    plan: Section
    story: Section
    teller: str
    contact_heading: str
    contact: Person
    box_heading: str
    number: str
    need: str
    collected: str
    remaining: str
    clause: str


@dataclass(frozen=True)
class Network:
    """A network's slides; `text` is the whole document."""

    text: str
    title: str
    website: str
    body: str
    sections: list[Section]
    figures_heading: str
    figures: list[Figure]
    contact_heading: str
    contact: Person


def project() -> Project:
    return parse_project(next((text for text in _found() if _is_project(text)), PROJECT))


def network() -> Network:
    return parse_network(next((text for text in _found() if not _is_project(text)), NETWORK))


def _found() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]


def _is_project(text: str) -> bool:
    return "Insamlingsnummer:" in text


def _blocks(text: str) -> list[tuple[list[str], int]]:
    """What stands between empty lines, as lines, each with the number of empty lines after it."""
    parts = re.split(r"\n((?:[ \t]*\n)+)", text.strip("\n"))
    gaps = [gap.count("\n") for gap in parts[1::2]] + [0]
    return [
        ([line.strip() for line in part.splitlines()], gap)
        for part, gap in zip(parts[::2], gaps, strict=True)
    ]


def parse_project(text: str) -> Project:
    """A heading is one line that ends as no sentence does, or with a question mark."""
    parts: list[tuple[str, list[list[str]]]] = []
    for lines, _ in _blocks(text):
        line = lines[0]
        if len(lines) == 1 and not re.search(r"[.!:@•]|\d kr", line):
            parts.append((line, []))
        else:
            parts[-1][1].append(lines)
    (title, [about]), results, plan, story, contact, box = parts
    sentences = re.split(r"(?<=[.!]) ", " ".join(about))
    intro, bullets = results[1]
    (greeting,), (name, role), (email,) = contact[1]
    numbers = dict(
        re.findall(r"([A-ZÅÄÖ][^:]+): (\d[\d ]*?)(?= kr|\n|$)", "\n".join([*box[1][0], *box[1][1]]))
    )
    million = re.search(r"(\d+ miljoner) (.+)\.", sentences[0])
    share = re.search(r"(\w+ \w+) (.+)\.", sentences[1])
    assert million is not None
    assert share is not None
    story_text = " ".join(story[1][0])
    return Project(
        text=text,
        title=title,
        summary=" ".join(sentences[:2]),
        body=" ".join(sentences[2:]),
        figures=[Figure(*million.groups()), Figure(*share.groups())],
        results_heading=results[0],
        results_intro=" ".join(intro),
        results=[_result(bullet.removeprefix("•").strip()) for bullet in bullets],
        plan=Section(plan[0], [" ".join(lines) for lines in plan[1]], []),
        story=Section(story[0], [story_text], []),
        teller=story_text.split(" är ")[0],
        contact_heading=contact[0],
        contact=Person(greeting, name, role, email),
        box_heading=box[0],
        number=numbers["Insamlingsnummer"],
        need=numbers["Insamlingsbehov"],
        collected=numbers["Insamlat"],
        remaining=numbers["Kvar att samla in"],
        clause=" ".join(box[1][2]),
    )


def _result(bullet: str) -> Figure:
    found = re.fullmatch(r"(\d+) (.+)", bullet)
    return Figure(*found.groups()) if found else Figure("", bullet)


def parse_network(text: str) -> Network:
    """A heading is what two or more empty lines come after."""
    parts: list[tuple[str, list[list[str]]]] = []
    for lines, gap in _blocks(text):
        if gap >= 2:
            parts.append((lines[0], []))
        else:
            parts[-1][1].append(lines)
    (title, about), *slides, last = parts
    counted = [slide for slide in slides if slide[1][0][0][0].isdigit()]
    [(figures_heading, [counts])] = counted
    *greeting, [name], [email] = last[1]
    return Network(
        text=text,
        title=title,
        website=f"https://{about[-1][0]}",
        body="\n\n".join(" ".join(lines) for lines in about[:-1]),
        sections=[_section(*slide) for slide in slides if slide not in counted],
        figures_heading=figures_heading,
        figures=[_count(part) for line in counts for part in re.split(r", (?=\d)", line)],
        contact_heading=last[0],
        contact=Person(
            greeting=" ".join(line for lines in greeting for line in lines),
            name=name.partition("kontakta ")[2],
            role="",
            email=email,
        ),
    )


def _section(heading: str, blocks: list[list[str]]) -> Section:
    items = [line.removeprefix("- ") for lines in blocks for line in lines if line[:2] == "- "]
    paragraphs = [" ".join(lines) for lines in blocks if lines[0][:2] != "- "]
    return Section(heading, paragraphs, items)


def _count(text: str) -> Figure:
    found = re.fullmatch(r"(\d+(?: av (?:de )?\d+)?) (.+)", text)
    assert found is not None, text
    return Figure(*found.groups())
