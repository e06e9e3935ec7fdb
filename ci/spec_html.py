# SPDX-License-Identifier: BSD-3-Clause
"""For ci/spec: the matrix as pages that open from the file system: index.html, and a
page for each file or patch that it leads to."""
import html
import os
import re
import shutil

STYLE = """
:root { --ink: #1b1f24; --dim: #59636e; --paper: #fff; --line: #d1d9e0; --link: #0757ba; --soft: #f2f5f8;
        --bad: #b3261e; --cite: #fff3c9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e2e6ea; --dim: #98a2ad; --paper: #14181d; --line: #333c46; --link: #7ab4ff; --soft: #1d232a;
          --bad: #ff8a80; --cite: #3a3212; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 78rem; padding: 1rem; color: var(--ink); background: var(--paper);
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
a { color: var(--link); text-decoration: none; overflow-wrap: anywhere; }
a:hover, a:focus { text-decoration: underline; }
nav a { display: inline-block; margin: 0 .75rem .25rem 0; }
p { margin: .25rem 0; }
.dim { color: var(--dim); }
.bad { color: var(--bad); font-weight: 600; }
.clause { border-top: 1px solid var(--line); padding: .6rem 0; display: grid; gap: .3rem 1.5rem;
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
.clause:target { background: var(--cite); }
.clause h3 { font-size: 1rem; margin: 0; display: inline; }
.ties { font-size: .875rem; display: grid; align-content: start; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .1rem .5rem; }
.ties span.dim { grid-column: 1; }
.ties span.links { grid-column: 2; }
.ties a { margin-right: .6rem; }
pre { margin: 1rem 0; font: .8125rem/1.45 ui-monospace, monospace; border: 1px solid var(--line); overflow-x: auto; }
pre span { display: block; padding: 0 .5rem; min-width: max-content; white-space: pre; }
pre i { display: inline-block; width: 3.2rem; padding-right: .8rem; text-align: right; font-style: normal;
        color: var(--dim); user-select: none; }
pre .cite { background: var(--soft); }
pre span:target { background: var(--cite); }
@media (max-width: 48rem) {
  body { padding: .75rem; }
  .clause { grid-template-columns: minmax(0, 1fr); }
  pre { font-size: .75rem; }
  pre span { min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; padding-left: 3.2rem; text-indent: -2.9rem; }
  pre i { width: 2.6rem; padding-right: .5rem; text-indent: 0; white-space: nowrap; }
}
"""


def page_of(path):
    return re.sub(r"[^\w.]", "_", path) + ".html"


def page(title, body):
    return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n")


def code_words(text):
    """A sentence, with its `code`."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


def link(path, line, text=None):
    return f'<a href="{page_of(path)}#L{line}">{html.escape(text or f"{path}:{line}")}</a>'


def ties(clause, killed):
    rows = []
    for title, citations in (("code", clause.implementations), ("exception", clause.exceptions), ("test", clause.tests)):
        if citations or title != "exception":
            links = " ".join(link(c.path, c.target) + (f" {html.escape(c.reason)}" if c.reason else "")
                             for c in citations) or '<b class="bad">none</b>'
            rows.append((title, links))
    if clause.word != "free":
        links = []
        for bug in clause.bugs:
            fate = "" if killed is None or killed.get(bug.name, True) else ' <b class="bad">not found</b>'
            links.append(f'<a href="{page_of(bug.path)}" title="{html.escape(bug.what)}">{bug.name}</a>{fate}')
        rows.append(("mistakes", " ".join(links) or '<b class="bad">none</b>'))
    return "".join(f'<span class="dim">{title}</span><span class="links">{links}</span>\n' for title, links in rows)


def index(clauses, killed):
    areas = list(dict.fromkeys(c.area for c in clauses.values()))
    known = ("ci/bugs has found every mistake named here" if killed and all(killed.get(b.name) for c in clauses.values()
                                                                           for b in c.bugs) else
             "ci/bugs has found the mistakes that are not marked" if killed else "that the mistakes are found is what ci/bugs shows")
    body = ["<h1>The clauses of Go's classic map</h1>\n",
            f'<p class="dim">{len(clauses)} clauses of {link("ref/SPEC.md", 1, "ref/SPEC.md")}, with the lines that '
            f"implement and test them and the mistakes that break them; {known}. Written by ci/spec.</p>\n<nav>",
            "".join(f'<a href="#{a}">{a}</a>' for a in areas), "</nav>\n"]
    for area in areas:
        body.append(f'<h2 id="{area}">{area}</h2>\n')
        for clause in (c for c in clauses.values() if c.area == area):
            where = "%s:%d" % clause.place if clause.place else "beyond map.go"
            body.append(f'<section class="clause" id="{clause.name}">\n<div><h3>'
                        f'{link("ref/SPEC.md", clause.line, clause.name)}</h3> '
                        f'<span class="dim">{clause.word} · {where}</span>\n<p>{code_words(clause.sentence)}</p></div>\n'
                        f'<div class="ties">\n{ties(clause, killed)}</div>\n</section>\n')
    return page("The clauses of Go's classic map", "".join(body))


def source(root, path):
    with open(f"{root}/{path}", encoding="utf-8", errors="replace") as file:
        lines = file.read().rstrip("\n").split("\n")
    rows = []
    for at, text in enumerate(lines, 1):
        shown = html.escape(text, quote=False)
        shown = re.sub(r"\bS-[A-Z]+-\d+\b", r'<a href="index.html#\g<0>">\g<0></a>', shown)
        kind = ' class="cite"' if re.match(r"\s*(//|#)[=#] ?", text) else ""
        rows.append(f'<span id="L{at}"{kind}><i>{at}</i>{shown}</span>')
    return page(path, f'<h1>{html.escape(path)}</h1>\n<p><a href="index.html">All clauses</a></p>\n'
                      f"<pre>{''.join(rows)}</pre>\n")


def write(root, folder, clauses, citations, bugs, killed):
    """The pages are made beside the old ones, and take their place when all are there."""
    new = f"{folder}.new"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    files = {"index.html": index(clauses, killed)}
    for path in {"ref/SPEC.md", *(c.path for c in citations), *(b.path for b in bugs)}:
        files[page_of(path)] = source(root, path)
    for name, text in files.items():
        with open(f"{new}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(new, folder)
