#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reference.py <include folder>: docs/plugins/REFERENCE.md, from the headers.

Each record, function, constant and comment of the C headers, in their order; nothing is added. With
--check FILE it compares instead, and ends with 1 where the file is not current."""
import pathlib
import re
import sys

HEADERS = ["plugin.h", "host.h", "step.h", "secrets.h", "runtime.h", "snapshot.h", "store.h", "observer.h"]
TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<define>^#define (?P<dname>FBX_\w+)(?:\([^)]*\))?(?:[^\n\\]|\\\n)*)"
    r"|typedef struct (?P<record>\w+) \{(?P<body>.*?)\} \w+;"
    r"|typedef (?:struct )?(?P<opaque>\w+) (?P<oname>\w+);",
    re.S | re.M)
MEMBER = re.compile(r"(?P<comment>/\*.*?\*/)|(?P<text>[^;/]+);(?P<after>[ \t]*/\*.*?\*/)?", re.S)


def plain(comment):
    lines = comment.removeprefix("/*").removesuffix("*/").split("\n")
    lines = [re.sub(r"^\s*\* ?", "", line) if i else line.strip() for i, line in enumerate(lines)]
    return "\n".join(line.rstrip() for line in lines).strip("- \n")


def block(comment):
    section = re.match(r"/\* -{4} (.*?) -{4}", comment)
    if section:
        return [f"### {section[1]}", ""]
    return ["```text", plain(comment), "```", ""] if plain(comment) else []


def members(body):
    out, told = [], None
    for match in MEMBER.finditer(body):
        if match["comment"]:
            told = match["comment"]
            continue
        text = re.sub(r"\s+", " ", match["text"]).strip()
        name = re.search(r"\(\*(\w+)\)|(\w+)$", text)
        out += [f"**`{name[1] or name[2]}`**", "", "```c", text + ";", "```", ""]
        for comment in (told, match["after"]):
            if comment:
                out += block(comment.strip())
        told = None
    return out


def header(path):
    out, told = [f"## {path.name}", ""], None
    for match in TOKEN.finditer(path.read_text()):
        if match["comment"]:
            if told:
                out += block(told)
            if re.match(r"/\* -{4} ", match["comment"]):
                out += block(match["comment"])
                told = None
                continue
            told = match["comment"] if "SPDX" not in match["comment"] else None
            if "SPDX" in match["comment"]:
                out += block("/*\n" + match["comment"].split("\n", 2)[-1])
            continue
        if match["dname"] and match["dname"].endswith(("_H", "EXPORT")):
            continue
        if match["record"]:
            out += [f"#### {match['record']}", ""] + (block(told) if told else []) + members(match["body"])
        else:
            title = match["dname"] or match["oname"]
            out += (block(told) if told else []) + [f"<a id=\"{title}\"></a>", "```c", match[0], "```", ""]
        told = None
    return out + (block(told) if told else [])


def main():
    args = [a for a in sys.argv[1:] if a != "--check"]
    folder = pathlib.Path(args[0])
    missing = {p.name for p in folder.glob("*.h")} - set(HEADERS)
    if missing:
        sys.exit(f"reference.py: add {', '.join(sorted(missing))} to HEADERS")
    lines = ["# Reference of the plugin ABI", "", "Made from the headers by `sdk/reference.py`; a test keeps it current.", ""]
    for name in HEADERS:
        lines += header(folder / name)
    text = "\n".join(lines).rstrip() + "\n"
    if "--check" not in sys.argv:
        sys.stdout.write(text)
    elif pathlib.Path(args[1]).read_text() != text:
        sys.exit("docs/plugins/REFERENCE.md is not current: "
                 "sdk/reference.py sdk/include/fusebox > docs/plugins/REFERENCE.md")


main()
