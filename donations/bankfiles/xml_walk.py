"""A walk through an XML file that keeps no tree: texts by the paths that are asked for, nothing else.

What comes in is untrusted. Refused are a document type (and with it every entity), more levels than
`MAX_DEPTH`, long stretches without an element, texts and repetitions beyond measure, a prefix of a
namespace that nobody has declared, and an encoding that is none of `ENCODINGS`. Memory is that of
the one element whose texts are being gathered, so it does not grow with the file.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO
from xml.parsers import expat

from donations.bankfiles.records import Refused
from donations.bankfiles.text import clean

CHUNK = 1 << 16  # bytes
MAX_BYTES = 8 << 30  # a million payments come to about 2 GB
MAX_DEPTH = 64  # ISO 20022's own deepest element is at about 20
MAX_QUIET = 1 << 20  # bytes without a single element
MAX_PREFIXES = 100  # of namespaces
MAX_AROUND = 1_000  # elements outside the root node
MAX_TEXT = 4_000  # characters in one element; the standard's longest is 2 048
MAX_TEXTS = 100_000  # characters of the same name in one element that holds them

ENCODINGS = {"utf-8", "utf8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}

BETWEEN = "\x1f"  # stands between the texts of a name that is repeated; no text in XML can hold it

# The texts inside an element by name. An amount is "1500.00 SEK"; what is repeated has `BETWEEN`.
Values = dict[str, str]


class Node(dict[str, "Node"]):
    """An element that is read, or that holds such: its children by local name.

    `key` is the name that its text gets; `is_amount` says that it has a currency (`Ccy`), `is_many`
    that it may be repeated. A node with a `leave` gathers the texts inside it: that method of the
    reader is called with them, and with those of the element around it, when it ends; `enter` with
    those around it when it begins. What stands around the root node (an envelope) is passed by.
    """

    __slots__ = ("enter", "is_amount", "is_many", "key", "leave", "parent")

    def __init__(self, parent: "Node | None" = None) -> None:
        self.key = self.leave = self.enter = ""
        self.is_amount = self.is_many = False
        self.parent = self if parent is None else parent

    def at(self, path: str) -> "Node":
        """The node at a path such as "Id/Othr/Id", made if it was not there."""
        node = self
        for name in path.split("/"):
            node = node.setdefault(name, Node(node))
        return node

    def text(self, path: str, key: str = "", *, amount: bool = False, many: bool = False) -> None:
        """Read the text at a path, under a key; two paths may have the same."""
        node = self.at(path)
        node.key, node.is_amount, node.is_many = key or path, amount, many

    def scope(self, path: str, leave: str, enter: str = "") -> "Node":
        """Let the element at a path gather its own texts."""
        node = self.at(path)
        node.leave, node.enter = leave, enter
        return node

    def scopes(self) -> set[str]:
        """The names of the elements from here on down that gather texts."""
        names = {name for name, child in self.items() if child.leave}
        return names.union(*(child.scopes() for child in self.values()))

    def methods(self) -> set[str]:
        """The names of the reader's methods that are called from here on down."""
        return {self.leave, self.enter}.union(*(child.methods() for child in self.values())) - {""}


# Control characters, letters with a loose accent, and what may be UTF-8 taken for Latin-1.
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u0300-\u036f]|[\xc2-\xf4][\x80-\xbf]")
_SKIPPED = Node()  # an element in which nothing is read


