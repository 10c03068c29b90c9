"""The part of LogQL that the tests' Loki understands: a selector, line filters, json, label filters, line_format."""

import json
import re

STRING = r'"(?:[^"\\]|\\.)*"|`[^`]*`'
NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
OPERATOR = r"=~|!~|!=|="
MATCHER = re.compile(rf"\s*({NAME})\s*({OPERATOR})\s*({STRING})\s*,?")
STAGES = [
    ("filter", re.compile(rf"\s*(\|=|\|~|!=|!~)\s*({STRING})")),
    ("line_format", re.compile(rf"\s*\|\s*line_format\s+({STRING})")),
    ("json", re.compile(rf"\s*\|\s*json\b((?:\s*{NAME}\s*=\s*(?:{STRING})\s*,?)*)(?!\s*(?:{OPERATOR}))")),
    ("label", re.compile(rf"\s*\|\s*({NAME})\s*({OPERATOR})\s*({STRING})")),
]


class QueryError(ValueError):
    pass


def unquote(text):
    return text[1:-1] if text[0] == "`" else json.loads(text)


def compare(value, operator, wanted):
    if operator in ("=", "!="):
        return (value == wanted) == (operator == "=")
    return (re.fullmatch(wanted, value) is not None) == (operator == "=~")


def parse(query):
    """(matchers, stages)"""
    text = query.strip()
    if not text.startswith("{") or "}" not in text:
        raise QueryError("parse error : syntax error: expecting {")
    matchers, at = [], 1
    while True:
        found = MATCHER.match(text, at)
        if found is None:
            break
        matchers.append((found[1], found[2], unquote(found[3])))
        at = found.end()
    closing = re.compile(r"\s*\}").match(text, at)
    if closing is None or not any(op in ("=", "=~") and value for _, op, value in matchers):
        raise QueryError("queries require at least one matcher that is not empty")
    return matchers, parse_stages(text, closing.end())


def parse_stages(text, at):
    stages = []
    while text[at:].strip():
        for kind, pattern in STAGES:
            found = pattern.match(text, at)
            if found is not None:
                stages.append((kind, [group or "" for group in found.groups()]))
                at = found.end()
                break
        else:
            raise QueryError(f"parse error at col {at + 1}: syntax error")
    return stages


def flatten(value, prefix=""):
    for key, item in value.items():
        name = prefix + re.sub(r"[^a-zA-Z0-9_]", "_", key)
        if isinstance(item, dict):
            yield from flatten(item, name + "_")
        elif isinstance(item, str):
            yield name, item
        elif item is not None and not isinstance(item, list):
            yield name, json.dumps(item)


def run_json(arguments, line, labels):
    try:
        document = json.loads(line)
        extracted = dict(flatten(document))
    except (ValueError, AttributeError):
        return {**labels, "__error__": "JSONParserErr"}
    wanted = {found[1]: unquote(found[2])
              for found in re.finditer(rf"({NAME})\s*=\s*({STRING})", arguments)}
    if wanted:
        extracted = {name: extracted.get(source, "") for name, source in wanted.items()}
    return {**labels, **{name + "_extracted" if name in labels else name: value
                         for name, value in extracted.items()}}


def run_filter(operator, wanted, line):
    if operator in ("|=", "!="):
        return (wanted in line) == (operator == "|=")
    return (re.search(wanted, line) is not None) == (operator == "|~")


def run(stages, line, labels):
    """(line, labels) as the pipeline leaves them, or None when it filters the entry out."""
    for kind, arguments in stages:
        if kind == "filter":
            if not run_filter(arguments[0], unquote(arguments[1]), line):
                return None
        elif kind == "json":
            labels = run_json(arguments[0], line, labels)
        elif kind == "line_format":
            line = re.sub(rf"\{{\{{\s*\.({NAME})\s*\}}\}}", lambda found: labels.get(found[1], ""),
                          unquote(arguments[0]))
        elif not compare(labels.get(arguments[0], ""), arguments[1], unquote(arguments[2])):
            return None
    return line, labels