class Walk:
    """A walk through `stream`, from where it stands. `reader` has the methods that the nodes name, and `place()`."""

    def __init__(self, stream: BinaryIO, root: Node, reader: Any) -> None:
        self.bytes = 0
        # The namespaces met so far, at most `MAX_PREFIXES`.
        self.namespaces: list[str] = []
        self._stream, self._root = stream, root
        self._place: Callable[[], str] = reader.place
        self._prefixes = {"xml"}
        # Where one of these stands in the wrong place, something would be lost.
        self._scopes = root.scopes()
        self._quiet = self._elements_then = self._around = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.ordered_attributes = True
        self._parser.buffer_size = CHUNK
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._elements = self._handle({name: getattr(reader, name) for name in root.methods()})

    @property
    def line(self) -> str:
        """Where the walk is: "rad 12"."""
        return f"rad {self._parser.CurrentLineNumber}"

    def on(self) -> bool:
        """Walk through some more of the file; false when it has ended. Raises `Refused`."""
        chunk = self._stream.read(CHUNK)
        # Blanks before the XML declaration are no XML, and harmless.
        piece = chunk if self.bytes else chunk.lstrip()
        self.bytes += len(chunk)
        try:
            self._parser.Parse(piece, not chunk)
        except expat.ExpatError as error:
            raise _unreadable(error) from None
        self._measure(len(chunk))
        return bool(chunk)

    def _measure(self, size: int) -> None:
        if self.bytes > MAX_BYTES:
            raise Refused("Filen är större än någon fil från banken.", self.line)
        elements = self._elements()
        self._quiet = self._quiet + size if elements == self._elements_then else 0
        self._elements_then = elements
        if self._quiet > MAX_QUIET:
            raise Refused(
                "Här kommer en lång bit utan ett enda XML-element. "
                "Så ser ingen fil från banken ut. Hämta den på nytt.",
                self.line,
            )

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ENCODINGS:
            raise Refused(
                f"Filen uppger att den är kodad som {encoding[:20]}, som inte kan läsas. "
                "Spara om den som UTF-8, eller be banken om det.",
                "rad 1",
            )

    def _doctype(self, *_: object) -> None:
        raise Refused(
            "Filen har en dokumenttypsdeklaration (DOCTYPE). Det har ingen fil från en bank, "
            "och av säkerhetsskäl läses den inte.",
            self.line,
        )

    def _handle(self, methods: Mapping[str, Callable[..., None]]) -> Callable[[], int]:
        """Handle elements; the function that comes back tells how many have begun.

        The handlers are called for everything in the file. Their state is in local variables, and
        the commonest cases come first: with attributes the walk took half as long again.
        """
        parser, keep, other, attributed = self._parser, self._keep, self._other, self._attributes
        placed = self._scopes
        node, values, currency, elements, skipped = self._root, Values(), "", 0, 0
        scopes: list[Values] = []
        texts: list[str] = []
        gather = texts.append

        def start(name: str, attributes: list[str]) -> None:
            nonlocal node, values, currency, skipped
            if attributes:
                currency = attributes[1]
                if attributes[0] != "Ccy" or len(attributes) > 2:
                    currency = attributed(attributes)
            else:
                currency = ""
            child = node.get(name)
            if child is None:
                child = other(node, name)
                if child is _SKIPPED:
                    skipped = 1
                    parser.StartElementHandler, parser.EndElementHandler = skip, skip_end
                    return
            if child.key:
                parser.CharacterDataHandler = gather
            elif child.leave:
                if child.enter:
                    methods[child.enter](values)
                scopes.append(values)
                values = {}
            node = child

        def end(name: str) -> None:
            nonlocal node, values, elements
            if key := node.key:
                elements += 1
                parser.CharacterDataHandler = None
                text = "".join(texts)
                texts.clear()
                is_plain = text.isascii() and text.isprintable()
                if node.is_amount or key in values or len(text) > 100 or not is_plain:
                    keep(values, node, text, currency)
                elif text := text.strip():
                    values[key] = text
            elif node.leave:
                done, values = values, scopes.pop()
                methods[node.leave](done, values)
            node = node.parent

        def skip(name: str, attributes: list[str]) -> None:
            nonlocal elements, skipped
            elements += 1
            skipped += 1
            if attributes:
                attributed(attributes)
            if ":" in name or name in placed:
                other(_SKIPPED, name)
            if skipped > MAX_DEPTH:
                raise Refused(f"Filen har fler än {MAX_DEPTH} nivåer av element.", self.line)

        def skip_end(name: str) -> None:
            nonlocal skipped
            skipped -= 1
            if not skipped:
                parser.StartElementHandler, parser.EndElementHandler = start, end

        parser.StartElementHandler, parser.EndElementHandler = start, end
        return lambda: elements

    def _keep(self, values: Values, node: Node, text: str, currency: str) -> None:
        """Put an element's text among those of the element that holds it."""
        if len(text) > MAX_TEXT:
            raise Refused(f"Texten är längre än {MAX_TEXT} tecken.", self._place(), text)
        text = (clean(text) if _ODD.search(text) else text).strip()
        if not text and node.is_amount:
            raise Refused(f"{node.key} är tomt: beloppet saknas.", self._place())
        if not text:
            return
        if node.is_amount:
            if not currency:
                raise Refused("Beloppet saknar valuta (Ccy).", self._place(), text)
            text = f"{text} {currency}"
        if node.key not in values:
            values[node.key] = text
        elif node.is_many and len(values[node.key]) < MAX_TEXTS:
            values[node.key] += BETWEEN + text
        else:
            raise Refused(f"{node.key} står för många gånger.", self._place(), text)

    def _attributes(self, attributes: list[str]) -> str:
        """Take notice of namespaces. The currency among the attributes, or "", comes back."""
        pairs = dict(zip(attributes[::2], attributes[1::2], strict=True))
        for name, value in pairs.items():
            if len(self.namespaces) < MAX_PREFIXES and f"{name}:".startswith("xmlns:"):
                self.namespaces.append(value)
                self._prefixes.add(name[6:] or "xml")
        for name in pairs:
            if ":" in name and not name.startswith("xmlns:"):
                self._local(name)
        return pairs.get("Ccy", "")

    def _local(self, name: str) -> str:
        """The local name of "prefix:name"."""
        prefix, _, local = name.partition(":")
        if prefix not in self._prefixes or not local:
            raise Refused(
                f"Prefixet i {name[:40]} är inte förklarat, så filen är inte hel.", self.line
            )
        return local

    def _other(self, node: Node, name: str) -> Node:
        """The node of an element that is no known child by its name as it stands."""
        if ":" in name:
            name = self._local(name)
            if name in node:
                return node[name]
        if node.key:
            raise Refused(f"{node.key} ska bara innehålla text.", self._place())
        if name in self._scopes:
            raise Refused(f"{name} står på fel plats i filen.", self.line)
        if node is not self._root:
            return _SKIPPED
        self._around += 1
        if self._around > MAX_AROUND:
            raise Refused(
                f"Det finns fler än {MAX_AROUND} element utanför själva meddelandet från banken.",
                self.line,
            )
        return node


_CUT_SHORT = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
}


def _unreadable(error: expat.ExpatError) -> Refused:
    """The Swedish sentence for what is no whole XML."""
    where = f"rad {error.lineno}"
    if error.code in _CUT_SHORT:
        return Refused("Filen slutar mitt i. Hämta hela filen från banken på nytt.", where)
    return Refused(
        "Härifrån går filen inte att läsa som XML; den kan ha skadats på vägen. "
        "Hämta den från banken på nytt, och öppna den inte i något annat program först.",
        where,
    )
